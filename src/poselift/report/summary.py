"""What a build of the paper ends with in a terminal: the main table as text, and which files to open."""

import argparse
from pathlib import Path

from poselift.analysis.lineage import read_record
from poselift.analysis.stored import read_content
from poselift.analysis.view import DataNotice, Grid, add_options, from_options
from poselift.files import write_text
from poselift.program import run
from poselift.tables.table import Cell, Table

NEEDS = ("notice", "grid")

METRICS_SHOWN = ("MPJPE", "P-MPJPE")
"""Headings of the columns of numbers that fit a terminal."""


def as_text(content: Table, notice: DataNotice, grid: Grid) -> str:
    """The main table for a terminal: MPJPE and P-MPJPE after the last and for the best epoch."""
    columns = dict(enumerate(content.columns))
    shown = [i for i, each in columns.items() if each.kind == "text" or each.heading in METRICS_SHOWN]
    headings = [f"{columns[i].heading} {columns[i].group.lower()}".strip() for i in shown]
    rows = [[content.titles, *headings]]
    for block in content.blocks:
        rows += [[block.title, *(_text(row[i]) for i in shown if i < len(row))] for row in block.rows]
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(len(headings) + 1)]
    counts = sorted({len(grid.seeds_of(size)) for size in grid.sizes})
    several = counts[-1] > 1
    seeds = f"{' to '.join(map(str, counts))} seed{'s' if several else ''}"
    lines = [f"{'SYNTHETIC DATA, ' * notice.synthetic}{notice.dataset_title}: errors in mm, {seeds}"]
    for row in rows:
        lines.append("  ".join(map(str.ljust, row, widths)).rstrip())
    if several:
        lines += [
            f"* differs significantly from the {grid.base} of this size, corrected for all comparisons",
            "** and is better than all other models of this size",
        ]
    else:
        lines.append("a single seed: no difference is called significant")
    return "\n".join(lines + ([content.notice] if content.notice else []))


def _text(cell: Cell) -> str:
    """`41.2 ± 0.3*`."""
    return cell.text + cell.small.replace("±", " ± ") + ("**" if cell.bold else "*" * cell.star)


def files_to_open(pdf: Path, results: Path) -> str:
    """Where the paper, the page and the numbers lie, a line each; `results` is the folder of the data set."""
    files = {
        "the paper": pdf,
        "the same in a browser, with all tables": results / "report.html",
        "every number, a row each": results / "results.csv",
    }
    width = max(len(str(path)) for path in files.values())
    return "\n".join(["Open:", *(f"  {path!s:<{width}}  {what}" for what, path in files.items())])


def main(argv: list[str] | None = None) -> None:
    """Write the main table as text, and which files to open."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--table", type=Path, required=True, metavar="JSON", help="the main table")
    parser.add_argument("--pdf", type=Path, required=True, help="the compiled paper")
    parser.add_argument(
        "--record", type=Path, required=True, metavar="JSON", help="what the paper was made from"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="TXT", help="file to write")
    add_options(parser, NEEDS)
    given = parser.parse_args(argv)
    view = from_options(given, NEEDS)
    lines = [as_text(read_content(given.table, Table), view.notice, view.grid)]
    unpinned = dict.fromkeys(read_record(given.record)["unpinned"].values())
    lines += [f"Made with {said}, the pinned version." for said in unpinned]
    text = "\n".join(lines)
    write_text(given.out, f"{text}\n\n{files_to_open(given.pdf, given.out.parent)}\n")


if __name__ == "__main__":
    run(main)
