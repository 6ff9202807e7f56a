"""Numbers as they stand in a sentence."""

from collections.abc import Iterable
from typing import Any

from poselift.analysis.results import Estimate
from poselift.evaluation.statistics import Interval
from poselift.latex import MISSING, Tex, escape
from poselift.tables.latex import fixed


def with_spread(estimate: Estimate | None, decimals: int, sign: bool = False) -> Tex:
    """The mean, and the standard deviation if there are several seeds; a dash for a missing number."""
    if estimate is None:
        return MISSING
    mean = fixed(estimate.mean, decimals, sign)
    return (
        mean if estimate.std is None else Tex(rf"{mean}\ensuremath{{\,\pm\,}}{fixed(estimate.std, decimals)}")
    )


def plain(value: Any) -> Tex:
    """A setting or a count as text: 17,748; 0.99; 5 x 10^-4."""
    if isinstance(value, int):
        return Tex(f"{value:,}")
    if isinstance(value, float):
        if value and not 1e-3 <= abs(value) < 1e6:
            digits, exponent = f"{value:e}".split("e")
            return Tex(rf"\ensuremath{{{float(digits):g}\times 10^{{{int(exponent)}}}}}")
        return Tex(f"{value:g}")
    return escape(str(value))


def of_all(values: Iterable[Any]) -> Tex:
    """The value that all share, or the range of the values; a dash where there is none."""
    distinct = sorted(set(values))
    if not distinct:
        return MISSING
    if len(distinct) == 1:
        return plain(distinct[0])
    return Tex(f"{plain(distinct[0])} to {plain(distinct[-1])}")


def counted(number: Tex, noun: str) -> Tex:
    """`1 seed`, `3 seeds`, `2 entries`."""
    plural = noun.removesuffix("y") + "ies" if noun.endswith("y") else f"{noun}s"
    return Tex(f"{number} {noun if number == '1' else plural}")


def verdict(interval: Interval | None) -> Tex:
    """Whether a difference is significant; `not tested` with one seed or without runs."""
    if interval is None or interval.low is None or interval.seeds < 2:
        return Tex("not tested")
    return Tex("significant" if interval.significant else "not significant")
