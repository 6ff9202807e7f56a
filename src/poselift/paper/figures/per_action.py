"""MPJPE per action of the models of one size after the last epoch, as a dot plot."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from poselift.errors import run
from poselift.paper import options
from poselift.paper.figures.comparison import draw_estimate, offsets
from poselift.paper.figures.style import COLUMN_WIDTH, MUTED, legend_handles, mark, save, style
from poselift.paper.options import Grid, Marks
from poselift.paper.results import names_in, per_seed, read


def draw(results: pd.DataFrame, grid: Grid, size: str, marks: Marks) -> Figure:
    """The figure, one column wide: actions by falling error, and their unweighted mean below."""

    def errors(architecture: str, action: str | None) -> pd.Series:
        group, name = ("action", action) if action else ("all", "")
        return per_seed(results, architecture, size, "mpjpe", "last", group, name)

    def over_all_models(action: str) -> float:
        return float(pd.concat([errors(name, action) for name in grid.architectures]).mean())

    actions = sorted(names_in(results, "action"), key=over_all_models, reverse=True)
    rows: list[str | None] = [*actions, None]
    figure, ax = plt.subplots(figsize=(COLUMN_WIDTH, 0.85 + 0.165 * len(rows)), layout="constrained")
    for y, action in enumerate(rows):
        for architecture, place in zip(
            grid.architectures, offsets(len(grid.architectures), 0.24), strict=True
        ):
            draw_estimate(ax, errors(architecture, action), y + place, architecture)
    ax.set_yticks(np.arange(len(rows)), [action or "Mean" for action in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.axhline(len(actions) - 0.5, color=MUTED, linewidth=0.5)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("MPJPE (mm)")
    ax.grid(axis="both")
    figure.legend(
        handles=legend_handles(grid.architectures), loc="outside upper center", ncols=len(grid.architectures)
    )
    mark(figure, marks, Grid(grid.architectures, (size,), grid.seeds).missing(results["run"]))
    return figure


def main(argv: list[str] | None = None) -> None:
    """Draw the errors per action."""
    parser = options.parser(
        "Draw the errors per action.", "results", *options.GRID, "dataset_title", "per_action_size"
    )
    options.add_out(parser, "PDF to write; a PNG of the same name goes beside it")
    arguments = parser.parse_args(argv)
    results = read(arguments.results)
    with style():
        figure = draw(results, options.grid(arguments), arguments.per_action_size, options.marks(arguments))
        save(figure, arguments.out)


if __name__ == "__main__":
    run(main)
