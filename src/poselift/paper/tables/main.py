"""The main comparison: every model, all metrics, last and best epoch, beside the two reference rows."""

import pandas as pd

from poselift.errors import run
from poselift.evaluation.report import METRICS
from poselift.files import write_text
from poselift.paper import options
from poselift.paper.latex import Tex, caption_marks, cell, render, spread_note
from poselift.paper.names import REFERENCE_LABELS, architecture_label, metric_decimals
from poselift.paper.options import Grid, Marks
from poselift.paper.results import Estimate, names_in, per_seed, read, reference, summarise

CHECKPOINTS = ("last", "best")


def table(results: pd.DataFrame, grid: Grid, marks: Marks, decimals: int) -> str:
    """The LaTeX of the table; a model without runs shows dashes, and the caption then says DRAFT."""
    estimates: list[Estimate | None] = []
    metric_places = [metric_decimals(metric, decimals) for metric in METRICS]

    def cells(architecture: str, size: str) -> list[Tex]:
        row = [
            summarise(per_seed(results, architecture, size, metric, checkpoint))
            for checkpoint in CHECKPOINTS
            for metric in METRICS
        ]
        estimates.extend(row)
        return [cell(estimate, places) for estimate, places in zip(row, 2 * metric_places, strict=True)]

    blocks = [
        [
            ("" if i else size, architecture_label(name), cells(name, size))
            for i, name in enumerate(grid.architectures)
        ]
        for size in grid.sizes
    ]
    references = [
        (
            label,
            [
                cell(reference(results, name, metric), places)
                for metric, places in zip(METRICS, metric_places, strict=True)
            ],
        )
        for name, label in REFERENCE_LABELS.items()
    ]
    return render(
        "main",
        blocks=blocks,
        references=references,
        title=marks.dataset_title,
        n_actions=len(names_in(results, "action")),
        spread_note=spread_note(estimates),
        marks=caption_marks(marks, grid.missing(results["run"])),
    )


def main(argv: list[str] | None = None) -> None:
    """Write the main table."""
    parser = options.parser(
        "Write the table of the main comparison.", "results", *options.GRID, "dataset_title", "decimals"
    )
    options.add_out(parser)
    arguments = parser.parse_args(argv)
    text = table(
        read(arguments.results), options.grid(arguments), options.marks(arguments), arguments.decimals
    )  # fmt: skip
    write_text(arguments.out, text)


if __name__ == "__main__":
    run(main)
