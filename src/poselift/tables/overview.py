"""The main comparison in short: MPJPE and P-MPJPE of every model after the last epoch."""

import pandas as pd

from poselift.analysis.intervals import grid_pairs
from poselift.analysis.results import REFERENCE_LABELS
from poselift.analysis.view import View
from poselift.evaluation.metrics import METRICS
from poselift.tables.caption import caption_notice, sentences
from poselift.tables.cells import ErrorCells
from poselift.tables.table import Block, Cell, Layout, Row, Table, by_size, columns

NEEDS = ("results", "notice", "grid", "decimals", "statistics", "labels")
LAYOUT = Layout(separation="4pt")

METRICS_SHOWN = ("mpjpe", "p_mpjpe")


def table(results: pd.DataFrame, view: View) -> Table:
    """The table: two columns of `main`, whose models it has."""
    grid = view.grid
    cells = ErrorCells(results, view, {"grid": grid_pairs(grid)})

    def row(architecture: str, size: str) -> Row:
        return Cell(view.label(architecture)), *cells.compared(architecture, size, METRICS_SHOWN, ("last",))

    blocks = (Block(cells.references(REFERENCE_LABELS, METRICS_SHOWN)), *by_size(grid, row))
    return Table(
        "Errors of all models in short",
        sentences(
            f"Errors on {view.notice.dataset_title} after the last epoch, in mm; lower is better.",
            cells.comparison_note(),
        ),
        caption_notice(view.notice, grid.missing(results["run"])),
        (*columns("text", "Model"), *columns("spread", *(METRICS[each].label for each in METRICS_SHOWN))),
        blocks,
        "Size",
    )
