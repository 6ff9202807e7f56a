"""Each model beside the smallest baseline of no fewer parameters: the difference of their errors."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from poselift.analysis.costs import MILLION, Cost, decimals_for
from poselift.analysis.equal_cost import pairs
from poselift.analysis.intervals import Differences, Model
from poselift.analysis.view import View
from poselift.evaluation.metrics import METRICS
from poselift.figures.changes import Change, draw_changes, note_on_changes
from poselift.figures.style import COLUMN_WIDTH, annotate, legend, literal

NEEDS = ("results", "costs", "notice", "grid", "statistics", "cards")
CAPTION = """
Each model beside the smallest one of the reference architecture with at least as many parameters (in
brackets), if there is one: the difference of their MPJPE on {{ data }} after the last epoch, paired by
recording and seed. Left of zero the model has the lower error with no more parameters.
"""


def draw(results: pd.DataFrame, costs: dict[tuple[str, str], Cost], view: View) -> Figure:
    """The figure, one column wide: a pair per row, exploratory and so without significance."""
    found = pairs(view.grid, costs)
    differences = Differences(results, view.statistics)
    millions = {model: costs[model[:2]].parameters / MILLION for pair in found for model in pair}
    places = decimals_for(list(millions.values()))

    def name(model: Model) -> str:
        return f"{literal(view.label(model.architecture))}, {model.size} ({millions[model]:.{places}f} M)"

    def change(model: Model, rival: Model) -> Change:
        interval = differences.difference(model, rival, "mpjpe", "last")
        label = f"{name(model)}\nbeside {name(rival)}"
        return Change(label, (model, rival), interval, view.card(model.architecture))

    changes = [change(*pair) for pair in found]
    figure, ax = plt.subplots(figsize=(COLUMN_WIDTH, 1.35 + 0.34 * len(changes)), layout="constrained")
    draw_changes(ax, changes, results, without="no model beside one of no fewer parameters", whole=True)
    if changes:
        ax.set_xlabel(f"difference of {METRICS['mpjpe'].label} (mm)")
        legend(figure, view, list(dict.fromkeys(model.architecture for model, _ in found)))
    note = note_on_changes(changes, view.statistics.confidence, "hollow: exploratory, not corrected")
    annotate(figure, view.notice, view.grid.missing(results["run"]), note)
    return figure
