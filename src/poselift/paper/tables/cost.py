"""What each model costs: parameters and multiply-accumulates, under both conventions of counting."""

import argparse

from poselift.errors import run
from poselift.files import write_text
from poselift.paper import options
from poselift.paper.cost import Cost, read_costs
from poselift.paper.latex import MISSING, Tex, fixed, render
from poselift.paper.names import architecture_label


def table(costs: dict[tuple[str, str], Cost], architectures: list[str], sizes: list[str]) -> str:
    """The LaTeX of the table; a model that was not counted shows dashes."""

    def cells(cost: Cost | None) -> list[str]:
        if cost is None:
            return [MISSING] * 4
        return [
            str(cost.n_frames),
            millions(cost.parameters),
            giga(cost.macs_linear),
            giga(cost.macs_all),
        ]

    blocks = [
        [
            ("" if i else size, architecture_label(name), cells(costs.get((name, size))))
            for i, name in enumerate(architectures)
        ]
        for size in sizes
    ]
    return render("cost", blocks=blocks)


def millions(count: int) -> Tex:
    """A number of parameters in millions."""
    return fixed(count / 1e6, 2)


def giga(count: int) -> Tex:
    """A number of multiply-accumulates in units of 10^9."""
    return fixed(count / 1e9, 2)


def main(argv: list[str] | None = None) -> None:
    """Write the table of costs."""
    parser = argparse.ArgumentParser(description="Write the table of parameters and multiply-accumulates.")
    options.add_cost(parser)
    parser.add_argument("--architectures", nargs="+", required=True, metavar="NAME", help="in this order")
    parser.add_argument("--sizes", nargs="+", required=True, metavar="NAME", help="in this order")
    options.add_out(parser, "LaTeX file to write")
    arguments = parser.parse_args(argv)
    text = table(read_costs(arguments.cost), arguments.architectures, arguments.sizes)
    write_text(arguments.out, text)


if __name__ == "__main__":
    run(main)
