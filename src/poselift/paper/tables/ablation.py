"""What each component contributes: the architectures at one size, then every entry of the ablation against
the model that it changes."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import pandas as pd

from poselift.config.experiment import Statistics
from poselift.errors import run
from poselift.files import write_text
from poselift.paper import options
from poselift.paper.cost import Cost, read_costs, read_variant_costs
from poselift.paper.differences import Differences, Model
from poselift.paper.latex import (
    MISSING,
    Tex,
    caption_marks,
    cell,
    difference_cell,
    escape,
    fixed,
    render,
    significance_note,
    spread_note,
)
from poselift.paper.names import architecture_label
from poselift.paper.options import Entry, Grid, Marks
from poselift.paper.results import Estimate, per_seed, read, summarise
from poselift.paper.tables.cost import GIGA, MILLION, decimals_for

# A: attention, G: graph, M: MambaGCN
COMPONENTS = {
    "baseline": Tex(r"$A \parallel G$"),
    "mamba_gcn": Tex(r"$(A \parallel G) \to M$"),
    "full": Tex(r"$A \parallel G \parallel M$"),
}

METRICS_SHOWN = ("mpjpe", "p_mpjpe")


def table(
    results: pd.DataFrame,
    costs: dict[tuple[str, str], Cost],
    variant_costs: Mapping[str, Cost],
    grid: Grid,
    size: str,
    entries: Sequence[Entry],
    marks: Marks,
    decimals: int,
    statistics: Statistics,
) -> str:
    """The LaTeX of the table: cost, error after the last epoch, change from the model that is changed.

    Changes are paired by seed and recording. An entry that changes neither the model nor its frames is not
    counted anew: it costs what its base does.
    """
    differences = Differences(results, statistics)
    estimates: list[Estimate | None] = []

    def cost_of(model: Model) -> Cost | None:
        name = "-".join(filter(None, model))
        return variant_costs.get(name) or costs.get((model.architecture, model.size))

    def row(label: Tex, model: Model, base: Model) -> tuple[Tex, list[Tex]]:
        cells = _cost_cells(cost_of(model), places)
        for metric in METRICS_SHOWN:
            values = per_seed(results, model.architecture, model.size, metric, "last", variant=model.variant)
            estimates.append(summarise(values))
            change = differences.difference(model, base, metric, "last")
            cells += [
                cell(estimates[-1], decimals),
                Tex("&") if model == base else difference_cell(change, decimals),
            ]
        return label, cells

    compared = [Model(name, size) for name in grid.architectures]
    changed = [Model(entry.architecture, entry.size, entry.name) for entry in entries]
    counted = [cost for model in (*compared, *changed) if (cost := cost_of(model))]
    places = (
        decimals_for([cost.parameters / MILLION for cost in counted]),
        decimals_for([cost.macs_linear / GIGA for cost in counted]),
    )
    blocks = [[row(_with_components(model.architecture), model, compared[0]) for model in compared]]
    for (architecture, of_size), group in groupby(entries, key=lambda e: (e.architecture, e.size)):
        base = Model(architecture, of_size)
        blocks.append(
            [row(escape(f"{architecture_label(architecture)}, {of_size}"), base, base)]
            + [
                row(Tex(r"\quad " + escape(e.title or e.name)), Model(architecture, of_size, e.name), base)
                for e in group
            ]
        )
    marked = "In brackets the interval of a change; star: it leaves out zero."
    seeds = [grid.seeds, *(entry.seeds for entry in entries)]
    if min(map(len, seeds)) == 1 < max(map(len, seeds)):
        marked += " What has one seed has no star: its interval covers the recordings alone."
    missing = Grid(grid.architectures, (size,), grid.seeds).missing(results["run"])
    missing += [name for entry in entries for name in entry.missing(results["run"])]
    return render(
        "ablation",
        blocks=blocks,
        size=size,
        title=marks.dataset_title,
        spread_note=spread_note(estimates),
        significance_note=significance_note(statistics, max(seeds, key=len), marked),
        marks=caption_marks(marks, list(dict.fromkeys(missing))),
    )


def _with_components(architecture: str) -> Tex:
    return Tex(f"{escape(architecture_label(architecture))}, {COMPONENTS.get(architecture, MISSING)}")


def _cost_cells(cost: Cost | None, places: tuple[int, int]) -> list[Tex]:
    if cost is None:
        return [MISSING] * 3
    return [
        Tex(cost.n_frames),
        fixed(cost.parameters / MILLION, places[0]),
        fixed(cost.macs_linear / GIGA, places[1]),
    ]


def main(argv: list[str] | None = None) -> None:
    """Write the table of the ablation."""
    parser = options.parser(
        "Write the table of what each component contributes.",
        "results",
        "costs",
        *options.GRID,
        "dataset_title",
        "decimals",
        "per_action_size",
    )
    parser.add_argument(
        "--variant-costs", type=Path, nargs="*", default=[], metavar="CSV", help="costs of the entries"
    )
    options.add_out(parser)
    arguments = parser.parse_args(argv)
    text = table(
        read(arguments.results),
        read_costs(arguments.costs),
        read_variant_costs(arguments.variant_costs),
        options.grid(arguments),
        arguments.per_action_size,
        arguments.ablation or (),
        options.marks(arguments),
        arguments.decimals,
        options.statistics(arguments),
    )
    write_text(arguments.out, text)


if __name__ == "__main__":
    run(main)
