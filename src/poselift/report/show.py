"""The main table as text, and where the PDF lies: what a build of the paper ends with."""

from pathlib import Path

import pandas as pd

from poselift.analysis import options
from poselift.analysis.intervals import Differences, Model
from poselift.analysis.names import METRIC_LABELS, REFERENCE_LABELS, architecture_label
from poselift.analysis.options import Grid, Marks
from poselift.analysis.results import Estimate, per_seed, read, reference, summarise
from poselift.config.experiment import Statistics
from poselift.errors import run
from poselift.files import write_text

METRICS_SHOWN = ("mpjpe", "p_mpjpe")


def text_cell(estimate: Estimate | None, decimals: int, star: bool = False) -> str:
    """`41.2 ± 0.3`, `41.2` for a single seed, `–` for none; with a star for what is significant."""
    if estimate is None:
        return "–"
    spread = "" if estimate.std is None else f" ± {estimate.std:.{decimals}f}"
    return f"{estimate.mean:.{decimals}f}{spread}{'*' if star else ''}"


def table(results: pd.DataFrame, grid: Grid, marks: Marks, decimals: int, statistics: Statistics) -> str:
    """The main table for a terminal: MPJPE and P-MPJPE after the last and for the best epoch."""
    differences = Differences(results, statistics)

    def star(model: Model, metric: str, checkpoint: str) -> bool:
        change = differences.difference(model, Model("baseline", model.size), metric, checkpoint)
        return change is not None and change.significant

    columns = [(checkpoint, metric) for checkpoint in ("last", "best") for metric in METRICS_SHOWN]
    rows = [["", "model", *(f"{METRIC_LABELS[metric]} {checkpoint}" for checkpoint, metric in columns)]]
    for run_name, label in REFERENCE_LABELS.items():
        errors = [text_cell(reference(results, run_name, metric), decimals) for metric in METRICS_SHOWN]
        rows.append(["", label, *errors, "", ""])
    for size in grid.sizes:
        for name in grid.architectures:
            errors = [
                text_cell(
                    summarise(per_seed(results, name, size, metric, checkpoint)),
                    decimals,
                    star(Model(name, size), metric, checkpoint),
                )
                for checkpoint, metric in columns
            ]
            rows.append([size, architecture_label(name), *errors])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    data = f"{'SYNTHETIC DATA, ' if marks.synthetic else ''}{marks.dataset_title}"
    lines.insert(0, f"{data}: errors in mm, {len(grid.seeds)} seed{'s' if len(grid.seeds) > 1 else ''}")
    if len(grid.seeds) > 1:
        lines.append("* the interval of the difference from the baseline of this size leaves out zero")
    else:
        lines.append("a single seed: no difference is called significant")
    if missing := grid.missing(results["run"]):
        lines.append(f"DRAFT: missing runs: {', '.join(missing)}")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Write the main table as text, and where the PDF lies."""
    parser = options.parser(
        "Write the main table as text, and where the PDF lies.",
        *("results", *options.GRID, "dataset_title", "decimals"),
    )
    options.add_out(parser)
    parser.add_argument("--pdf", type=Path, required=True, help="the compiled paper")
    arguments = parser.parse_args(argv)
    text = table(
        read(arguments.results),
        options.grid(arguments),
        options.marks(arguments),
        arguments.decimals,
        options.statistics(arguments),
    )
    write_text(arguments.out, f"{text}\n\nThe paper: {arguments.pdf}\n")


if __name__ == "__main__":
    run(main)
