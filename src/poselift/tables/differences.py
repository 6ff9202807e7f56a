"""The differences between the architectures of each size, with their intervals."""

from itertools import combinations

import pandas as pd

from poselift.analysis.intervals import Differences, Model
from poselift.analysis.names import METRIC_LABELS, architecture_label
from poselift.analysis.options import Grid, Marks
from poselift.config.experiment import Statistics
from poselift.errors import run
from poselift.paper.latex import Layout
from poselift.tables.output import write_comparison
from poselift.tables.table import (
    Block,
    Cell,
    Column,
    Table,
    caption_marks,
    changed,
    sentences,
    significance_note,
)

METRICS_SHOWN = ("mpjpe", "p_mpjpe")
LAYOUT = Layout(separation="3pt", titles="row")


def table(results: pd.DataFrame, grid: Grid, marks: Marks, decimals: int, statistics: Statistics) -> Table:
    """The table: a row a pair of models of one size, errors after the last epoch."""
    differences = Differences(results, statistics)

    def row(first: str, second: str, size: str) -> tuple[Cell, ...]:
        pair = Model(second, size), Model(first, size)
        return (
            Cell(f"{architecture_label(second)} − {architecture_label(first)}"),
            *(changed(differences.difference(*pair, metric, "last"), decimals) for metric in METRICS_SHOWN),
        )

    return Table(
        "differences",
        "Differences between models",
        sentences(
            f"Differences of errors after the last epoch on {marks.dataset_title}, in mm, with their "
            "intervals (negative: the first model has the lower error).",
            significance_note(statistics, grid.seeds, "Star: the interval leaves out zero."),
        ),
        caption_marks(marks, grid.missing(results["run"])),
        (Column("Models", kind="text"), *(Column(METRIC_LABELS[metric]) for metric in METRICS_SHOWN)),
        tuple(
            Block(tuple(row(*pair, size) for pair in combinations(grid.architectures, 2)), size)
            for size in grid.sizes
        ),
        "Size",
    )


def main(argv: list[str] | None = None) -> None:
    """Write the table of differences."""
    write_comparison(argv, "differences", "Write the table of differences.", table, LAYOUT)


if __name__ == "__main__":
    run(main)
