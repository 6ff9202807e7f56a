"""What a table shows, whatever its form: LaTeX (`poselift.tables.latex`), HTML (`poselift.report.html`).

All text is plain Unicode: a true minus (−), narrow spaces before units, mathematical italic letters (𝑡) for
what is set in italics. Presentations escape it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from poselift.analysis.results import Estimate
from poselift.analysis.view import DataNotice
from poselift.config.experiment import Statistics
from poselift.evaluation.statistics import Interval

MISSING = "–"
"""The dash of a number that is not there."""


@dataclass(frozen=True)
class Cell:
    """What stands in a row at one column: text, or a number with its spread or interval in small print."""

    text: str = ""
    small: str = ""
    bold: bool = False
    star: bool = False
    value: float | None = None
    """the number behind the text, unrounded"""
    cite: str | None = None
    """key of the bibliography"""
    span: int = 1
    """columns that the text may run over; those behind the first are empty, and no cells stand for them"""


@dataclass(frozen=True)
class Column:
    """A column; `group` is what its heading and those beside it have in common. A `spread` column holds
    numbers with small print, a `number` column numbers without."""

    heading: str
    group: str = ""
    kind: Literal["text", "number", "spread"] = "spread"


@dataclass(frozen=True)
class Block:
    """Rows that belong together under a title."""

    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""


@dataclass(frozen=True)
class Table:
    """A table. `titles` is what the titles of its blocks are; without it they have none. Rows may be shorter
    than `columns`. `notice` is what the caption says in bold."""

    name: str
    title: str
    caption: str
    notice: str
    columns: tuple[Column, ...]
    blocks: tuple[Block, ...]
    titles: str = ""


@dataclass(frozen=True)
class Layout:
    """How LaTeX sets a table: over one or both columns of the page, how far apart its columns are, the titles
    of its blocks in a column of their own or as rows. `widths`, as shares of the text's, are those of columns
    whose text runs over several lines."""

    wide: bool = False
    separation: str = ""
    titles: Literal["column", "row"] = "column"
    widths: tuple[float, ...] = ()


def number(value: float, decimals: int, sign: bool = False) -> str:
    """A number with this many decimals and a true minus; with `sign`, a plus too. Nothing is minus zero."""
    digits = f"{abs(value):.{decimals}f}"
    if float(digits) == 0:
        return digits
    return ("−" if value < 0 else "+" if sign else "") + digits


def plain(value: float | None, decimals: int) -> Cell:
    """A number without spread; a dash for None."""
    return Cell(MISSING) if value is None else Cell(number(value, decimals), value=value)


def estimated(estimate: Estimate | None, decimals: int, bold: bool = False, star: bool = False) -> Cell:
    """A mean, and the spread if there is one; a dash for a missing number."""
    if estimate is None:
        return Cell(MISSING)
    spread = "" if estimate.std is None else f"±{number(estimate.std, decimals)}"
    return Cell(number(estimate.mean, decimals), spread, bold, star, estimate.mean)


def changed(interval: Interval | None, decimals: int) -> Cell:
    """A difference, and its interval if there is one; a star if it is significant; a dash for None.

    A decimal more than other numbers have, as differences are small; fewer where an interval is wide.
    """
    if interval is None:
        return Cell(MISSING)
    numbers = (interval.estimate, interval.low, interval.high)
    widest = max(abs(number) for number in numbers if number is not None)
    places = max(0, decimals + 2 - len(str(int(widest))))
    return Cell(
        number(interval.estimate, places, sign=True),
        bounds(interval, places),
        star=interval.significant,
        value=interval.estimate,
    )


def bounds(interval: Interval, decimals: int) -> str:
    """`[−0.6, −0.2]`; nothing where there are none."""
    if interval.low is None or interval.high is None:
        return ""
    low, high = (number(bound, decimals, sign=True) for bound in (interval.low, interval.high))
    return f"[{low}, {high}]"


def spread_note(estimates: Sequence[Estimate | None]) -> str:
    """The sentence of a caption that says what stands behind each number."""
    counts = sorted({estimate.n for estimate in estimates if estimate is not None})
    if not counts:
        return ""
    if counts == [1]:
        return "One seed a model, hence no spread."
    n = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"Mean over {n} seeds, in small print its standard deviation."


def significance_note(statistics: Statistics, seeds: Sequence[int], marked: str) -> str:
    """The sentences of a caption that say what is marked where an interval leaves out zero, and what an
    interval covers. Of a single seed nothing is marked."""
    of_recordings = (
        f"{100 * statistics.confidence:g}\N{NARROW NO-BREAK SPACE}%, {statistics.resamples:,} paired "
        "resamples of the test recordings within their actions"
    )
    if len(seeds) > 1:
        return f"{marked} Intervals: {of_recordings}, and Student's 𝑡 over seeds."
    return (
        f"One seed: intervals cover the test recordings alone ({of_recordings}), not the training, "
        "and nothing is marked as significant."
    )


def caption_notice(notice: DataNotice, missing: Sequence[str] = ()) -> str:
    """The end of a caption: that the data are synthetic, that runs are missing; nothing otherwise."""
    parts = ["Synthetic data."] if notice.synthetic else []
    if missing:
        listed = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        verb = "run is" if len(missing) == 1 else "runs are"
        parts.append(f"DRAFT: {len(missing)} {verb} missing ({listed}).")
    return " ".join(parts)


def sentences(*parts: str) -> str:
    """The parts of a caption that are there, as one text."""
    return " ".join(part for part in parts if part)
