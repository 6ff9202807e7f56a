"""What is left of the error when the 2D poses are the truth: the models that were trained and tested so."""

import pandas as pd

from poselift.analysis import options
from poselift.analysis.intervals import Differences, Model
from poselift.analysis.names import GROUND_TRUTH_REFERENCE_LABELS, METRIC_LABELS, architecture_label
from poselift.analysis.options import Grid, Marks
from poselift.analysis.results import Estimate, per_seed, read, reference, summarise
from poselift.config.experiment import GROUND_TRUTH_2D, Statistics
from poselift.config.yaml_files import load
from poselift.errors import PoseliftError, run
from poselift.paper.latex import Layout
from poselift.tables.output import write
from poselift.tables.published import Published, Row
from poselift.tables.table import (
    Block,
    Cell,
    Column,
    Table,
    caption_marks,
    estimated,
    plain,
    sentences,
    significance_note,
    spread_note,
)

COLUMNS = (("mpjpe", "last"), ("p_mpjpe", "last"), ("mpjpe", "best"))
LAYOUT = Layout(separation="3pt")


def table(
    results: pd.DataFrame,
    grid: Grid,
    published: list[Row],
    marks: Marks,
    decimals: int,
    statistics: Statistics,
) -> Table:
    """The table. The last column is the error of the same model on detections, last epoch.

    A star marks a significant difference from the baseline of the same size. `published` are shown by their
    error on ground-truth 2D, best epoch, where they have one that is sure.
    """
    differences = Differences(results, statistics)
    estimates: list[Estimate | None] = []

    def row(architecture: str, size: str) -> tuple[Cell, ...]:
        model, base = (Model(name, size, GROUND_TRUTH_2D) for name in (architecture, "baseline"))
        cells = [Cell(architecture_label(architecture))]
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
        for row in published
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
            f"Lifting the true 2D poses of {marks.dataset_title} in training and test, in mm; for "
            "comparison the MPJPE of the same models on detected 2D, last epoch.",
            spread_note(estimates),
            significance_note(
                statistics,
                grid.seeds,
                "Star: the interval of the difference from the baseline of this size leaves out zero.",
            ),
        ),
        caption_marks(marks, grid.missing(results["run"])),
        (
            Column("Model", kind="text"),
            *(
                Column(METRIC_LABELS[metric], "Last epoch" if checkpoint == "last" else "Best epoch")
                for metric, checkpoint in COLUMNS
            ),
            Column("MPJPE", "Detected"),
        ),
        (Block(references), Block(theirs), *ours),
        "Size",
    )


def main(argv: list[str] | None = None) -> None:
    """Write the table of ground-truth 2D, or the mark that there is none."""
    parser = options.parser(
        "Write the table of models on ground-truth 2D.", "results", "dataset_title", "decimals"
    )
    options.add_out(parser)
    arguments = parser.parse_args(argv)
    grid = options.ground_truth_grid(arguments)
    if grid is None:
        write(arguments.out, "ground_truth_2d", None, LAYOUT, groundtruth=False)
        return
    if arguments.published and arguments.synthetic:
        raise PoseliftError(
            "--published and --synthetic: synthetic data cannot be compared with published results"
        )
    content = table(
        read(arguments.results),
        grid,
        load(arguments.published, Published).rows if arguments.published else [],
        options.marks(arguments),
        arguments.decimals,
        options.statistics(arguments),
    )
    write(arguments.out, "ground_truth_2d", content, LAYOUT, groundtruth=True)


if __name__ == "__main__":
    run(main)
