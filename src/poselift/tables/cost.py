"""What each model costs: parameters and multiply-accumulates, under both conventions of counting."""

from collections.abc import Sequence

from poselift.analysis.costs import GIGA, MILLION, Cost, decimals_for
from poselift.analysis.view import View
from poselift.tables.table import Block, Cell, Column, Layout, Table, plain

NEEDS = ("costs", "grid", "labels")
LAYOUT = Layout()


def table(costs: dict[tuple[str, str], Cost], view: View) -> Table:
    """The table; a model that was not counted shows dashes."""
    architectures, sizes = view.grid.architectures, view.grid.sizes
    shown = [costs[model] for size in sizes for name in architectures if (model := (name, size)) in costs]
    places = cost_decimals(shown)

    def row(architecture: str, size: str) -> tuple[Cell, ...]:
        cost = costs.get((architecture, size))
        return (
            Cell(view.label(architecture)),
            *cost_cells(cost, places),
            plain(cost.macs_all / GIGA if cost else None, places[1]),
        )

    return Table(
        "cost",
        "Cost of a forward pass",
        "Cost of a forward pass over one clip. MACs: multiply-accumulates of the linear layers alone (the "
        "usual convention, which leaves out the products inside attention, graph and SSM) and of all "
        "matrix products.",
        "",
        (
            Column("Model", kind="text"),
            Column("Frames", kind="number"),
            Column("Par. (M)", kind="number"),
            Column("linear", "MACs (G)", "number"),
            Column("all", "MACs (G)", "number"),
        ),
        tuple(Block(tuple(row(name, size) for name in architectures), size) for size in sizes),
        "Size",
    )


def cost_decimals(costs: Sequence[Cost]) -> tuple[int, int]:
    """Decimals of parameters in millions and of 10^9 MACs that suit all of `costs`."""
    return (
        decimals_for([cost.parameters / MILLION for cost in costs]),
        decimals_for([cost.macs_linear / GIGA for cost in costs]),
    )


def cost_cells(cost: Cost | None, places: tuple[int, int]) -> tuple[Cell, Cell, Cell]:
    """Frames per clip, parameters in millions, 10^9 MACs of linear layers; dashes for None."""
    return (
        plain(cost.n_frames if cost else None, 0),
        plain(cost.parameters / MILLION if cost else None, places[0]),
        plain(cost.macs_linear / GIGA if cost else None, places[1]),
    )
