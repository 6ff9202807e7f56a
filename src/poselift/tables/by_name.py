"""Errors by action, or by joint, for the models of one size after the last epoch."""

from collections.abc import Callable, Sequence

import pandas as pd

from poselift.analysis import options
from poselift.analysis.names import METRIC_LABELS, architecture_label
from poselift.analysis.options import Grid, Marks
from poselift.analysis.results import names_in, per_seed, read, summarise
from poselift.paper.latex import Layout
from poselift.tables.output import write
from poselift.tables.table import Block, Cell, Column, Table, caption_marks, estimated, sentences, spread_note


def table(
    results: pd.DataFrame,
    grid: Grid,
    size: str,
    marks: Marks,
    decimals: int,
    group: str,
    metrics: Sequence[str],
    last_row: str,
) -> Table:
    """The table: a row for each name of the `group` of results.csv, then the overall number; `last_row` says
    of what."""
    columns = [(metric, architecture) for metric in metrics for architecture in grid.architectures]

    def row(label: str, group: str = "all", name: str = "") -> tuple[Cell, ...]:
        values = (
            per_seed(results, architecture, size, metric, "last", group, name)
            for metric, architecture in columns
        )
        return Cell(label), *(estimated(summarise(each), decimals) for each in values)

    overall = [summarise(per_seed(results, name, size, metric, "last")) for metric, name in columns]
    return Table(
        f"per_{group}",
        f"Errors per {group}",
        sentences(
            f"Errors per {group} in mm on {marks.dataset_title}, size {size}, last epoch.",
            spread_note(overall),
            last_row,
        ),
        caption_marks(marks, Grid(grid.architectures, (size,), grid.seeds).missing(results["run"])),
        (
            Column(group.capitalize(), kind="text"),
            *(Column(architecture_label(name), METRIC_LABELS[metric]) for metric, name in columns),
        ),
        (
            Block(tuple(row(name, group, name) for name in names_in(results, group))),
            Block((row("Mean"),)),
        ),
    )


def write_from_options(
    argv: list[str] | None,
    group: str,
    table: Callable[[pd.DataFrame, Grid, str, Marks, int], Table],
    layout: Layout,
) -> None:
    """What the programs of these tables do: read the results, write the `table` of the `group`."""
    parser = options.parser(
        f"Write the table of errors per {group}.",
        *("results", *options.GRID, "dataset_title", "decimals", "per_action_size"),
    )
    options.add_out(parser)
    arguments = parser.parse_args(argv)
    content = table(
        read(arguments.results),
        options.grid(arguments),
        arguments.per_action_size,
        options.marks(arguments),
        arguments.decimals,
    )
    write(arguments.out, f"per_{group}", content, layout)
