"""The second data set, MPI-INF-3DHP: every model's PCK, AUC and MPJPE beside published results.

Without results, because the configuration names no second data set, the table is left out and the text says
so. Published rows are shown only for the real data.
"""

import pandas as pd

from poselift.analysis.published import Number, Published, Row
from poselift.analysis.results import Estimate, per_seed, summarise
from poselift.analysis.view import View
from poselift.evaluation.metrics import METRICS
from poselift.tables.caption import caption_notice, sentences, spread_note
from poselift.tables.table import Block, Cell, Column, Layout, Table, estimated, plain

NEEDS = ("results", "published", "notice", "grid", "decimals", "labels")
ONLY_WITH = "results"
SWITCHES = ("second", "secondsynthetic")
DATASET = "mpi_inf_3dhp"
LAYOUT = Layout(wide=True)

METRICS_SHOWN: tuple[Number, ...] = ("pck", "auc", "mpjpe")
CHECKPOINTS = {"last": "Last epoch", "best": "Best epoch"}


def table(results: pd.DataFrame, published: Published | None, view: View) -> Table:
    """The table: published rows that are sure enough, then ours, last and best epoch."""
    estimates: list[Estimate | None] = []
    shown = [row for row in (published.rows if published else ()) if row.sure != "C"]
    n_frames = sorted(map(int, results["n_frames"].unique()))
    frames = Cell(", ".join(map(str, n_frames)), value=n_frames[0])

    def ours(architecture: str, size: str) -> tuple[Cell, ...]:
        row = [
            summarise(per_seed(results, architecture, size, metric, checkpoint))
            for checkpoint in CHECKPOINTS
            for metric in METRICS_SHOWN
        ]
        estimates.extend(row)
        label = f"{'Ours: ' if shown else ''}{view.label(architecture)}"
        return Cell(label), Cell(size), frames, *(estimated(estimate, view.decimals) for estimate in row)

    def theirs(row: Row) -> tuple[Cell, ...]:
        return (
            Cell(row.method, cite=row.cite),
            Cell(),
            plain(row.frames, 0),
            *[Cell()] * len(METRICS_SHOWN),
            *(plain(row.number(metric), 1) for metric in METRICS_SHOWN),
            Cell(row.sure),
        )

    blocks = [Block(tuple(ours(name, size) for name in view.grid.architectures)) for size in view.grid.sizes]
    return Table(
        "mpi_inf_3dhp",
        "MPI-INF-3DHP",
        sentences(
            f"Results on {view.notice.dataset_title} with annotated 2D input: PCK at "
            "150\N{NARROW NO-BREAK SPACE}mm and AUC from 0 to "
            "150\N{NARROW NO-BREAK SPACE}mm over 14 joints, in percent (higher is better), MPJPE over 17 "
            "joints in mm (lower is better); means over all valid test frames. Our clips have "
            f"{frames.text} frames.",
            "MotionAGFormer's code chooses the best epoch on the test set, as the right half does, and "
            "scales its predictions for TS5 and TS6 by the width of their images, which ours does not. "
            "Source: A, the authors' repository or paper; B, a leaderboard or third text."
            if shown
            else "",
            spread_note(estimates),
        ),
        caption_notice(view.notice, view.grid.missing(results["run"])),
        (
            Column("Method", kind="text"),
            Column("Size", kind="text"),
            Column("Frames", kind="number"),
            *(
                Column(METRICS[metric].label, group)
                for group in CHECKPOINTS.values()
                for metric in METRICS_SHOWN
            ),
            *([Column("Source", kind="text")] if shown else []),
        ),
        (Block(tuple(map(theirs, shown))), *blocks),
    )
