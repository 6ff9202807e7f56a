"""What each component contributes: the architectures at one size, then every entry of the ablation against
the model that it changes."""

from collections.abc import Mapping
from itertools import groupby

import pandas as pd

from poselift.analysis.costs import Cost
from poselift.analysis.intervals import Differences, Model
from poselift.analysis.results import Estimate, per_seed, summarise
from poselift.analysis.view import View
from poselift.evaluation.metrics import METRICS
from poselift.tables.cost import cost_cells, cost_decimals
from poselift.tables.table import (
    MISSING,
    Block,
    Cell,
    Column,
    Layout,
    Table,
    caption_notice,
    changed,
    estimated,
    sentences,
    significance_note,
    spread_note,
)

NEEDS = (
    "results", "costs", "variant_costs",
    "notice", "grid", "per_action_size", "ablation", "decimals", "statistics", "labels",
)  # fmt: skip
LAYOUT = Layout(wide=True, separation="5pt", titles="row")

METRICS_SHOWN = ("mpjpe", "p_mpjpe")


def table(
    results: pd.DataFrame,
    costs: dict[tuple[str, str], Cost],
    variant_costs: Mapping[str, Cost],
    view: View,
) -> Table:
    """The table: cost, error after the last epoch, change from the model that is changed.

    Changes are paired by seed and recording. An entry that changes neither the model nor its frames is not
    counted again: it costs what its base does.
    """
    size, entries, decimals = view.per_action_size, view.ablation, view.decimals
    differences = Differences(results, view.statistics)
    estimates: list[Estimate | None] = []

    def cost_of(model: Model) -> Cost | None:
        name = "-".join(filter(None, model))
        return variant_costs.get(name) or costs.get((model.architecture, model.size))

    def with_components(architecture: str) -> str:
        return f"{view.label(architecture)}, {view.card(architecture).components or MISSING}"

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

    compared = [Model(name, size) for name in view.grid.architectures]
    variants = [Model(entry.architecture, entry.size, entry.name) for entry in entries]
    places = cost_decimals([cost for model in (*compared, *variants) if (cost := cost_of(model))])
    blocks = [
        Block(
            tuple(row(with_components(model.architecture), model, compared[0]) for model in compared),
            f"Architectures, {size}",
        )
    ]
    for (architecture, of_size), group in groupby(entries, key=lambda e: (e.architecture, e.size)):
        base = Model(architecture, of_size)
        changes = [
            row(entry.title or entry.name, Model(architecture, of_size, entry.name), base) for entry in group
        ]
        title = f"{view.label(architecture)}, {of_size}"
        blocks.append(Block((row("unchanged", base, base), *changes), title))
    marked = "In brackets the interval of a change; star: it leaves out zero."
    seeds = [view.grid.seeds, *(entry.seeds for entry in entries)]
    if min(map(len, seeds)) == 1 < max(map(len, seeds)):
        marked += " What has one seed has no star: its interval covers the recordings alone."
    missing = view.detail.missing(results["run"])
    missing += [name for entry in entries for name in entry.missing(results["run"])]
    return Table(
        "ablation",
        "Ablation",
        sentences(
            f"Ablation on {view.notice.dataset_title}, last epoch: errors and their changes in mm (negative: "
            f"lower error). First the architectures at size {size}, changes from the first (𝐴: attention, "
            "𝐺: graph, 𝑀: MambaGCN; ∥: side by side, →: one after the other); then models with one thing "
            "changed, and the change from the unchanged model. MACs of linear layers.",
            spread_note(estimates),
            significance_note(view.statistics, max(seeds, key=len), marked),
        ),
        caption_notice(view.notice, list(dict.fromkeys(missing))),
        (
            Column("Model", kind="text"),
            Column("Frames", kind="number"),
            Column("Par. (M)", kind="number"),
            Column("MACs (G)", kind="number"),
            *(
                Column(heading)
                for metric in METRICS_SHOWN
                for heading in (METRICS[metric].label, f"{METRICS[metric].label} change")
            ),
        ),
        tuple(blocks),
        "Changed model",
    )
