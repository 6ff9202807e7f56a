"""Errors by action, or by joint, for the models of one size after the last epoch."""

from collections.abc import Sequence

import pandas as pd

from poselift.analysis.results import names_in, per_seed, summarise
from poselift.analysis.view import View
from poselift.evaluation.metrics import METRICS
from poselift.tables.table import (
    Block,
    Cell,
    Column,
    Table,
    caption_notice,
    estimated,
    sentences,
    spread_note,
)


def by_name(results: pd.DataFrame, view: View, group: str, metrics: Sequence[str], last_row: str) -> Table:
    """The table: a row for each name of the `group` of results.csv, then the overall number; `last_row` says
    of what."""
    size = view.per_action_size
    columns = [(metric, architecture) for metric in metrics for architecture in view.grid.architectures]

    def row(label: str, group: str = "all", name: str = "") -> tuple[Cell, ...]:
        values = (
            per_seed(results, architecture, size, metric, "last", group, name)
            for metric, architecture in columns
        )
        return Cell(label), *(estimated(summarise(each), view.decimals) for each in values)

    overall = [summarise(per_seed(results, name, size, metric, "last")) for metric, name in columns]
    return Table(
        f"per_{group}",
        f"Errors per {group}",
        sentences(
            f"Errors per {group} in mm on {view.notice.dataset_title}, size {size}, last epoch.",
            spread_note(overall),
            last_row,
        ),
        caption_notice(view.notice, view.detail.missing(results["run"])),
        (
            Column(group.capitalize(), kind="text"),
            *(Column(view.label(name), METRICS[metric].label) for metric, name in columns),
        ),
        (
            Block(tuple(row(name, group, name) for name in names_in(results, group))),
            Block((row("Mean"),)),
        ),
    )
