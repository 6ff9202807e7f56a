"""The claims of the paper with what was measured and the verdict."""

from collections.abc import Sequence
from pathlib import Path

from poselift.analysis import options
from poselift.analysis.claims import Judgement, measured_text
from poselift.analysis.options import Marks
from poselift.analysis.stored import read_content
from poselift.config.experiment import Statistics
from poselift.errors import run
from poselift.paper.latex import Layout
from poselift.tables.output import write
from poselift.tables.table import Block, Cell, Column, Table, caption_marks

HEADINGS = ("Claim", "Test", "Measured", "Verdict", "Reason")
LAYOUT = Layout(wide=True, separation="4pt", widths=(0.27, 0.21, 0.14, 0.1, 0.2))


def table(judgements: Sequence[Judgement], marks: Marks, decimals: int, statistics: Statistics) -> Table:
    """The table: a row per claim."""
    rows = tuple(
        (
            Cell(each.claim),
            Cell(each.test),
            Cell(measured_text(each, decimals), value=each.estimate),
            Cell(each.verdict, bold=True),
            Cell(each.reason),
        )
        for each in judgements
    )
    return Table(
        "claims",
        "Claims of the paper",
        "The claims of this paper, tested against its results. In brackets the "
        f"{100 * statistics.confidence:g}\N{NARROW NO-BREAK SPACE}% confidence interval over test recordings "
        "and seeds; a claim is supported if the whole interval fulfils it.",
        caption_marks(marks),
        tuple(Column(heading, kind="text") for heading in HEADINGS),
        (Block(rows),),
    )


def main(argv: list[str] | None = None) -> None:
    """Write the table of claims."""
    parser = options.parser("Write the table of claims.", "dataset_title", "decimals")
    parser.add_argument("--claims", type=Path, required=True, metavar="JSON", help="judged claims")
    options.add_out(parser)
    given = parser.parse_args(argv)
    judgements = read_content(given.claims, list[Judgement])
    content = table(judgements, options.marks(given), given.decimals, options.statistics(given))
    write(given.out, "claims", content, LAYOUT)


if __name__ == "__main__":
    run(main)
