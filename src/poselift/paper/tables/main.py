"""The main comparison: every model, all metrics, last and best epoch, beside the two reference rows."""

import pandas as pd

from poselift.config.experiment import Statistics
from poselift.errors import run
from poselift.evaluation.report import METRICS
from poselift.files import write_text
from poselift.paper import options
from poselift.paper.differences import Differences, Model
from poselift.paper.latex import Tex, caption_marks, cell, render, significance_note, spread_note
from poselift.paper.names import REFERENCE_LABELS, architecture_label, metric_decimals
from poselift.paper.options import Grid, Marks
from poselift.paper.results import Estimate, names_in, per_seed, read, reference, summarise

CHECKPOINTS = ("last", "best")


def table(results: pd.DataFrame, grid: Grid, marks: Marks, decimals: int, statistics: Statistics) -> str:
    """The LaTeX of the table; a model without runs shows dashes, and the caption then says DRAFT.

    A star marks a significant difference from the baseline of the same size. Bold is what is significantly
    lower than each other model of its size: the lowest number alone is not.
    """
    differences = Differences(results, statistics)
    estimates: list[Estimate | None] = []
    places = {metric: metric_decimals(metric, decimals) for metric in METRICS}

    def cells(architecture: str, size: str) -> list[Tex]:
        model, base = Model(architecture, size), Model("baseline", size)
        others = [Model(name, size) for name in grid.architectures if name != architecture]
        row = []
        for checkpoint in CHECKPOINTS:
            for metric in METRICS:
                estimates.append(summarise(per_seed(results, architecture, size, metric, checkpoint)))
                change = None if model == base else differences.difference(model, base, metric, checkpoint)
                row.append(
                    cell(
                        estimates[-1],
                        places[metric],
                        bold=differences.better(model, others, metric, checkpoint),
                        star=change is not None and change.significant,
                    )
                )
        return row

    blocks = [
        [
            ("" if i else size, architecture_label(name), cells(name, size))
            for i, name in enumerate(grid.architectures)
        ]
        for size in grid.sizes
    ]
    references = [
        (label, [cell(reference(results, name, metric), places[metric]) for metric in METRICS])
        for name, label in REFERENCE_LABELS.items()
    ]
    return render(
        "main",
        blocks=blocks,
        references=references,
        title=marks.dataset_title,
        n_actions=len(names_in(results, "action")),
        spread_note=spread_note(estimates),
        significance_note=significance_note(
            statistics,
            grid.seeds,
            "Star: the interval of the difference from the baseline of its size leaves out zero; bold: so do"
            " those from all others of its size, and it is lower.",
        ),
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
        read(arguments.results),
        options.grid(arguments),
        options.marks(arguments),
        arguments.decimals,
        options.statistics(arguments),
    )
    write_text(arguments.out, text)


if __name__ == "__main__":
    run(main)
