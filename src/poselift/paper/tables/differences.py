"""The differences between the architectures of each size, with their intervals."""

from itertools import combinations

import pandas as pd

from poselift.config.experiment import Statistics
from poselift.errors import run
from poselift.files import write_text
from poselift.paper import options
from poselift.paper.differences import Differences, Model
from poselift.paper.latex import Tex, caption_marks, difference_cell, escape, render, significance_note
from poselift.paper.names import METRIC_LABELS, architecture_label
from poselift.paper.options import Grid, Marks
from poselift.paper.results import read

METRICS_SHOWN = ("mpjpe", "p_mpjpe")


def table(results: pd.DataFrame, grid: Grid, marks: Marks, decimals: int, statistics: Statistics) -> str:
    """The LaTeX of the table: a row a pair of models of one size, errors after the last epoch."""
    differences = Differences(results, statistics)
    blocks = [
        (
            size,
            [
                (
                    Tex(rf"{_label(second)} \ensuremath{{-}} {_label(first)}"),
                    [
                        difference_cell(
                            differences.difference(Model(second, size), Model(first, size), metric, "last"),
                            decimals,
                        )
                        for metric in METRICS_SHOWN
                    ],
                )
                for first, second in combinations(grid.architectures, 2)
            ],
        )
        for size in grid.sizes
    ]
    return render(
        "differences",
        blocks=blocks,
        metrics=[METRIC_LABELS[metric] for metric in METRICS_SHOWN],
        title=marks.dataset_title,
        significance_note=significance_note(statistics, grid.seeds, "Star: the interval leaves out zero."),
        marks=caption_marks(marks, grid.missing(results["run"])),
    )


def _label(architecture: str) -> Tex:
    return escape(architecture_label(architecture))


def main(argv: list[str] | None = None) -> None:
    """Write the table of differences."""
    parser = options.parser(
        "Write the table of differences.", "results", *options.GRID, "dataset_title", "decimals"
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
