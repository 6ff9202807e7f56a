"""The differences between the architectures of each size, with their intervals."""

from itertools import combinations

import pandas as pd

from poselift.analysis.intervals import Differences, Model
from poselift.analysis.view import View
from poselift.evaluation.metrics import METRICS
from poselift.tables.table import (
    Block,
    Cell,
    Column,
    Layout,
    Table,
    caption_notice,
    changed,
    sentences,
    significance_note,
)

NEEDS = ("results", "notice", "grid", "decimals", "statistics", "labels")
LAYOUT = Layout(separation="3pt", titles="row")

METRICS_SHOWN = ("mpjpe", "p_mpjpe")


def table(results: pd.DataFrame, view: View) -> Table:
    """The table: a row per pair of models of one size, errors after the last epoch."""
    differences, grid = Differences(results, view.statistics), view.grid

    def row(first: str, second: str, size: str) -> tuple[Cell, ...]:
        pair = Model(second, size), Model(first, size)
        changes = (differences.difference(*pair, metric, "last") for metric in METRICS_SHOWN)
        label = f"{view.label(second)} − {view.label(first)}"
        return Cell(label), *(changed(change, view.decimals) for change in changes)

    return Table(
        "differences",
        "Differences between models",
        sentences(
            f"Differences of errors after the last epoch on {view.notice.dataset_title}, in mm, with their "
            "intervals (negative: the first model has the lower error).",
            significance_note(view.statistics, grid.seeds, "Star: the interval leaves out zero."),
        ),
        caption_notice(view.notice, grid.missing(results["run"])),
        (Column("Models", kind="text"), *(Column(METRICS[metric].label) for metric in METRICS_SHOWN)),
        tuple(
            Block(tuple(row(*pair, size) for pair in combinations(grid.architectures, 2)), size)
            for size in grid.sizes
        ),
        "Size",
    )
