"""MPJPE and P-MPJPE of every model after the last epoch: each seed, their mean, their standard deviation."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poselift.errors import run
from poselift.paper import options
from poselift.paper.figures.style import COLUMN_WIDTH, legend_handles, look, mark, save, style
from poselift.paper.names import METRIC_LABELS
from poselift.paper.options import Grid, Marks
from poselift.paper.results import per_seed, read, summarise

METRICS_SHOWN = ("mpjpe", "p_mpjpe")


def offsets(n: int, step: float) -> np.ndarray:
    """Where the n models of one row stand, centred on the row."""
    return (np.arange(n) - (n - 1) / 2) * step


def draw_estimate(ax: Axes, values: pd.Series, y: float, architecture: str) -> None:
    """The mean over seeds at height `y`, with a bar for the standard deviation if there are several seeds."""
    estimate = summarise(values)
    if estimate is None:
        return
    ax.errorbar(
        estimate.mean,
        y,
        xerr=estimate.std,
        fmt=look(architecture).marker,
        color=look(architecture).colour,
        markersize=3.6,
        elinewidth=0.9,
        zorder=3,
    )


def draw(results: pd.DataFrame, grid: Grid, marks: Marks) -> Figure:
    """The figure, one column wide: a panel a metric, a row a size."""
    rows = np.arange(len(grid.sizes))
    height = 0.75 + len(grid.sizes) * (0.12 + 0.11 * len(grid.architectures))
    figure, axes = plt.subplots(
        1, len(METRICS_SHOWN), figsize=(COLUMN_WIDTH, height), sharey=True, layout="constrained"
    )
    for ax, metric in zip(axes, METRICS_SHOWN, strict=True):
        for row, size in zip(rows, grid.sizes, strict=True):
            places = offsets(len(grid.architectures), 0.24)
            for architecture, place in zip(grid.architectures, places, strict=True):
                values = per_seed(results, architecture, size, metric, "last")
                ax.plot(
                    values,
                    np.full(len(values), row + place),
                    linestyle="",
                    marker="|",
                    color=look(architecture).colour,
                    alpha=0.5,
                    markersize=4,
                )
                draw_estimate(ax, values, row + place, architecture)
        ax.set(xlabel=f"{METRIC_LABELS[metric]} (mm)", yticks=rows, yticklabels=grid.sizes)
        ax.set_ylim(len(grid.sizes) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x")
        ax.margins(x=0.08)
        for boundary in rows[1:]:
            ax.axhline(boundary - 0.5, color="#dddddd", linewidth=0.5)
    figure.legend(
        handles=legend_handles(grid.architectures), loc="outside upper center", ncols=len(grid.architectures)
    )
    mark(figure, marks, grid.missing(results["run"]))
    return figure


def main(argv: list[str] | None = None) -> None:
    """Draw the main comparison."""
    parser = options.parser("Draw the errors of all models.", "results", *options.GRID, "dataset_title")
    options.add_out(parser, "PDF to write; a PNG of the same name goes beside it")
    arguments = parser.parse_args(argv)
    results = read(arguments.results)
    with style():
        save(draw(results, options.grid(arguments), options.marks(arguments)), arguments.out)


if __name__ == "__main__":
    run(main)
