"""The main comparison: every model, all metrics, last and best epoch, beside the two reference rows."""

import pandas as pd

from poselift.analysis.intervals import grid_pairs
from poselift.analysis.results import REFERENCE_LABELS, metrics_in, names_in
from poselift.analysis.view import View
from poselift.evaluation.metrics import METRICS
from poselift.tables.caption import caption_notice, sentences
from poselift.tables.cells import CHECKPOINTS, ErrorCells
from poselift.tables.table import Block, Cell, Column, Layout, Row, Table, by_size

NEEDS = ("results", "notice", "grid", "decimals", "statistics", "labels")
LAYOUT = Layout(wide=True, separation="2.9pt")


def table(results: pd.DataFrame, view: View) -> Table:
    """The table; a model without runs shows dashes, and the caption then says DRAFT."""
    grid, metrics = view.grid, metrics_in(results)
    cells = ErrorCells(results, view, {"grid": grid_pairs(grid)})

    def row(architecture: str, size: str) -> Row:
        return Cell(view.label(architecture)), *cells.compared(architecture, size, metrics)

    blocks = (Block(cells.references(REFERENCE_LABELS, metrics)), *by_size(grid, row))
    return Table(
        "Errors of all models",
        sentences(
            f"Errors on {view.notice.dataset_title}: mean over the frames of an action, then over "
            f"{len(names_in(results, 'action'))} actions. MPJPE, P-MPJPE and N-MPJPE in mm, MPJVE in "
            "mm/frame, acceleration error in mm/frame²; lower is better.",
            cells.comparison_note(),
            "The best epoch is chosen on the test set, as in prior work; the last epoch is not chosen.",
        ),
        caption_notice(view.notice, grid.missing(results["run"])),
        (
            Column("Model", kind="text"),
            *(
                Column("Accel." if metric == "acceleration" else METRICS[metric].label, group)
                for group in CHECKPOINTS.values()
                for metric in metrics
            ),
        ),
        blocks,
        "Size",
    )
