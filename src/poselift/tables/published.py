"""Published results beside ours: only where they can be compared, and only what is sure enough.

The rows come from a file that people keep (`paper/published.yaml`). Without one, because the data are not the
real Human3.6M, the table is left out and the text says so.
"""

from typing import Literal

import pandas as pd
from pydantic import Field

from poselift.analysis import options
from poselift.analysis.costs import Cost, read_costs
from poselift.analysis.names import METRIC_LABELS, architecture_label
from poselift.analysis.options import Grid, Marks
from poselift.analysis.results import Estimate, per_seed, read, summarise
from poselift.config.sections import Section
from poselift.config.yaml_files import load
from poselift.errors import PoseliftError, run
from poselift.evaluation.statistics import seed_interval
from poselift.paper.latex import Layout
from poselift.tables.cost import GIGA, MILLION
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

Number = Literal["parameters", "macs", "mpjpe", "p_mpjpe", "mpjpe_ground_truth_2d"]

METRICS_SHOWN: tuple[Literal["mpjpe", "p_mpjpe"], ...] = ("mpjpe", "p_mpjpe")
LAYOUT = Layout(wide=True)


class Row(Section):
    """One published result. A number that is not given, or unsure, is shown as a dash."""

    method: str = Field(description="name, with what tells it from the authors' other results")
    cite: str | None = Field(None, description="key in refs.bib")
    detector: str | None = Field(description="where the 2D input comes from; null: not confirmed")
    frames: int = Field(ge=1, description="frames a clip")
    parameters: float | None = Field(None, gt=0, description="millions")
    macs: float | None = Field(None, gt=0, description="10^9 multiply-accumulates, as published")
    mpjpe: float | None = Field(None, gt=0, description="mm")
    p_mpjpe: float | None = Field(None, gt=0, description="mm")
    mpjpe_ground_truth_2d: float | None = Field(None, gt=0, description="mm, with ground-truth 2D input")
    sure: Literal["A", "B", "C"] = Field(
        description="A: read in the authors' repository or paper; B: in a third text; C: remembered"
    )
    unsure: list[Number] = Field([], description="numbers of this row that are only C")
    source: str = Field(description="where it was read")

    def number(self, name: Number) -> float | None:
        """A number that is sure enough to be printed, else None."""
        value: float | None = None if name in self.unsure else getattr(self, name)
        return value


class Published(Section):
    """The file of published results."""

    detector: str = Field(description="where our 2D input comes from")
    rows: list[Row]


def comparable(rows: list[Row]) -> dict[str, list[Row]]:
    """The rows sure enough to be shown (A and B, detector known), by detector, in the order of the file."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row.sure != "C" and row.detector is not None:
            groups.setdefault(row.detector, []).append(row)
    return groups


def table(
    published: Published,
    results: pd.DataFrame,
    costs: dict[tuple[str, str], Cost],
    grid: Grid,
    marks: Marks,
    decimals: int,
    confidence: float,
) -> Table:
    """The table: published rows by detector, then ours, best epoch, chosen as theirs was.

    Bold is a mean of ours whose interval over seeds lies below every published number with our detector. A
    published number is of one training and is taken as exact; it is never bold.
    """
    groups = comparable(published.rows)
    rivals = {
        metric: [value for row in groups.get(published.detector, []) if (value := row.number(metric))]
        for metric in METRICS_SHOWN
    }

    def our_cell(architecture: str, size: str, metric: Literal["mpjpe", "p_mpjpe"]) -> Cell:
        values = per_seed(results, architecture, size, metric, "best")
        estimates.append(summarise(values))
        bounds = seed_interval(values, confidence)
        lower = bounds is not None and bool(rivals[metric]) and bounds[1] < min(rivals[metric])
        return estimated(estimates[-1], decimals, bold=lower)

    def our_row(architecture: str, size: str) -> tuple[Cell, ...]:
        cost = costs.get((architecture, size))
        return (
            Cell(f"Ours: {architecture_label(architecture)}, {size}"),
            Cell(published.detector),
            plain(cost.n_frames if cost else None, 0),
            plain(cost.parameters / MILLION if cost else None, 1),
            plain(cost.macs_linear / GIGA if cost else None, 1),
            *(our_cell(architecture, size, metric) for metric in METRICS_SHOWN),
        )

    def their_row(row: Row, detector: str) -> tuple[Cell, ...]:
        return (
            Cell(row.method, cite=row.cite),
            Cell(detector),
            plain(row.frames, 0),
            plain(row.number("parameters"), 1),
            plain(row.number("macs"), 1),
            *(plain(row.number(metric), decimals) for metric in METRICS_SHOWN),
            Cell(row.sure),
        )

    estimates: list[Estimate | None] = []
    theirs = [Block(tuple(their_row(row, detector) for row in rows)) for detector, rows in groups.items()]
    ours = Block(tuple(our_row(name, size) for size in grid.sizes for name in grid.architectures))
    return Table(
        "published",
        "Published results",
        sentences(
            f"Published results on {marks.dataset_title} with detected 2D input, in mm, grouped by the 2D "
            "detector (SH: stacked hourglass, CPN: cascaded pyramid network), whose choice alone moves "
            "results; and ours. All choose the best epoch on the test set. MACs (G) as published, under "
            "conventions that differ; ours count linear layers. Source: A, the authors' repository or "
            "paper; B, a leaderboard or third text.",
            spread_note(estimates),
            f"Bold: our {100 * confidence:g}\N{NARROW NO-BREAK SPACE}% interval over seeds (Student's 𝑡) "
            "lies below every published number with our detector, each taken as exact.",
        ),
        caption_marks(marks, grid.missing(results["run"])),
        (
            Column("Method", kind="text"),
            Column("2D", kind="text"),
            Column("Frames", kind="number"),
            Column("Par. (M)", kind="number"),
            Column("MACs (G)", kind="number"),
            *(Column(METRIC_LABELS[metric]) for metric in METRICS_SHOWN),
            Column("Source", kind="text"),
        ),
        (*theirs, ours),
    )


def main(argv: list[str] | None = None) -> None:
    """Write the table of published results, or the mark that there is none."""
    parser = options.parser(
        "Write the comparison with published results.",
        "results",
        "costs",
        *options.GRID,
        "dataset_title",
        "decimals",
    )
    options.add_out(parser)
    arguments = parser.parse_args(argv)
    if arguments.published is None:
        write(arguments.out, "published", None, LAYOUT, comparable=False)
        return
    if arguments.synthetic:
        raise PoseliftError(
            "--published and --synthetic: synthetic data cannot be compared with published results"
        )
    content = table(
        load(arguments.published, Published),
        read(arguments.results),
        read_costs(arguments.costs),
        options.grid(arguments),
        options.marks(arguments),
        arguments.decimals,
        options.statistics(arguments).confidence,
    )
    write(arguments.out, "published", content, LAYOUT, comparable=True)


if __name__ == "__main__":
    run(main)
