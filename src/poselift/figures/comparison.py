"""MPJPE and P-MPJPE of every model after the last epoch: each seed, their mean, the mean's interval."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from poselift.analysis.results import per_seed
from poselift.analysis.view import View
from poselift.evaluation.metrics import METRICS
from poselift.figures.dots import Row, draw_row, fit, name_rows, note
from poselift.figures.style import COLUMN_WIDTH, GRID, annotate, legend

NEEDS = ("results", "notice", "grid", "statistics", "cards")
CAPTION = """
Errors after the last epoch on {{ data }}, lower is better.
"""

METRICS_SHOWN = ("mpjpe", "p_mpjpe")


def draw(results: pd.DataFrame, view: View) -> Figure:
    """The figure, one column wide: a panel per metric, a row per size; models without a run are named."""
    grid, confidence = view.grid, view.statistics.confidence
    height = 0.85 + len(grid.sizes) * (0.12 + 0.11 * len(grid.architectures))
    figure, axes = plt.subplots(1, 2, figsize=(COLUMN_WIDTH, height), sharey=True, layout="constrained")
    n_seeds, cut = 0, False
    for ax, metric in zip(axes, METRICS_SHOWN, strict=True):
        shown: list[Row] = []
        for row, size in enumerate(grid.sizes):
            errors = {name: per_seed(results, name, size, metric, "last") for name in grid.architectures}
            shown += draw_row(ax, row, errors, view, seeds=True)
        cut |= fit(ax, shown)
        n_seeds = max(n_seeds, *(len(values) for _, values, _ in shown))
        ax.set_xlabel(f"{METRICS[metric].label} (mm)")
        name_rows(ax, range(len(grid.sizes)), grid.sizes, (len(grid.sizes) - 0.5, -0.5))
        for row in range(1, len(grid.sizes)):
            ax.axhline(row - 0.5, color=GRID, linewidth=0.5)
    legend(figure, view)
    annotate(figure, view.notice, grid.missing(results["run"]), note(n_seeds, confidence, cut, seeds=True))
    return figure
