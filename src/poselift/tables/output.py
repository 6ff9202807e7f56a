"""Writing a table: as LaTeX for the paper and, beside it, its content for other pages."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from poselift.analysis import options
from poselift.analysis.options import Grid, Marks
from poselift.analysis.results import read
from poselift.analysis.stored import write_content
from poselift.config.experiment import Statistics
from poselift.files import write_text
from poselift.paper import latex
from poselift.paper.latex import Layout
from poselift.tables.table import Table


def write(out: Path, name: str, content: Table | None, layout: Layout, **switches: bool) -> None:
    r"""Write `out` (LaTeX) and its twin `.json`. Without a table both say that there is none; `switches` tell
    the text what there is (`comparable` becomes \comparabletrue or \comparablefalse)."""
    write_text(out, latex.tabulate(content, layout, f"poselift.tables.{name}", switches))
    write_content(out.with_suffix(".json"), content)


def write_comparison(
    argv: list[str] | None,
    name: str,
    description: str,
    table: Callable[[pd.DataFrame, Grid, Marks, int, Statistics], Table],
    layout: Layout,
) -> None:
    """What the programs of tables that compare all models do: read the results, write the `table`."""
    parser = options.parser(description, "results", *options.GRID, "dataset_title", "decimals")
    options.add_out(parser)
    arguments = parser.parse_args(argv)
    content = table(
        read(arguments.results),
        options.grid(arguments),
        options.marks(arguments),
        arguments.decimals,
        options.statistics(arguments),
    )
    write(arguments.out, name, content, layout)
