"""The contribution of the components: what each architecture adds to the baseline, at one size."""

import pandas as pd

from poselift.errors import run
from poselift.files import write_text
from poselift.paper import options
from poselift.paper.cost import Cost, read_costs
from poselift.paper.latex import MISSING, Tex, caption_marks, cell, fixed, render, spread_note
from poselift.paper.names import architecture_label
from poselift.paper.options import Grid, Marks
from poselift.paper.results import per_seed, read, summarise
from poselift.paper.tables.cost import MILLION, decimals_for

# A: attention, G: graph, M: MambaGCN
COMPONENTS = {
    "baseline": Tex(r"$A \parallel G$"),
    "mamba_gcn": Tex(r"$(A \parallel G) \to M$"),
    "full": Tex(r"$A \parallel G \parallel M$"),
}


def table(
    results: pd.DataFrame,
    costs: dict[tuple[str, str], Cost],
    grid: Grid,
    size: str,
    marks: Marks,
    decimals: int,
) -> str:
    """The LaTeX of the table: components, parameters, error after the last epoch, change from the baseline.

    The change is paired by seed: runs that share a seed see the same clips in the same order.
    """
    reference = per_seed(results, "baseline", size, "mpjpe", "last")
    counted = [costs[name, size].parameters / MILLION for name in grid.architectures if (name, size) in costs]
    places = decimals_for(counted)
    rows = []
    estimates = []
    for name in grid.architectures:
        values = per_seed(results, name, size, "mpjpe", "last")
        change = cell(summarise((values - reference).dropna()), decimals, sign=True)
        cost = costs.get((name, size))
        estimates.append(summarise(values))
        rows.append(
            (
                architecture_label(name),
                COMPONENTS.get(name, MISSING),
                fixed(cost.parameters / MILLION, places) if cost else MISSING,
                cell(estimates[-1], decimals),
                Tex("&") if name == "baseline" else change,
            )
        )
    return render(
        "ablation",
        rows=rows,
        size=size,
        title=marks.dataset_title,
        spread_note=spread_note(estimates),
        marks=caption_marks(marks, Grid(grid.architectures, (size,), grid.seeds).missing(results["run"])),
    )


def main(argv: list[str] | None = None) -> None:
    """Write the table of the ablation."""
    parser = options.parser(
        "Write the table of what each component adds.",
        "results",
        "costs",
        *options.GRID,
        "dataset_title",
        "decimals",
        "per_action_size",
    )
    options.add_out(parser)
    arguments = parser.parse_args(argv)
    text = table(
        read(arguments.results),
        read_costs(arguments.costs),
        options.grid(arguments),
        arguments.per_action_size,
        options.marks(arguments),
        arguments.decimals,
    )
    write_text(arguments.out, text)


if __name__ == "__main__":
    run(main)
