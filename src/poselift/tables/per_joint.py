"""Errors per joint, for the models of one size after the last epoch: beside the paper, which draws them."""

import pandas as pd

from poselift.analysis.options import Grid, Marks
from poselift.errors import run
from poselift.paper.latex import Layout
from poselift.tables import by_name
from poselift.tables.table import Table

METRICS_SHOWN = ("mpjpe",)
LAYOUT = Layout()


def table(results: pd.DataFrame, grid: Grid, size: str, marks: Marks, decimals: int) -> Table:
    """The table: a row a joint, and the error of whole poses."""
    last_row = "The last row is the error of whole poses."
    return by_name.table(results, grid, size, marks, decimals, "joint", METRICS_SHOWN, last_row)


def main(argv: list[str] | None = None) -> None:
    """Write the table of errors per joint."""
    by_name.write_from_options(argv, "joint", table, LAYOUT)


if __name__ == "__main__":
    run(main)
