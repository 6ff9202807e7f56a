"""What each model costs: parameters and multiply-accumulates, under both conventions of counting."""

import math
from collections.abc import Sequence

from poselift.errors import run
from poselift.files import write_text
from poselift.paper import options
from poselift.paper.cost import Cost, read_costs
from poselift.paper.latex import MISSING, fixed, render
from poselift.paper.names import architecture_label

MILLION, GIGA = 1e6, 1e9


def table(costs: dict[tuple[str, str], Cost], architectures: list[str], sizes: list[str]) -> str:
    """The LaTeX of the table; a model that was not counted shows dashes."""

    shown = [costs[model] for size in sizes for name in architectures if (model := (name, size)) in costs]
    parameter_decimals = decimals_for([cost.parameters / MILLION for cost in shown])
    mac_decimals = decimals_for([cost.macs_linear / GIGA for cost in shown])

    def cells(cost: Cost | None) -> list[str]:
        if cost is None:
            return [MISSING] * 4
        return [
            str(cost.n_frames),
            fixed(cost.parameters / MILLION, parameter_decimals),
            fixed(cost.macs_linear / GIGA, mac_decimals),
            fixed(cost.macs_all / GIGA, mac_decimals),
        ]

    blocks = [
        [
            ("" if i else size, architecture_label(name), cells(costs.get((name, size))))
            for i, name in enumerate(architectures)
        ]
        for size in sizes
    ]
    return render("cost", blocks=blocks)


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
    text = table(read_costs(arguments.costs), arguments.architectures, arguments.sizes)
    write_text(arguments.out, text)


if __name__ == "__main__":
    run(main)
