"""The claims of the paper with what was measured and the verdict."""

from collections.abc import Sequence

from poselift.analysis.claims import Judgement, measured_text
from poselift.analysis.view import View
from poselift.tables.caption import caption_notice
from poselift.tables.table import Block, Cell, Layout, Table, columns

NEEDS = ("judgements", "notice", "decimals", "statistics")
LAYOUT = Layout(wide=True, separation="4pt", widths=(0.27, 0.21, 0.14, 0.1, 0.2))


def table(judgements: Sequence[Judgement], view: View) -> Table:
    """The table: a row per claim."""
    rows = tuple(
        (
            Cell(each.claim),
            Cell(each.test),
            Cell(measured_text(each, view.decimals), value=each.estimate),
            Cell(each.verdict, bold=True),
            Cell(each.reason),
        )
        for each in judgements
    )
    return Table(
        "Claims",
        "Claims that were fixed as tests, and what the results say to each. In brackets the "
        f"{100 * view.statistics.confidence:g}\N{NARROW NO-BREAK SPACE}% confidence interval over test "
        "recordings and seeds, not corrected; a claim is supported if its opposite is rejected, refuted "
        "if it is rejected itself, at a family-wise error of "
        f"{100 * (1 - view.statistics.confidence):.3g}\N{NARROW NO-BREAK SPACE}% (Holm's correction).",
        caption_notice(view.notice),
        tuple(columns("text", "Claim", "Test", "Measured", "Verdict", "Reason")),
        (Block(rows),),
    )
