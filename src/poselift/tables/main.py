"""The main comparison: every model, all metrics, last and best epoch, beside the two reference rows."""

import pandas as pd

from poselift.analysis.intervals import Differences, Model
from poselift.analysis.results import (
    REFERENCE_LABELS,
    Estimate,
    metrics_in,
    names_in,
    per_seed,
    reference,
    summarise,
)
from poselift.analysis.view import View
from poselift.evaluation.metrics import METRICS
from poselift.tables.table import (
    Block,
    Cell,
    Column,
    Layout,
    Table,
    caption_notice,
    estimated,
    sentences,
    significance_note,
    spread_note,
)

NEEDS = ("results", "notice", "grid", "decimals", "statistics", "labels")
LAYOUT = Layout(wide=True, separation="2.9pt")

CHECKPOINTS = {"last": "Last epoch", "best": "Best epoch"}


def table(results: pd.DataFrame, view: View) -> Table:
    """The table; a model without runs shows dashes, and the caption then says DRAFT.

    A star marks a significant difference from the baseline of the same size. Bold is what is significantly
    lower than each other model of its size: the lowest number alone is not.
    """
    differences, grid = Differences(results, view.statistics), view.grid
    estimates: list[Estimate | None] = []
    metrics = metrics_in(results)
    places = {metric: METRICS[metric].decimals(view.decimals) for metric in metrics}

    def row(architecture: str, size: str) -> tuple[Cell, ...]:
        model, base = Model(architecture, size), Model("baseline", size)
        others = [Model(name, size) for name in grid.architectures if name != architecture]
        cells = [Cell(view.label(architecture))]
        for checkpoint in CHECKPOINTS:
            for metric in metrics:
                estimates.append(summarise(per_seed(results, architecture, size, metric, checkpoint)))
                change = None if model == base else differences.difference(model, base, metric, checkpoint)
                cells.append(
                    estimated(
                        estimates[-1],
                        places[metric],
                        bold=differences.better(model, others, metric, checkpoint),
                        star=change is not None and change.significant,
                    )
                )
        return tuple(cells)

    references = tuple(
        (
            Cell(label),
            *(estimated(reference(results, name, metric), places[metric]) for metric in metrics),
        )
        for name, label in REFERENCE_LABELS.items()
    )
    blocks = [
        Block(tuple(row(architecture, size) for architecture in grid.architectures), size)
        for size in grid.sizes
    ]
    return Table(
        "main",
        "Errors of all models",
        sentences(
            f"Errors on {view.notice.dataset_title}: mean over the frames of an action, then over "
            f"{len(names_in(results, 'action'))} actions. MPJPE, P-MPJPE and N-MPJPE in mm, MPJVE in "
            "mm/frame, acceleration error in mm/frame²; lower is better.",
            spread_note(estimates),
            significance_note(
                view.statistics,
                grid.seeds,
                "Star: the interval of the difference from the baseline of its size leaves out zero; bold: "
                "so do those from all others of its size, and it is lower.",
            ),
            "The best epoch is chosen on the test set, as in prior work; the last epoch is not chosen.",
        ),
        caption_notice(view.notice, grid.missing(results["run"])),
        (
            Column("Model", kind="text"),
            *(
                Column("Accel." if metric == "acceleration" else METRICS[metric].label, group)
                for group in CHECKPOINTS.values()
                for metric in metrics
            ),
        ),
        (Block(references), *blocks),
        "Size",
    )
