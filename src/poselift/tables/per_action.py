"""Errors per action, for the models of one size after the last epoch."""

import pandas as pd

from poselift.analysis.options import Grid, Marks
from poselift.errors import run
from poselift.paper.latex import Layout
from poselift.tables import by_name
from poselift.tables.table import Table

METRICS_SHOWN = ("mpjpe", "p_mpjpe")
LAYOUT = Layout(wide=True)


def table(results: pd.DataFrame, grid: Grid, size: str, marks: Marks, decimals: int) -> Table:
    """The table: a row an action, and their unweighted mean, which is the overall number."""
    last_row = "The last row is the unweighted mean over actions."
    return by_name.table(results, grid, size, marks, decimals, "action", METRICS_SHOWN, last_row)


def main(argv: list[str] | None = None) -> None:
    """Write the table of errors per action."""
    by_name.write_from_options(argv, "action", table, LAYOUT)


if __name__ == "__main__":
    run(main)
