"""What is left of the error when the 2D poses are the truth: the models that were trained and tested so."""

import pandas as pd

from poselift.analysis.intervals import Model, grid_pairs
from poselift.analysis.published import Published
from poselift.analysis.results import GROUND_TRUTH_REFERENCE_LABELS, per_seed, summarise
from poselift.analysis.view import View
from poselift.config.experiment import GROUND_TRUTH_2D
from poselift.evaluation.metrics import METRICS
from poselift.tables.caption import caption_notice, sentences
from poselift.tables.cells import CHECKPOINTS, ErrorCells
from poselift.tables.table import Block, Cell, Column, Layout, Row, Table, by_size, estimated, plain

NEEDS = ("results", "published", "notice", "ground_truth_2d", "decimals", "statistics", "labels")
ONLY_WITH = "ground_truth_2d"
SWITCHES = ("groundtruth",)
LAYOUT = Layout(separation="3pt")

COLUMNS = (("mpjpe", "last"), ("p_mpjpe", "last"), ("mpjpe", "best"))


def table(results: pd.DataFrame, published: Published | None, view: View) -> Table | None:
    """The table, None without such runs. The last column is the error of the same model on detections, last
    epoch. Published rows are shown by their error on ground-truth 2D, best epoch, where they have a sure one.
    """
    grid, decimals = view.ground_truth_2d, view.decimals
    if grid is None:
        return None
    cells = ErrorCells(results, view, {"ground_truth_2d": grid_pairs(grid)})

    def row(architecture: str, size: str) -> Row:
        model, base = (Model(name, size, GROUND_TRUTH_2D) for name in (architecture, grid.base))
        errors = (cells.error(model, metric, checkpoint, base) for metric, checkpoint in COLUMNS)
        detected = summarise(per_seed(results, architecture, size, "mpjpe", "last"))
        return Cell(view.label(architecture)), *errors, estimated(detected, decimals)

    theirs = tuple(
        (Cell(f"{row.method} ({row.frames} frames)", cite=row.cite, span=3), plain(error, decimals))
        for row in (published.rows if published else ())
        if (error := row.number("mpjpe_ground_truth_2d")) is not None and row.sure != "C"
    )
    references = cells.references(GROUND_TRUTH_REFERENCE_LABELS, ("mpjpe", "p_mpjpe"))
    starred = f"from {view.label(grid.base)} of its size"
    blocks = (Block(references), Block(theirs), *by_size(grid, row))
    return Table(
        "Lifting the true 2D poses",
        sentences(
            f"Lifting the true 2D poses of {view.notice.dataset_title} in training and test, in mm; for "
            "comparison the MPJPE of the same models on detected 2D, last epoch.",
            cells.spread_note(),
            cells.star_note(starred, grid.seeds),
        ),
        caption_notice(view.notice, grid.missing(results["run"])),
        (
            Column("Model", kind="text"),
            *(Column(METRICS[metric].label, CHECKPOINTS[checkpoint]) for metric, checkpoint in COLUMNS),
            Column("MPJPE", "Detected"),
        ),
        blocks,
        "Size",
    )
