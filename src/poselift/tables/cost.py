"""What each model costs: parameters and multiply-accumulates, under both conventions of counting."""

import math
from collections.abc import Sequence

from poselift.analysis import options
from poselift.analysis.costs import Cost, read_costs
from poselift.analysis.names import architecture_label
from poselift.errors import run
from poselift.paper.latex import Layout
from poselift.tables.output import write
from poselift.tables.table import Block, Cell, Column, Table, plain

MILLION, GIGA = 1e6, 1e9


LAYOUT = Layout()


def table(costs: dict[tuple[str, str], Cost], architectures: list[str], sizes: list[str]) -> Table:
    """The table; a model that was not counted shows dashes."""
    shown = [costs[model] for size in sizes for name in architectures if (model := (name, size)) in costs]
    places = cost_decimals(shown)

    def row(architecture: str, size: str) -> tuple[Cell, ...]:
        cost = costs.get((architecture, size))
        return (
            Cell(architecture_label(architecture)),
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
    """Frames a clip, parameters in millions, 10^9 MACs of linear layers; dashes for None."""
    return (
        plain(cost.n_frames if cost else None, 0),
        plain(cost.parameters / MILLION if cost else None, places[0]),
        plain(cost.macs_linear / GIGA if cost else None, places[1]),
    )


def decimals_for(values: Sequence[float]) -> int:
    """The decimals of a column: two, or as many as the smallest value needs to show two digits."""
    smallest = min(values, default=1.0)
    return max(2, 1 - math.floor(math.log10(smallest)))


def main(argv: list[str] | None = None) -> None:
    """Write the table of costs."""
    parser = options.parser(
        "Write the table of parameters and multiply-accumulates.", "costs", "architectures", "sizes"
    )
    options.add_out(parser)
    arguments = parser.parse_args(argv)
    content = table(read_costs(arguments.costs), arguments.architectures, arguments.sizes)
    write(arguments.out, "cost", content, LAYOUT)


if __name__ == "__main__":
    run(main)
