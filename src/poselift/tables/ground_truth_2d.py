"""What is left of the error when the 2D poses are the truth: the models that were trained and tested so."""

import pandas as pd

from poselift.analysis.intervals import Differences, Model
from poselift.analysis.published import Published
from poselift.analysis.results import GROUND_TRUTH_REFERENCE_LABELS, Estimate, per_seed, reference, summarise
from poselift.analysis.view import View
from poselift.config.experiment import GROUND_TRUTH_2D
from poselift.evaluation.metrics import METRICS
from poselift.tables.table import (
    Block,
    Cell,
    Column,
    Layout,
    Table,
    caption_notice,
    estimated,
    plain,
    sentences,
    significance_note,
    spread_note,
)

NEEDS = ("results", "published", "notice", "ground_truth_2d", "decimals", "statistics", "labels")
ONLY_WITH = "ground_truth_2d"
SWITCHES = ("groundtruth",)
LAYOUT = Layout(separation="3pt")

COLUMNS = (("mpjpe", "last"), ("p_mpjpe", "last"), ("mpjpe", "best"))


def table(results: pd.DataFrame, published: Published | None, view: View) -> Table | None:
    """The table. The last column is the error of the same model on detections, last epoch.

    A star marks a significant difference from the base model of the same size. Published rows are shown by
    their error on ground-truth 2D, best epoch, where they have one that is sure. None without such runs.
    """
    grid, decimals = view.ground_truth_2d, view.decimals
    if grid is None:
        return None
    differences = Differences(results, view.statistics)
    estimates: list[Estimate | None] = []

    def row(architecture: str, size: str) -> tuple[Cell, ...]:
        model, base = (Model(name, size, GROUND_TRUTH_2D) for name in (architecture, grid.base))
        cells = [Cell(view.label(architecture))]
        for metric, checkpoint in COLUMNS:
            values = per_seed(results, architecture, size, metric, checkpoint, variant=GROUND_TRUTH_2D)
            estimates.append(summarise(values))
            change = None if model == base else differences.difference(model, base, metric, checkpoint)
            star = change is not None and change.significant
            cells.append(estimated(estimates[-1], decimals, star=star))
        detected = summarise(per_seed(results, architecture, size, "mpjpe", "last"))
        return *cells, estimated(detected, decimals)

    references = tuple(
        (
            Cell(label),
            *(estimated(reference(results, name, metric), decimals) for metric in ("mpjpe", "p_mpjpe")),
        )
        for name, label in GROUND_TRUTH_REFERENCE_LABELS.items()
    )
    theirs = tuple(
        (Cell(f"{row.method} ({row.frames} frames)", cite=row.cite, span=3), plain(error, decimals))
        for row in (published.rows if published else ())
        if (error := row.number("mpjpe_ground_truth_2d")) is not None and row.sure != "C"
    )
    ours = [
        Block(tuple(row(architecture, size) for architecture in grid.architectures), size)
        for size in grid.sizes
    ]
    return Table(
        "ground_truth_2d",
        "Lifting the true 2D poses",
        sentences(
            f"Lifting the true 2D poses of {view.notice.dataset_title} in training and test, in mm; for "
            "comparison the MPJPE of the same models on detected 2D, last epoch.",
            spread_note(estimates),
            significance_note(
                view.statistics,
                grid.seeds,
                f"Star: the interval of the difference from {view.label(grid.base)} of this size leaves out "
                "zero.",
            ),
        ),
        caption_notice(view.notice, grid.missing(results["run"])),
        (
            Column("Model", kind="text"),
            *(
                Column(METRICS[metric].label, "Last epoch" if checkpoint == "last" else "Best epoch")
                for metric, checkpoint in COLUMNS
            ),
            Column("MPJPE", "Detected"),
        ),
        (Block(references), Block(theirs), *ours),
        "Size",
    )
