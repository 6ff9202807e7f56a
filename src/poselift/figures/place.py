"""MPJPE by a frame's place in the clip after the last epoch: the ends see least of what surrounds them."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from poselift.analysis import options
from poselift.analysis.options import Grid, Marks
from poselift.analysis.results import names_in, per_seed, read
from poselift.errors import run
from poselift.figures.style import COLUMN_WIDTH, legend, look, mark, save, style


def by_place(results: pd.DataFrame, architecture: str, size: str) -> pd.DataFrame:
    """MPJPE in mm: a row a place in the clip, from 0, a column a seed; empty without a run."""
    rows = results[results["group"] == "place"]
    places = sorted(names_in(rows, "place"), key=int)
    errors = {
        int(place): per_seed(rows, architecture, size, "mpjpe", "last", "place", place) for place in places
    }
    return pd.DataFrame(errors).T.sort_index().dropna(how="all")


def draw(results: pd.DataFrame, grid: Grid, size: str, marks: Marks) -> Figure:
    """The figure, one column wide: a line an architecture, the band from the lowest to the highest seed."""
    figure, ax = plt.subplots(figsize=(COLUMN_WIDTH, 2.1), layout="constrained")
    absent, n_seeds, longest = [], 0, 1
    for name in grid.architectures:
        errors = by_place(results, name, size)
        if errors.empty:
            absent.append(name)
            continue
        places = errors.index.to_numpy() + 1
        colour = look(name).colour
        marker = look(name).marker if len(places) < 20 else ""
        ax.plot(
            places, errors.mean(axis=1), color=colour, linestyle=look(name).line, marker=marker, markersize=3
        )
        ax.fill_between(places, errors.min(axis=1), errors.max(axis=1), color=colour, alpha=0.2, linewidth=0)
        longest = max(longest, places[-1])
        n_seeds = max(n_seeds, errors.shape[1])
    ax.set(xlabel=f"frame of the clip ({size})", ylabel="MPJPE (mm)")
    ax.set_xlim(1, max(longest, 2))
    ax.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1))
    ax.grid(axis="y")
    legend(figure, grid.architectures, line=True, absent=absent)
    note = "line: mean over seeds, band: lowest to highest seed" if n_seeds > 1 else "a single seed: no band"
    mark(figure, marks, Grid(grid.architectures, (size,), grid.seeds).missing(results["run"]), note)
    return figure


def main(argv: list[str] | None = None) -> None:
    """Draw the error over the clip's position."""
    parser = options.parser(
        "Draw the error by place in the clip.", "results", *options.GRID, "dataset_title", "per_action_size"
    )
    options.add_out(parser, "PDF to write; a PNG of the same name goes beside it")
    arguments = parser.parse_args(argv)
    results = read(arguments.results)
    with style():
        figure = draw(results, options.grid(arguments), arguments.per_action_size, options.marks(arguments))
        save(figure, arguments.out, [arguments.results])


if __name__ == "__main__":
    run(main)
