"""The second data set, MPI-INF-3DHP: every model's PCK, AUC and MPJPE beside published results.

Without results, because the configuration names no second data set, the table is left out and the text says
so. Published rows are shown only for the real data.
"""

from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import Field

from poselift.config.sections import Section, load
from poselift.errors import PoseliftError, run
from poselift.files import write_text
from poselift.paper import options
from poselift.paper.latex import Tex, caption_marks, cell, fixed, render, spread_note
from poselift.paper.names import architecture_label
from poselift.paper.options import Grid, Marks
from poselift.paper.results import Estimate, per_seed, read, summarise

METRICS = ("pck", "auc", "mpjpe")
CHECKPOINTS = ("last", "best")


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


def table(published: list[Row], results: pd.DataFrame, grid: Grid, marks: Marks, decimals: int) -> str:
    """The LaTeX of the table: published rows that are sure enough, then ours, last and best epoch."""
    estimates: list[Estimate | None] = []

    def ours(architecture: str, size: str) -> list[Tex]:
        row = [
            summarise(per_seed(results, architecture, size, metric, checkpoint))
            for checkpoint in CHECKPOINTS
            for metric in METRICS
        ]
        estimates.extend(row)
        return [cell(estimate, decimals) for estimate in row]

    blocks = [
        [(architecture_label(name), size, ours(name, size)) for name in grid.architectures]
        for size in grid.sizes
    ]
    theirs = [
        (row.method, row.cite, row.frames, [Tex(fixed(getattr(row, m), 1) + "&") for m in METRICS], row.sure)
        for row in published
        if row.sure != "C"
    ]
    return render(
        "mpi_inf_3dhp",
        theirs=theirs,
        blocks=blocks,
        n_frames=", ".join(map(str, sorted(results["n_frames"].unique()))),
        synthetic=marks.synthetic,
        spread_note=spread_note(estimates),
        marks=caption_marks(marks, grid.missing(results["run"])),
    )


def main(argv: list[str] | None = None) -> None:
    """Write the table of the second data set, or the mark that there is none."""
    parser = options.parser("Write the table of results on MPI-INF-3DHP.")
    options.add_out(parser)
    arguments = parser.parse_args(argv)
    if arguments.results is None:
        write_text(arguments.out, render("mpi_inf_3dhp", blocks=[]))
        return
    missing = [name for name in (*options.GRID, "decimals") if getattr(arguments, name) is None]
    if missing:
        raise PoseliftError(f"--results needs --{missing[0]}")
    if arguments.synthetic and arguments.published:
        raise PoseliftError(
            "--published and --synthetic: synthetic data cannot be compared with published results"
        )
    path: Path | None = arguments.published
    text = table(
        load(path, Published).rows if path else [],
        read(arguments.results),
        options.grid(arguments),
        options.marks(arguments),
        arguments.decimals,
    )
    write_text(arguments.out, text)


if __name__ == "__main__":
    run(main)
