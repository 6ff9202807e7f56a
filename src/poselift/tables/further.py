"""A further data set: its metrics for every model, last and best epoch, beside published results.

Without results, because the configuration does not name the data set or no run of it is there, the table is
left out and the text says so. Published rows are shown only for the real data.
"""

import pandas as pd

from poselift.analysis.intervals import Model, grid_pairs
from poselift.analysis.published import Published, Row
from poselift.analysis.results import metrics_in, names_in
from poselift.analysis.view import View
from poselift.evaluation.metrics import METRICS
from poselift.evaluation.report import PUBLISHED_SCALE
from poselift.tables.caption import caption_notice, sentences
from poselift.tables.cells import CHECKPOINTS, ErrorCells
from poselift.tables.table import Block, Cell, Column, Layout, Table, columns, plain

NEEDS = ("results", "published", "notice", "grid", "decimals", "statistics", "labels")
ONLY_WITH = "results"
FURTHER = True
SWITCHES = ("second", "secondsynthetic")
LAYOUT = Layout(wide=True, separation="2.9pt")


def table(results: pd.DataFrame, published: Published | None, view: View) -> Table | None:
    """The table: published rows that are sure enough, then ours; None without results.

    Where published code scales predictions in another way, ours are shown in both, and published rows stand
    in the columns that are like them.
    """
    if results.empty:
        return None
    metrics = sorted(metrics_in(results), key=lambda metric: not METRICS[metric].higher_is_better)
    cells = ErrorCells(results, view, {"further_data": grid_pairs(view.grid)})
    shown = [row for row in (published.rows if published else ()) if row.sure != "C"]
    n_frames = sorted(map(int, results["n_frames"].unique()))
    also_scaled = bool((results["group"] == PUBLISHED_SCALE).any())
    frames = Cell(", ".join(map(str, n_frames)), value=n_frames[0])

    def ours(architecture: str, size: str) -> tuple[Cell, ...]:
        label = f"{'Ours: ' if shown else ''}{view.label(architecture)}"
        model = Model(architecture, size)
        scaled = [
            cells.error(model, metric, "best", of=(PUBLISHED_SCALE, ""))
            for metric in (metrics if also_scaled else ())
        ]
        return Cell(label), Cell(size), frames, *cells.compared(architecture, size, metrics), *scaled

    def theirs(row: Row) -> tuple[Cell, ...]:
        best = (plain(row.number(metric), 1) for metric in metrics)
        method = (Cell(row.method, cite=row.cite), Cell(), plain(row.frames, 0))
        return *method, *[Cell()] * (len(groups) - 1) * len(metrics), *best, Cell(row.sure)

    groups = [*CHECKPOINTS.values(), *["Best epoch, published scale"] * also_scaled]
    blocks = [Block(tuple(ours(name, size) for name in view.grid.architectures)) for size in view.grid.sizes]
    actions = names_in(results, "action")
    return Table(
        view.notice.dataset_title,
        sentences(
            f"Results on {view.notice.dataset_title} with {results['input_2d'].iloc[0]} 2D input:",
            "; ".join(map(_described, metrics)) + ".",
            f"Means over the frames of an action, then over {len(actions)} actions."
            if actions
            else "Means over all valid test frames.",
            f"Our clips have {frames.text} frames.",
            "The best epoch is chosen on the test set.",
            "Published scale: predictions are multiplied by half the width of the test image, as published "
            "code does, not by the unit of the labels that models learn."
            if also_scaled
            else "",
            published.note if published else "",
            "Source: A, the authors' repository or paper; B, a leaderboard or third text." if shown else "",
            cells.comparison_note(),
        ),
        caption_notice(view.notice, view.grid.missing(results["run"])),
        (
            *columns("text", "Method", "Size"),
            *columns("number", "Frames"),
            *(Column(METRICS[metric].label, group) for group in groups for metric in metrics),
            *columns("text", *["Source"] * bool(shown)),
        ),
        (Block(tuple(map(theirs, shown))), *blocks),
    )


def _described(name: str) -> str:
    metric = METRICS[name]
    direction = "higher" if metric.higher_is_better else "lower"
    unit = metric.unit.replace("^2", "²")
    return f"{metric.label} in {unit}, {metric.definition} ({direction} is better)"
