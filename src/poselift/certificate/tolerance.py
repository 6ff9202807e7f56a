"""How far what is made again may lie from what the paper states, by its kind.

On the machine that built the paper nothing differs. On another, sums are formed in another order, and the
last digit that is printed can be another; what is counted cannot.
"""

import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

POINTS = 0.5
"""How far a point of a figure may lie from where it was, in points of 1/72 inch."""

_LAST = "numbers within one in the last decimal that is printed; words and whole numbers exactly"
TOLERANCES = {
    "Numbers": _LAST,
    "Table cells": _LAST,
    "Claims": _LAST,
    "Captions": _LAST,
    "Figures": f"places within {POINTS:g} pt; words, colours and what is drawn exactly",
}
"""The tolerances in words, by the kinds of `poselift.comparison.builds`."""

_NUMBER = re.compile(r"[-−]?\d+(?:\.(\d+))?")
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_OPERAND = re.compile(rb"[-+]?(?:\d+\.?\d*|\.\d+)")
_PLACED = frozenset(b"m l c v y re cm Td TD Tm".split())
"""Operators of PDF whose operands are places and lengths."""

Drawn = tuple[bytes, list[bytes]]
"""An operator of PDF with its operands."""


def close(old: str, new: str) -> bool:
    """Whether two texts are the same but for the last decimal of numbers in them."""
    numbers = [list(_NUMBER.finditer(text)) for text in (old, new)]
    return _NUMBER.sub("#", old) == _NUMBER.sub("#", new) and all(map(_one_apart, *numbers))


def _one_apart(old: re.Match[str], new: re.Match[str]) -> bool:
    decimals = [len(number[1] or "") for number in (old, new)]
    apart = abs(Decimal(old[0].replace("−", "-")) - Decimal(new[0].replace("−", "-")))
    return decimals[0] == decimals[1] and apart <= (Decimal(10) ** -decimals[0] if decimals[0] else 0)


def drawn_alike(old: Path, new: Path) -> bool:
    """Whether two PDFs draw the same, at places that are at most `POINTS` apart."""
    drawings = [list(_drawn(path.read_bytes())) for path in (old, new)]
    return 0 < len(drawings[0]) == len(drawings[1]) and all(map(_near, *drawings))


def _near(old: Drawn, new: Drawn) -> bool:
    (operator, before), (other, after) = old, new
    if operator not in _PLACED or len(before) != len(after):
        return old == new
    return operator == other and all(
        abs(float(a) - float(b)) <= POINTS for a, b in zip(before, after, strict=True)
    )


def _drawn(pdf: bytes) -> Iterator[Drawn]:
    """Each operator, or other word, in the streams of a PDF with the numbers before it."""
    for stream in _STREAM.findall(pdf):
        content, operands = stream, []
        with suppress(zlib.error):  # not compressed
            content = zlib.decompress(stream)
        for word in (*content.split(), b"end"):
            if _OPERAND.fullmatch(word):
                operands.append(word)
            else:
                yield word, operands
                operands = []
