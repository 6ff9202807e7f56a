"""Errors per action, for the models of one size after the last epoch."""

import pandas as pd

from poselift.errors import run
from poselift.paper import options
from poselift.paper.latex import Layout
from poselift.paper.options import Grid, Marks
from poselift.paper.results import read
from poselift.paper.table import Table
from poselift.paper.tables import by_name
from poselift.paper.tables.output import write

METRICS_SHOWN = ("mpjpe", "p_mpjpe")
LAYOUT = Layout(wide=True)


def table(results: pd.DataFrame, grid: Grid, size: str, marks: Marks, decimals: int) -> Table:
    """The table: a row an action, and their unweighted mean, which is the overall number."""
    last_row = "The last row is the unweighted mean over actions."
    return by_name.table(results, grid, size, marks, decimals, "action", METRICS_SHOWN, last_row)


def main(argv: list[str] | None = None) -> None:
    """Write the table of errors per action."""
    parser = options.parser(
        "Write the table of errors per action.",
        "results",
        *options.GRID,
        "dataset_title",
        "decimals",
        "per_action_size",
    )
    options.add_out(parser)
    arguments = parser.parse_args(argv)
    content = table(
        read(arguments.results),
        options.grid(arguments),
        arguments.per_action_size,
        options.marks(arguments),
        arguments.decimals,
    )
    write(arguments.out, "per_action", content, LAYOUT)


if __name__ == "__main__":
    run(main)
