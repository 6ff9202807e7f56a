"""Published results beside ours: only where they can be compared, and only what is sure enough.

The rows come from a file that people keep (`paper/published.yaml`). Without one, because the data are not the
real Human3.6M, the table is left out and the text says so.
"""

from typing import Literal

import pandas as pd
from pydantic import Field

from poselift.config.sections import Section, load
from poselift.errors import PoseliftError, run
from poselift.evaluation.statistics import seed_interval
from poselift.files import write_text
from poselift.paper import options
from poselift.paper.cost import Cost, read_costs
from poselift.paper.latex import MISSING, Tex, caption_marks, cell, fixed, render, spread_note
from poselift.paper.names import architecture_label
from poselift.paper.options import Grid, Marks
from poselift.paper.results import Estimate, per_seed, read, summarise

Number = Literal["parameters", "macs", "mpjpe", "p_mpjpe", "mpjpe_ground_truth_2d"]

METRICS_SHOWN: tuple[Literal["mpjpe", "p_mpjpe"], ...] = ("mpjpe", "p_mpjpe")


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
) -> str:
    """The LaTeX of the table: published rows by detector, then ours, best epoch, chosen as theirs was.

    Bold is a mean of ours whose interval over seeds lies below every published number with our detector. A
    published number is of one training and is taken as exact; it is never bold.
    """
    groups = comparable(published.rows)
    rivals = {
        metric: [value for row in groups.get(published.detector, []) if (value := row.number(metric))]
        for metric in METRICS_SHOWN
    }

    def our_cell(architecture: str, size: str, metric: Literal["mpjpe", "p_mpjpe"]) -> Tex:
        values = per_seed(results, architecture, size, metric, "best")
        estimates.append(summarise(values))
        bounds = seed_interval(values, confidence)
        lower = bounds is not None and bool(rivals[metric]) and bounds[1] < min(rivals[metric])
        return cell(estimates[-1], decimals, bold=lower)

    def their_cells(row: Row) -> list[Tex]:
        return [
            Tex(row.frames),
            _fixed_or_dash(row.number("parameters"), 1),
            _fixed_or_dash(row.number("macs"), 1),
            *(Tex(_fixed_or_dash(row.number(metric), decimals) + "&") for metric in METRICS_SHOWN),
            Tex(row.sure),
        ]

    ours: list[tuple[str, list[Tex]]] = []
    estimates: list[Estimate | None] = []
    for size in grid.sizes:
        for name in grid.architectures:
            cost = costs.get((name, size))
            cells = [
                Tex(cost.n_frames) if cost else MISSING,
                _fixed_or_dash(cost.parameters / 1e6 if cost else None, 1),
                _fixed_or_dash(cost.macs_linear / 1e9 if cost else None, 1),
                *(our_cell(name, size, metric) for metric in METRICS_SHOWN),
                Tex(""),
            ]
            ours.append((f"{architecture_label(name)}, {size}", cells))
    return render(
        "published",
        groups=[
            (detector, [(row.method, row.cite, their_cells(row)) for row in rows])
            for detector, rows in groups.items()
        ],
        detector=published.detector,
        ours=ours,
        percent=f"{100 * confidence:g}",
        title=marks.dataset_title,
        spread_note=spread_note(estimates),
        marks=caption_marks(marks, grid.missing(results["run"])),
    )


def _fixed_or_dash(value: float | None, decimals: int) -> Tex:
    return MISSING if value is None else fixed(value, decimals)


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
        write_text(arguments.out, render("published", groups=[]))
        return
    if arguments.synthetic:
        raise PoseliftError(
            "--published and --synthetic: synthetic data cannot be compared with published results"
        )
    text = table(
        load(arguments.published, Published),
        read(arguments.results),
        read_costs(arguments.costs),
        options.grid(arguments),
        options.marks(arguments),
        arguments.decimals,
        options.statistics(arguments).confidence,
    )
    write_text(arguments.out, text)


if __name__ == "__main__":
    run(main)
