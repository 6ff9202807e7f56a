"""What a table shows, whatever its form: LaTeX (`poselift.tables.latex`), HTML (`poselift.report.html`).

All text is plain Unicode: a true minus (−), narrow spaces before units, mathematical italic letters (𝑡) for
what is set in italics. Presentations escape it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from poselift.analysis.results import Estimate
from poselift.analysis.view import Grid
from poselift.evaluation.statistics import Interval

MISSING = "–"
"""The dash of a missing number."""

Kind = Literal["text", "number", "spread"]
"""What a column holds: text, numbers, or numbers with their spread or interval in small print."""


@dataclass(frozen=True)
class Cell:
    """One cell of a row: text, or a number with its spread or interval in small print."""

    text: str = ""
    small: str = ""
    bold: bool = False
    star: bool = False
    value: float | None = None
    """the number behind the text, unrounded"""
    cite: str | None = None
    """key of the bibliography"""
    span: int = 1
    """columns that the text may run over; no cells stand for those behind the first"""


Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Column:
    """A column; `group` is what its heading and those beside it have in common."""

    heading: str
    group: str = ""
    kind: Kind = "spread"


@dataclass(frozen=True)
class Block:
    """Rows that belong together under a title."""

    rows: tuple[Row, ...]
    title: str = ""


@dataclass(frozen=True)
class Table:
    """A table. `titles` is the heading of its blocks' titles, empty if they have none. Rows may be shorter
    than `columns`. `notice` is the bold part of the caption. `make` gives it its name."""

    title: str
    caption: str
    notice: str
    columns: tuple[Column, ...]
    blocks: tuple[Block, ...]
    titles: str = ""
    name: str = ""


@dataclass(frozen=True)
class Layout:
    """How LaTeX sets a table: over one or both columns of the page, how far apart its columns are, the titles
    of its blocks in a column of their own or as rows. `widths`, as shares of the text's, are those of columns
    whose text runs over several lines."""

    wide: bool = False
    separation: str = ""
    titles: Literal["column", "row"] = "column"
    widths: tuple[float, ...] = ()


def columns(kind: Kind, *headings: str, group: str = "") -> list[Column]:
    """Columns of one kind."""
    return [Column(heading, group, kind) for heading in headings]


def by_size(grid: Grid, row: Callable[[str, str], Row]) -> list[Block]:
    """A block per size of the grid, titled by it, with the `row` of each architecture in that size."""
    return [Block(tuple(row(name, size) for name in grid.architectures), size) for size in grid.sizes]


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


def changed(interval: Interval | None, decimals: int, star: bool = False) -> Cell:
    """A difference, and its interval if there is one; a dash for None.

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
        star=star,
        value=interval.estimate,
    )


def bounds(interval: Interval, decimals: int, sign: bool = True) -> str:
    """`[−0.6, +0.2]`; nothing where there are none."""
    if interval.low is None or interval.high is None:
        return ""
    low, high = (number(bound, decimals, sign) for bound in (interval.low, interval.high))
    return f"[{low}, {high}]"
