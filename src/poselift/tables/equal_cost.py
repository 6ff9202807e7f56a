"""Each model beside the smallest baseline that has at least as many parameters: does it win by size alone?"""

import pandas as pd

from poselift.analysis.costs import Cost
from poselift.analysis.equal_cost import pairs
from poselift.analysis.intervals import Model
from poselift.analysis.view import View
from poselift.tables.caption import caption_notice, intervals_note, sentences
from poselift.tables.cells import ErrorCells
from poselift.tables.cost import COST_COLUMNS, cost_cells, cost_decimals
from poselift.tables.table import Block, Cell, Layout, Row, Table, columns

NEEDS = ("results", "costs", "notice", "grid", "decimals", "statistics", "labels")
SWITCHES = ("equalcost",)
LAYOUT = Layout(wide=True, titles="row")


def table(results: pd.DataFrame, costs: dict[tuple[str, str], Cost], view: View) -> Table | None:
    """The table, None without a pair: a block for each, its cost, its error after the last epoch, and the
    difference."""
    grid = view.grid
    if not (found := pairs(grid, costs)):
        return None
    cells = ErrorCells(results, view)
    places = cost_decimals([costs[one.architecture, one.size] for pair in found for one in pair])
    base = view.label(grid.base)

    def row(model: Model, rival: Model) -> Row:
        cost = costs[model.architecture, model.size]
        name = Cell(f"{view.label(model.architecture)}, {model.size}")
        change = cells.change(model, rival, "mpjpe")
        return name, *cost_cells(cost, places), cells.error(model, "mpjpe"), change

    blocks = (Block((row(rival, rival), row(model, rival))) for model, rival in found)
    return Table(
        f"Beside a {base} of no fewer parameters",
        sentences(
            f"Each model beside the smallest {base} with at least as many parameters, if there is one: "
            f"MPJPE in mm on {view.notice.dataset_title}, last epoch, and its difference from that {base} "
            "(negative: lower error) over the seeds that both have. MACs of linear layers.",
            cells.spread_note(),
            "Exploratory: nothing is starred.",
            intervals_note(view.statistics, grid.most_seeds),
        ),
        caption_notice(view.notice, grid.missing(results["run"])),
        (
            *columns("text", "Model"),
            *columns("number", *COST_COLUMNS),
            *columns("spread", "MPJPE", "Difference"),
        ),
        tuple(blocks),
    )
