"""What each component contributes: the architectures at one size, then every entry of the ablation against
the model that it changes."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import pandas as pd

from poselift.analysis import options
from poselift.analysis.costs import Cost, read_costs, read_variant_costs
from poselift.analysis.intervals import Differences, Model
from poselift.analysis.names import METRIC_LABELS, architecture_label
from poselift.analysis.options import Entry, Grid, Marks
from poselift.analysis.results import Estimate, per_seed, read, summarise
from poselift.config.experiment import Statistics
from poselift.errors import run
from poselift.paper.latex import Layout
from poselift.tables.cost import cost_cells, cost_decimals
from poselift.tables.output import write
from poselift.tables.table import (
    MISSING,
    Block,
    Cell,
    Column,
    Table,
    caption_marks,
    changed,
    estimated,
    sentences,
    significance_note,
    spread_note,
)

# 𝐴: attention, 𝐺: graph, 𝑀: MambaGCN
COMPONENTS = {"baseline": "𝐴 ∥ 𝐺", "mamba_gcn": "(𝐴 ∥ 𝐺) → 𝑀", "full": "𝐴 ∥ 𝐺 ∥ 𝑀"}

METRICS_SHOWN = ("mpjpe", "p_mpjpe")
LAYOUT = Layout(wide=True, separation="5pt", titles="row")


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
) -> Table:
    """The table: cost, error after the last epoch, change from the model that is changed.

    Changes are paired by seed and recording. An entry that changes neither the model nor its frames is not
    counted anew: it costs what its base does.
    """
    differences = Differences(results, statistics)
    estimates: list[Estimate | None] = []

    def cost_of(model: Model) -> Cost | None:
        name = "-".join(filter(None, model))
        return variant_costs.get(name) or costs.get((model.architecture, model.size))

    def row(label: str, model: Model, base: Model) -> tuple[Cell, ...]:
        cells = [Cell(label), *cost_cells(cost_of(model), places)]
        for metric in METRICS_SHOWN:
            values = per_seed(results, model.architecture, model.size, metric, "last", variant=model.variant)
            estimates.append(summarise(values))
            change = differences.difference(model, base, metric, "last")
            cells += [
                estimated(estimates[-1], decimals),
                Cell() if model == base else changed(change, decimals),
            ]
        return tuple(cells)

    compared = [Model(name, size) for name in grid.architectures]
    variants = [Model(entry.architecture, entry.size, entry.name) for entry in entries]
    places = cost_decimals([cost for model in (*compared, *variants) if (cost := cost_of(model))])
    blocks = [
        Block(
            tuple(row(_with_components(model.architecture), model, compared[0]) for model in compared),
            f"Architectures, {size}",
        )
    ]
    for (architecture, of_size), group in groupby(entries, key=lambda e: (e.architecture, e.size)):
        base = Model(architecture, of_size)
        changes = [
            row(entry.title or entry.name, Model(architecture, of_size, entry.name), base) for entry in group
        ]
        title = f"{architecture_label(architecture)}, {of_size}"
        blocks.append(Block((row("unchanged", base, base), *changes), title))
    marked = "In brackets the interval of a change; star: it leaves out zero."
    seeds = [grid.seeds, *(entry.seeds for entry in entries)]
    if min(map(len, seeds)) == 1 < max(map(len, seeds)):
        marked += " What has one seed has no star: its interval covers the recordings alone."
    missing = Grid(grid.architectures, (size,), grid.seeds).missing(results["run"])
    missing += [name for entry in entries for name in entry.missing(results["run"])]
    return Table(
        "ablation",
        "Ablation",
        sentences(
            f"Ablation on {marks.dataset_title}, last epoch: errors and their changes in mm (negative: "
            f"lower error). First the architectures at size {size}, changes from the first (𝐴: attention, "
            "𝐺: graph, 𝑀: MambaGCN; ∥: side by side, →: one after the other); then models with one thing "
            "changed, and the change from the unchanged model. MACs of linear layers.",
            spread_note(estimates),
            significance_note(statistics, max(seeds, key=len), marked),
        ),
        caption_marks(marks, list(dict.fromkeys(missing))),
        (
            Column("Model", kind="text"),
            Column("Frames", kind="number"),
            Column("Par. (M)", kind="number"),
            Column("MACs (G)", kind="number"),
            *(
                Column(heading)
                for metric in METRICS_SHOWN
                for heading in (METRIC_LABELS[metric], f"{METRIC_LABELS[metric]} change")
            ),
        ),
        tuple(blocks),
        "Changed model",
    )


def _with_components(architecture: str) -> str:
    return f"{architecture_label(architecture)}, {COMPONENTS.get(architecture, MISSING)}"


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
    content = table(
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
    write(arguments.out, "ablation", content, LAYOUT)


if __name__ == "__main__":
    run(main)
