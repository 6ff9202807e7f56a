"""The second data set, MPI-INF-3DHP: every model's PCK, AUC and MPJPE beside published results.

Without results, because the configuration names no second data set, the table is left out and the text says
so. Published rows are shown only for the real data.
"""

from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import Field

from poselift.analysis import options
from poselift.analysis.names import architecture_label, second_dataset_title
from poselift.analysis.options import Grid, Marks
from poselift.analysis.results import Estimate, per_seed, read, summarise
from poselift.config.sections import Section
from poselift.config.yaml_files import load
from poselift.errors import PoseliftError, run
from poselift.paper.latex import Layout
from poselift.tables.output import write
from poselift.tables.table import (
    Block,
    Cell,
    Column,
    Table,
    caption_marks,
    estimated,
    plain,
    sentences,
    spread_note,
)

METRICS = {"pck": "PCK", "auc": "AUC", "mpjpe": "MPJPE"}
CHECKPOINTS = {"last": "Last epoch", "best": "Best epoch"}
LAYOUT = Layout(wide=True)


class Row(Section):
    """One published result on MPI-INF-3DHP."""

    method: str = Field(description="name, with what tells it from the authors' other results")
    cite: str | None = Field(None, description="key in refs.bib")
    frames: int = Field(ge=1, description="frames a clip")
    pck: float = Field(gt=0, le=100, description="percent, at 150 mm")
    auc: float = Field(gt=0, le=100, description="percent, 0 to 150 mm")
    mpjpe: float = Field(gt=0, description="mm")
    sure: Literal["A", "B", "C"] = Field(
        description="A: read in the authors' repository or paper; B: in a third text; C: remembered"
    )
    source: str = Field(description="where it was read")


class Published(Section):
    """The file of published results on MPI-INF-3DHP."""

    rows: list[Row]


def table(published: list[Row], results: pd.DataFrame, grid: Grid, marks: Marks, decimals: int) -> Table:
    """The table: published rows that are sure enough, then ours, last and best epoch."""
    estimates: list[Estimate | None] = []
    shown = [row for row in published if row.sure != "C"]
    n_frames = sorted(map(int, results["n_frames"].unique()))
    frames = Cell(", ".join(map(str, n_frames)), value=n_frames[0])

    def ours(architecture: str, size: str) -> tuple[Cell, ...]:
        row = [
            summarise(per_seed(results, architecture, size, metric, checkpoint))
            for checkpoint in CHECKPOINTS
            for metric in METRICS
        ]
        estimates.extend(row)
        label = f"{'Ours: ' if shown else ''}{architecture_label(architecture)}"
        return Cell(label), Cell(size), frames, *(estimated(estimate, decimals) for estimate in row)

    def theirs(row: Row) -> tuple[Cell, ...]:
        return (
            Cell(row.method, cite=row.cite),
            Cell(),
            plain(row.frames, 0),
            *[Cell()] * len(METRICS),
            *(plain(getattr(row, metric), 1) for metric in METRICS),
            Cell(row.sure),
        )

    blocks = [Block(tuple(ours(name, size) for name in grid.architectures)) for size in grid.sizes]
    return Table(
        "mpi_inf_3dhp",
        "MPI-INF-3DHP",
        sentences(
            f"Results on {second_dataset_title(marks.synthetic)} with annotated 2D input: PCK at "
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
        caption_marks(marks, grid.missing(results["run"])),
        (
            Column("Method", kind="text"),
            Column("Size", kind="text"),
            Column("Frames", kind="number"),
            *(Column(label, group) for group in CHECKPOINTS.values() for label in METRICS.values()),
            *([Column("Source", kind="text")] if shown else []),
        ),
        (Block(tuple(map(theirs, shown))), *blocks),
    )


def main(argv: list[str] | None = None) -> None:
    """Write the table of the second data set, or the mark that there is none."""
    parser = options.parser("Write the table of results on MPI-INF-3DHP.")
    options.add_out(parser)
    arguments = parser.parse_args(argv)
    if arguments.results is None:
        write(arguments.out, "mpi_inf_3dhp", None, LAYOUT, second=False)
        return
    missing = [name for name in (*options.GRID, "decimals") if getattr(arguments, name) is None]
    if missing:
        raise PoseliftError(f"--results needs --{missing[0]}")
    if arguments.synthetic and arguments.published:
        raise PoseliftError(
            "--published and --synthetic: synthetic data cannot be compared with published results"
        )
    path: Path | None = arguments.published
    content = table(
        load(path, Published).rows if path else [],
        read(arguments.results, "mpi_inf_3dhp"),
        options.grid(arguments),
        options.marks(arguments),
        arguments.decimals,
    )
    write(arguments.out, "mpi_inf_3dhp", content, LAYOUT, second=True, secondsynthetic=arguments.synthetic)


if __name__ == "__main__":
    run(main)
