"""What is left of the error when the 2D poses are the truth: the models that were trained and tested so."""

import pandas as pd

from poselift.config.experiment import GROUND_TRUTH_2D, Statistics
from poselift.config.sections import load
from poselift.errors import PoseliftError, run
from poselift.files import write_text
from poselift.paper import options
from poselift.paper.differences import Differences, Model
from poselift.paper.latex import Tex, caption_marks, cell, fixed, render, significance_note, spread_note
from poselift.paper.names import GROUND_TRUTH_REFERENCE_LABELS, METRIC_LABELS, architecture_label
from poselift.paper.options import Grid, Marks
from poselift.paper.results import Estimate, per_seed, read, reference, summarise
from poselift.paper.tables.published import Published, Row

COLUMNS = (("mpjpe", "last"), ("p_mpjpe", "last"), ("mpjpe", "best"))


def table(
    results: pd.DataFrame,
    grid: Grid,
    published: list[Row],
    marks: Marks,
    decimals: int,
    statistics: Statistics,
) -> str:
    """The LaTeX of the table. The last column is the error of the same model on detections, last epoch.

    A star marks a significant difference from the baseline of the same size. `published` are shown by their
    error on ground-truth 2D, best epoch, where they have one that is sure.
    """
    differences = Differences(results, statistics)
    estimates: list[Estimate | None] = []

    def cells(architecture: str, size: str) -> list[Tex]:
        model, base = (Model(name, size, GROUND_TRUTH_2D) for name in (architecture, "baseline"))
        row = []
        for metric, checkpoint in COLUMNS:
            values = per_seed(results, architecture, size, metric, checkpoint, variant=GROUND_TRUTH_2D)
            estimates.append(summarise(values))
            change = None if model == base else differences.difference(model, base, metric, checkpoint)
            star = change is not None and change.significant
            row.append(cell(estimates[-1], decimals, star=star))
        detected = summarise(per_seed(results, architecture, size, "mpjpe", "last"))
        return [*row, cell(detected, decimals)]

    references = [
        (label, [cell(reference(results, name, metric), decimals) for metric in ("mpjpe", "p_mpjpe")])
        for name, label in GROUND_TRUTH_REFERENCE_LABELS.items()
    ]
    return render(
        "ground_truth_2d",
        shown=True,
        blocks=[
            [
                ("" if i else size, architecture_label(name), cells(name, size))
                for i, name in enumerate(grid.architectures)
            ]
            for size in grid.sizes
        ],
        references=references,
        published=[
            (row.method, row.cite, row.frames, fixed(error, decimals))
            for row in published
            if (error := row.number("mpjpe_ground_truth_2d")) is not None and row.sure != "C"
        ],
        labels=[METRIC_LABELS[metric] for metric, _ in COLUMNS],
        title=marks.dataset_title,
        spread_note=spread_note(estimates),
        significance_note=significance_note(
            statistics,
            grid.seeds,
            "Star: the interval of the difference from the baseline of this size leaves out zero.",
        ),
        marks=caption_marks(marks, grid.missing(results["run"])),
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
        write_text(arguments.out, render("ground_truth_2d", shown=False))
        return
    if arguments.published and arguments.synthetic:
        raise PoseliftError(
            "--published and --synthetic: synthetic data cannot be compared with published results"
        )
    text = table(
        read(arguments.results),
        grid,
        load(arguments.published, Published).rows if arguments.published else [],
        options.marks(arguments),
        arguments.decimals,
        options.statistics(arguments),
    )
    write_text(arguments.out, text)


if __name__ == "__main__":
    run(main)
