"""MPJPE and P-MPJPE of every model after the last epoch: each seed, their mean, the mean's interval."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from poselift.analysis import options
from poselift.analysis.names import METRIC_LABELS
from poselift.analysis.options import Grid, Marks
from poselift.analysis.results import per_seed, read
from poselift.errors import run
from poselift.evaluation.statistics import seed_interval
from poselift.figures.dots import draw_model, draw_seeds, fit, note, offsets, write_missing
from poselift.figures.style import COLUMN_WIDTH, GRID, legend, mark, save, style

METRICS_SHOWN = ("mpjpe", "p_mpjpe")


def draw(results: pd.DataFrame, grid: Grid, marks: Marks, confidence: float = 0.95) -> Figure:
    """The figure, one column wide: a panel a metric, a row a size; models without a run are named."""
    height = 0.85 + len(grid.sizes) * (0.12 + 0.11 * len(grid.architectures))
    figure, axes = plt.subplots(
        1, len(METRICS_SHOWN), figsize=(COLUMN_WIDTH, height), sharey=True, layout="constrained"
    )
    n_seeds, cut = 0, False
    for ax, metric in zip(axes, METRICS_SHOWN, strict=True):
        shown = []
        for row, size in enumerate(grid.sizes):
            for architecture, place in zip(grid.architectures, offsets(len(grid.architectures)), strict=True):
                values = per_seed(results, architecture, size, metric, "last")
                if values.empty:
                    write_missing(ax, row + place)
                draw_seeds(ax, values, row + place, architecture)
                draw_model(ax, values, row + place, architecture, confidence)
                shown.append((row + place, values, seed_interval(values, confidence)))
        cut |= fit(ax, shown)
        n_seeds = max(n_seeds, *(len(values) for _, values, _ in shown))
        ax.set(
            xlabel=f"{METRIC_LABELS[metric]} (mm)", yticks=np.arange(len(grid.sizes)), yticklabels=grid.sizes
        )
        ax.set_ylim(len(grid.sizes) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x")
        for row in range(1, len(grid.sizes)):
            ax.axhline(row - 0.5, color=GRID, linewidth=0.5)
    ticks = "ticks: seeds\n" if n_seeds > 1 else ""
    legend(figure, grid.architectures)
    mark(figure, marks, grid.missing(results["run"]), ticks + note(n_seeds, confidence, cut))
    return figure


def main(argv: list[str] | None = None) -> None:
    """Draw the main comparison."""
    parser = options.parser("Draw the errors of all models.", "results", *options.GRID, "dataset_title")
    options.add_out(parser, "PDF to write; a PNG of the same name goes beside it")
    arguments = parser.parse_args(argv)
    results = read(arguments.results)
    confidence = options.statistics(arguments).confidence
    with style():
        figure = draw(results, options.grid(arguments), options.marks(arguments), confidence)
        save(figure, arguments.out, [arguments.results])


if __name__ == "__main__":
    run(main)
