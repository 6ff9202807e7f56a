"""What each component contributes: the architectures at one size, then every entry of the ablation against
the model that it changes."""

from collections.abc import Mapping

import pandas as pd

from poselift.analysis.costs import Cost
from poselift.analysis.intervals import Families, Model, entry_pairs, grid_pairs
from poselift.analysis.view import View
from poselift.evaluation.metrics import METRICS
from poselift.tables.caption import caption_notice, sentences
from poselift.tables.cells import ErrorCells
from poselift.tables.cost import COST_COLUMNS, cost_cells, cost_decimals
from poselift.tables.table import MISSING, Block, Cell, Layout, Row, Table, columns

NEEDS = (
    "results", "costs", "variant_costs",
    "notice", "grid", "per_action_size", "ablation", "decimals", "statistics", "labels",
)  # fmt: skip
LAYOUT = Layout(wide=True, separation="5pt", titles="row")

METRICS_SHOWN = ("mpjpe", "p_mpjpe")


def table(
    results: pd.DataFrame, costs: dict[tuple[str, str], Cost], variant_costs: Mapping[str, Cost], view: View
) -> Table:
    """The table: cost, error after the last epoch, change from the model that is changed.

    Changes are paired by seed and recording. An entry that changes neither the model nor its frames is not
    counted again: it costs what its base does.
    """
    size, entries = view.per_action_size, view.ablation
    families: Families = {"grid": grid_pairs(view.grid), "ablation": entry_pairs(entries)}
    cells = ErrorCells(results, view, families)

    def cost_of(model: Model) -> Cost | None:
        name = "-".join(filter(None, model))
        return variant_costs.get(name) or costs.get((model.architecture, model.size))

    def row(label: str, model: Model, base: Model) -> Row:
        pairs = [(cells.error(model, each), cells.change(model, base, each)) for each in METRICS_SHOWN]
        return Cell(label), *cost_cells(cost_of(model), places), *(cell for pair in pairs for cell in pair)

    def with_components(architecture: str) -> str:
        return f"{view.label(architecture)}, {view.card(architecture).components or MISSING}"

    compared = [Model(name, size) for name in view.grid.architectures]
    variants = [Model(entry.architecture, entry.size, entry.name) for entry in entries]
    places = cost_decimals([cost for model in (*compared, *variants) if (cost := cost_of(model))])
    architectures = (row(with_components(model.architecture), model, compared[0]) for model in compared)
    blocks = [Block(tuple(architectures), f"Architectures, {size}")]
    pairs = entry_pairs(entries)
    for base in dict.fromkeys(base for _, base in pairs):
        titled = zip((entry.title or entry.name for entry in entries), pairs, strict=True)
        rows = [
            row("unchanged", base, base),
            *(row(title, *pair) for title, pair in titled if pair[1] == base),
        ]
        blocks.append(Block(tuple(rows), f"{view.label(base.architecture)}, {base.size}"))
    seeds = [*map(view.grid.seeds_of, {size, *(entry.base[1] for entry in entries)})]
    seeds += [entry.seeds for entry in entries]
    one_seed = ""
    if len(set(seeds)) > 1:
        one_seed = "A change is over the seeds that both models have."
    if min(map(len, seeds)) == 1 < max(map(len, seeds)):
        one_seed += " What has one seed is not tested: its interval covers the recordings alone."
    missing = view.detail.missing(results["run"])
    missing += [name for entry in entries for name in entry.missing(results["run"])]
    labels = [METRICS[metric].label for metric in METRICS_SHOWN]
    return Table(
        "Ablation",
        sentences(
            f"Ablation on {view.notice.dataset_title}, last epoch: errors and their changes in mm (negative: "
            f"lower error). First the architectures at size {size}, changes from the first (𝐴: attention, "
            "𝐺: graph, 𝑀: MambaGCN, as by default; ∥: side by side, →: one after the other); then models "
            "with one thing changed and other models in their place, and the change from the unchanged "
            "model. MACs of linear layers.",
            cells.spread_note(),
            "In brackets the interval of a change.",
            cells.star_note("between architectures, from the unchanged model", max(seeds, key=len)),
            one_seed,
        ),
        caption_notice(view.notice, list(dict.fromkeys(missing))),
        (
            *columns("text", "Model"),
            *columns("number", *COST_COLUMNS),
            *columns("spread", *(heading for label in labels for heading in (label, f"{label} change"))),
        ),
        tuple(blocks),
        "Changed model",
    )
