"""Errors by action, or by joint, for the models of one size after the last epoch."""

from collections.abc import Sequence

import pandas as pd

from poselift.analysis.intervals import Model
from poselift.analysis.results import names_in
from poselift.analysis.view import View
from poselift.evaluation.metrics import METRICS
from poselift.tables.caption import caption_notice, sentences
from poselift.tables.cells import ErrorCells
from poselift.tables.table import Block, Cell, Column, Row, Table


def by_name(results: pd.DataFrame, view: View, group: str, metrics: Sequence[str], last_row: str) -> Table:
    """The table: a row for each name of the `group` of results.csv, then the overall number; `last_row` says
    of what."""
    size, cells = view.per_action_size, ErrorCells(results, view)
    columns = [(metric, architecture) for metric in metrics for architecture in view.grid.architectures]

    def row(label: str, of: tuple[str, str] = ("all", "")) -> Row:
        return Cell(label), *(cells.error(Model(name, size), metric, of=of) for metric, name in columns)

    rows = tuple(row(name, (group, name)) for name in names_in(results, group))
    blocks = (Block(rows), Block((row("Mean"),)))
    return Table(
        f"Errors per {group}",
        sentences(
            f"Errors per {group} in mm on {view.notice.dataset_title}, size {size}, last epoch.",
            cells.spread_note(),
            last_row,
        ),
        caption_notice(view.notice, view.detail.missing(results["run"])),
        (
            Column(group.capitalize(), kind="text"),
            *(Column(view.label(name), METRICS[metric].label) for metric, name in columns),
        ),
        blocks,
    )
