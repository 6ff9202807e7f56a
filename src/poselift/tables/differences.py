"""The differences between the architectures of each size, with their intervals."""

from itertools import combinations

import pandas as pd

from poselift.analysis.intervals import Model, grid_pairs
from poselift.analysis.view import View
from poselift.evaluation.metrics import METRICS
from poselift.evaluation.statistics import POWER
from poselift.tables.caption import caption_notice, sentences
from poselift.tables.cells import ErrorCells
from poselift.tables.table import Block, Cell, Layout, Row, Table, columns, plain

NEEDS = ("results", "notice", "grid", "decimals", "statistics", "labels")
LAYOUT = Layout(separation="3pt", titles="row")

METRICS_SHOWN = ("mpjpe", "p_mpjpe")


def table(results: pd.DataFrame, view: View) -> Table:
    """The table: a row per pair of models of one size, errors after the last epoch."""
    grid = view.grid
    cells = ErrorCells(results, view, {"grid": grid_pairs(grid)})
    primary = view.statistics.primary
    places = METRICS[primary].decimals(view.decimals)
    pairs = list(combinations(grid.architectures, 2))

    def row(first: str, second: str, size: str) -> Row:
        changes = (cells.change(Model(second, size), Model(first, size), each) for each in METRICS_SHOWN)
        found = cells.differences.difference(Model(second, size), Model(first, size), primary, "last")
        detectable = found.detectable if found and found.tested else None
        return Cell(f"{view.label(second)} − {view.label(first)}"), *changes, plain(detectable, places)

    return Table(
        "Differences between models",
        sentences(
            f"Differences of errors after the last epoch on {view.notice.dataset_title}, in mm, with their "
            "intervals (negative: the first model has the lower error). Detectable: the smallest true "
            f"difference of the {METRICS[primary].label} that its test finds with "
            f"{100 * POWER:g}\N{NARROW NO-BREAK SPACE}% power.",
            cells.star_note("of the two models", grid.most_seeds),
        ),
        caption_notice(view.notice, grid.missing(results["run"])),
        (
            *columns("text", "Models"),
            *columns("spread", *(METRICS[each].label for each in METRICS_SHOWN)),
            *columns("number", "Detectable"),
        ),
        tuple(Block(tuple(row(*pair, size) for pair in pairs), size) for size in grid.sizes),
        "Size",
    )
