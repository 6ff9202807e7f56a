"""Training curves: loss and test error by epoch, mean over seeds with the range between the extreme seeds."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator, ScalarFormatter

from poselift.analysis import options
from poselift.analysis.options import Grid, Marks
from poselift.analysis.runs import Run, read_run
from poselift.errors import run
from poselift.figures.style import PAGE_WIDTH, legend, look, mark, save, style

PANELS_A_ROW = 4

QUANTITIES = {"loss_total": "training loss", "mpjpe": "test MPJPE (mm)"}


def draw_curve(ax: Axes, lists: Sequence[Sequence[float | None]], architecture: str) -> None:
    """Mean and range over seeds by epoch, counted from 1, as far as all seeds go.

    An epoch that was not evaluated has None; it is passed over, as is one that not all seeds have.
    """
    n_epochs = min(map(len, lists))
    values = np.array([one[:n_epochs] for one in lists], dtype=float)
    known = np.isfinite(values).all(axis=0)
    epochs = np.arange(1, n_epochs + 1)[known]
    values = values[:, known]
    colour = look(architecture).colour
    marker = look(architecture).marker if len(epochs) == 1 else ""
    ax.plot(epochs, values.mean(axis=0), color=colour, linestyle=look(architecture).line, marker=marker)
    if len(lists) > 1 and len(epochs):
        ax.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.2, linewidth=0)


def draw(runs: Sequence[Run], grid: Grid, marks: Marks) -> Figure:
    """The figure, one page wide: for each size a panel of the loss and one of the test error."""
    panels = [(size, quantity) for size in grid.sizes for quantity in QUANTITIES]
    n_rows = -(-len(panels) // PANELS_A_ROW)
    n_columns = min(len(panels), PANELS_A_ROW)
    figure, axes = plt.subplots(
        n_rows, n_columns, figsize=(PAGE_WIDTH, 0.45 + 1.5 * n_rows), squeeze=False, layout="constrained"
    )
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    of_model = {
        (name, size): [
            run
            for run in runs
            if (run.settings.architecture, run.settings.size, run.settings.variant) == (name, size, None)
        ]
        for name in grid.architectures
        for size in grid.sizes
    }
    for ax, (size, quantity) in zip(axes.flat, panels, strict=False):
        for name in grid.architectures:
            if there := of_model[name, size]:
                draw_curve(ax, [run.epochs[quantity] for run in there], name)
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(MaxNLocator(nbins=4))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(ScalarFormatter())
        ax.set(title=size, xlabel="epoch", ylabel=QUANTITIES[quantity])
        ax.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
        ax.grid(axis="y")
    absent = [n for n in grid.architectures if not any(of_model[n, size] for size in grid.sizes)]
    legend(figure, grid.architectures, line=True, absent=absent)
    several = any(len(there) > 1 for there in of_model.values())
    note = "line: mean over seeds, band: lowest to highest seed" if several else "a single seed: no band"
    mark(figure, marks, grid.missing(run.settings.name for run in runs), note)
    return figure


def main(argv: list[str] | None = None) -> None:
    """Draw the training curves."""
    parser = options.parser("Draw the training curves.", *options.GRID, "dataset_title")
    parser.add_argument("--runs", type=Path, nargs="+", required=True, metavar="DIR", help="run folders")
    options.add_out(parser, "PDF to write; a PNG of the same name goes beside it")
    arguments = parser.parse_args(argv)
    runs = [read_run(folder) for folder in arguments.runs]
    with style():
        figure = draw(runs, options.grid(arguments), options.marks(arguments))
        save(figure, arguments.out, [folder / "metrics.json" for folder in arguments.runs])


if __name__ == "__main__":
    run(main)
