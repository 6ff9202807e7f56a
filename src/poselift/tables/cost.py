"""What each model costs: parameters and multiply-accumulates, under both conventions of counting."""

from collections.abc import Sequence

from poselift.analysis.costs import GIGA, MILLION, Cost, decimals_for
from poselift.analysis.view import View
from poselift.tables.table import Cell, Layout, Row, Table, by_size, columns, plain

NEEDS = ("costs", "grid", "labels")
LAYOUT = Layout()

COST_COLUMNS = ("Frames", "Par. (M)", "MACs (G)")
"""The headings of `cost_cells`."""


def table(costs: dict[tuple[str, str], Cost], view: View) -> Table:
    """The table; a model that was not counted shows dashes."""
    shown = {(name, size) for name in view.grid.architectures for size in view.grid.sizes}
    places = cost_decimals([cost for model, cost in costs.items() if model in shown])

    def row(architecture: str, size: str) -> Row:
        cost = costs.get((architecture, size))
        of_all = plain(cost.macs_all / GIGA if cost else None, places[1])
        return Cell(view.label(architecture)), *cost_cells(cost, places), of_all

    return Table(
        "Cost of a forward pass",
        "Cost of a forward pass over one clip. MACs: multiply-accumulates of the linear layers alone (the "
        "usual convention, which leaves out the products inside attention, graph and SSM) and of all "
        "matrix products of the models as defined.",
        "",
        (
            *columns("text", "Model"),
            *columns("number", *COST_COLUMNS[:2]),
            *columns("number", "linear", "all", group=COST_COLUMNS[2]),
        ),
        tuple(by_size(view.grid, row)),
        "Size",
    )


def cost_decimals(costs: Sequence[Cost]) -> tuple[int, int]:
    """Decimals of parameters in millions and of 10^9 MACs that suit all of `costs`."""
    parameters = decimals_for([cost.parameters / MILLION for cost in costs])
    return parameters, decimals_for([cost.macs_linear / GIGA for cost in costs])


def cost_cells(cost: Cost | None, places: tuple[int, int]) -> Row:
    """Frames per clip, parameters in millions, 10^9 MACs of linear layers; dashes for None."""
    return (
        plain(cost.n_frames if cost else None, 0),
        plain(cost.parameters / MILLION if cost else None, places[0]),
        plain(cost.macs_linear / GIGA if cost else None, places[1]),
    )
