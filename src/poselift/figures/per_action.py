"""MPJPE per action of the models of one size after the last epoch, as a dot plot."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from poselift.analysis.results import names_in, per_seed
from poselift.analysis.view import View
from poselift.figures.dots import Row, draw_row, fit, name_rows, note
from poselift.figures.style import COLUMN_WIDTH, MUTED, annotate, legend, literal

NEEDS = ("results", "notice", "grid", "per_action_size", "statistics", "cards")
CAPTION = """
MPJPE per action on {{ data }}, size {{ size }}, last epoch, by falling error.
"""


def draw(results: pd.DataFrame, view: View) -> Figure:
    """The figure, one column wide: actions by falling error, and their unweighted mean below."""
    grid, size, confidence = view.grid, view.per_action_size, view.statistics.confidence

    def errors(architecture: str, action: str | None) -> pd.Series:
        group, name = ("action", action) if action else ("all", "")
        return per_seed(results, architecture, size, "mpjpe", "last", group, name)

    def over_all_models(action: str) -> float:
        return float(pd.concat([errors(name, action) for name in grid.architectures]).mean())

    actions = sorted(names_in(results, "action"), key=over_all_models, reverse=True)
    rows: list[str | None] = [*actions, None]
    figure, ax = plt.subplots(figsize=(COLUMN_WIDTH, 0.95 + 0.165 * len(rows)), layout="constrained")
    shown: list[Row] = []
    for y, action in enumerate(rows):
        shown += draw_row(ax, y, {name: errors(name, action) for name in grid.architectures}, view)
    cut = fit(ax, shown)
    names = [literal(action) if action else "Mean" for action in rows]
    name_rows(ax, range(len(rows)), names, (len(rows) - 0.4, -0.6))
    ax.axhline(len(actions) - 0.5, color=MUTED, linewidth=0.5)
    ax.set_xlabel("MPJPE (mm)")
    ax.grid(axis="y")
    legend(figure, view, absent=[n for n in grid.architectures if errors(n, None).empty])
    n_seeds = max(len(values) for _, values, _ in shown)
    annotate(figure, view.notice, view.detail.missing(results["run"]), note(n_seeds, confidence, cut))
    return figure
