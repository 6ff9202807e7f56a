"""Published results beside ours: only where they can be compared, and only what is sure enough.

The rows come from a file that people keep (`paper/published.yaml`). Without one, because the data are not the
real Human3.6M, the table is left out and the text says so.
"""

from dataclasses import replace

import pandas as pd

from poselift.analysis.costs import Cost
from poselift.analysis.intervals import Model, grid_pairs
from poselift.analysis.published import Number, Published, comparable
from poselift.analysis.published import Row as PublishedRow
from poselift.analysis.view import View
from poselift.evaluation.metrics import METRICS
from poselift.tables.caption import caption_notice, sentences
from poselift.tables.cells import ErrorCells
from poselift.tables.cost import COST_COLUMNS, cost_cells
from poselift.tables.table import Block, Cell, Layout, Row, Table, columns, plain

NEEDS = ("results", "costs", "published", "notice", "grid", "decimals", "statistics", "labels")
ONLY_WITH = "published"
SWITCHES = ("comparable",)
LAYOUT = Layout(wide=True)

METRICS_SHOWN: tuple[Number, ...] = ("mpjpe", "p_mpjpe")


def table(
    results: pd.DataFrame, costs: dict[tuple[str, str], Cost], published: Published, view: View
) -> Table:
    """The table: published rows by detector, then ours, best epoch, chosen as theirs was.

    Bold is a mean of ours where every published number with our detector lies above what one more training
    of ours would have: a published number is of one training. It is never bold.
    """
    groups, confidence = comparable(published.rows), view.statistics.confidence
    cells = ErrorCells(results, view, {"grid": grid_pairs(view.grid)})
    rivals = {
        metric: [value for row in groups.get(published.detector, []) if (value := row.number(metric))]
        for metric in METRICS_SHOWN
    }

    def our_cell(architecture: str, size: str, metric: Number) -> Cell:
        bounds = cells.differences.prediction(Model(architecture, size), metric, "best")
        lower = bounds is not None and bool(rivals[metric]) and bounds[1] < min(rivals[metric])
        return replace(cells.error(Model(architecture, size), metric, "best"), bold=lower)

    def our_row(architecture: str, size: str) -> Row:
        return (
            Cell(f"Ours: {view.label(architecture)}, {size}"),
            Cell(published.detector),
            *cost_cells(costs.get((architecture, size)), (1, 1)),
            *(our_cell(architecture, size, metric) for metric in METRICS_SHOWN),
        )

    def their_row(row: PublishedRow, detector: str) -> Row:
        return (
            Cell(row.method, cite=row.cite),
            Cell(detector),
            plain(row.frames, 0),
            *(plain(row.number(name), 1) for name in ("parameters", "macs")),
            *(plain(row.number(metric), view.decimals) for metric in METRICS_SHOWN),
            Cell(row.sure),
        )

    theirs = [Block(tuple(their_row(row, detector) for row in rows)) for detector, rows in groups.items()]
    ours = Block(tuple(our_row(name, size) for size in view.grid.sizes for name in view.grid.architectures))
    return Table(
        "Published results",
        sentences(
            f"Published results on {view.notice.dataset_title} with detected 2D input, in mm, grouped by the "
            "2D detector (SH: stacked hourglass, CPN: cascaded pyramid network), whose choice alone moves "
            "results; and ours. All choose the best epoch on the test set. MACs (G) as published, under "
            "conventions that differ; ours count linear layers. Source: A, the authors' repository or "
            "paper; B, a leaderboard or third text.",
            cells.spread_note(),
            "Bold: every published number with our detector, each of one training, lies above the "
            f"{100 * confidence:g}\N{NARROW NO-BREAK SPACE}% prediction interval of one more training of "
            "ours (Student's 𝑡 over seeds).",
        ),
        caption_notice(view.notice, view.grid.missing(results["run"])),
        (
            *columns("text", "Method", "2D"),
            *columns("number", *COST_COLUMNS),
            *columns("spread", *(METRICS[metric].label for metric in METRICS_SHOWN)),
            *columns("text", "Source"),
        ),
        (*theirs, ours),
    )
