"""Errors per action, for the models of one size after the last epoch."""

import pandas as pd

from poselift.errors import run
from poselift.files import write_text
from poselift.paper import options
from poselift.paper.latex import Tex, caption_marks, cell, render, spread_note
from poselift.paper.names import METRIC_LABELS, architecture_label
from poselift.paper.options import Grid, Marks
from poselift.paper.results import names_in, per_seed, read, summarise

METRICS_SHOWN = ("mpjpe", "p_mpjpe")


def table(results: pd.DataFrame, grid: Grid, size: str, marks: Marks, decimals: int) -> str:
    """The LaTeX of the table: a row an action, and their unweighted mean, which is the overall number."""
    columns = [(metric, architecture) for metric in METRICS_SHOWN for architecture in grid.architectures]

    def cells(group: str, name: str) -> list[Tex]:
        return [
            cell(summarise(per_seed(results, architecture, size, metric, "last", group, name)), decimals)
            for metric, architecture in columns
        ]

    overall = [summarise(per_seed(results, name, size, metric, "last")) for metric, name in columns]
    shown = Grid(grid.architectures, (size,), grid.seeds)
    return render(
        "per_action",
        metrics=[METRIC_LABELS[metric] for metric in METRICS_SHOWN],
        architectures=[architecture_label(name) for name in grid.architectures],
        rows=[(action, cells("action", action)) for action in names_in(results, "action")],
        mean=[cell(estimate, decimals) for estimate in overall],
        size=size,
        title=marks.dataset_title,
        spread_note=spread_note(overall),
        marks=caption_marks(marks, shown.missing(results["run"])),
    )


def main(argv: list[str] | None = None) -> None:
    """Write the table of errors per action."""
    parser = options.parser(
        "Write the table of errors per action.",
        "results",
        *options.GRID,
        "dataset_title",
        "decimals",
        "per_action_size",
    )
    options.add_out(parser)
    arguments = parser.parse_args(argv)
    text = table(
        read(arguments.results),
        options.grid(arguments),
        arguments.per_action_size,
        options.marks(arguments),
        arguments.decimals,
    )
    write_text(arguments.out, text)


if __name__ == "__main__":
    run(main)
