"""Each model beside the smallest baseline of no fewer parameters: the difference of their errors."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from poselift.analysis.costs import MILLION, Cost, decimals_for
from poselift.analysis.equal_cost import pairs
from poselift.analysis.intervals import Differences, Model
from poselift.analysis.view import View
from poselift.evaluation.metrics import METRICS
from poselift.figures.changes import draw_change, note_on_changes
from poselift.figures.dots import Row, fit, name_rows, write_instead
from poselift.figures.style import COLUMN_WIDTH, INK, annotate, legend, literal

NEEDS = ("results", "costs", "notice", "grid", "statistics", "cards")
CAPTION = """
Each model beside the smallest one of the reference architecture with at least as many parameters (in
brackets), if there is one: the difference of their MPJPE on {{ data }} after the last epoch, paired by
recording and seed. Left of zero the model has the lower error with no more parameters.
"""


def draw(results: pd.DataFrame, costs: dict[tuple[str, str], Cost], view: View) -> Figure:
    """The figure, one column wide: a pair per row, exploratory and so without significance."""
    grid, statistics = view.grid, view.statistics
    found = pairs(grid, costs)
    differences = Differences(results, statistics)
    figure, ax = plt.subplots(figsize=(COLUMN_WIDTH, 1.35 + 0.34 * len(found)), layout="constrained")

    millions = {model: costs[model[:2]].parameters / MILLION for pair in found for model in pair}
    places = decimals_for(list(millions.values()))

    def name(model: Model) -> str:
        return f"{literal(view.label(model.architecture))}, {model.size} ({millions[model]:.{places}f} M)"

    changes = [differences.difference(*pair, "mpjpe", "last") for pair in found]
    rows: list[Row] = [(0.0, [0.0], None)]
    for y, (pair, change) in enumerate(zip(found, changes, strict=True)):
        drawn = draw_change(ax, y, results, pair, change, view.card(pair[0].architecture), filled=False)
        rows += [(y, [*points, *(ends or ())], None) for _, points, ends in drawn]  # no interval is cut off
    fit(ax, rows)
    ax.axvline(0, color=INK, linewidth=0.6, zorder=1)
    if found:
        labels = [f"{name(model)}\nbeside {name(rival)}" for model, rival in found]
        name_rows(ax, range(len(found)), labels, (len(found) - 0.5, -0.5))
        ax.set_xlabel(f"difference of {METRICS['mpjpe'].label} (mm)")
        legend(figure, view, list(dict.fromkeys(model.architecture for model, _ in found)))
    else:
        write_instead(ax, "no model beside one of no fewer parameters")
    there = [change for change in changes if change]
    note = note_on_changes(there, statistics.confidence, "hollow: exploratory, not corrected")
    annotate(figure, view.notice, grid.missing(results["run"]), note)
    return figure
