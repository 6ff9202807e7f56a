"""Numbers, settings and verdicts as they stand in a sentence, in plain Unicode; templates escape it."""

from collections.abc import Iterable, Sequence
from typing import Any

from poselift.analysis.results import Estimate
from poselift.evaluation.statistics import Interval
from poselift.tables.table import MISSING, bounds, number

Numbers = dict[str, str]
"""Text by key."""

NEXT_AUTHOR = r" \nextauthor "
"""What stands between two authors; each style of the paper defines it."""

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def fixed(value: float | None, decimals: int, sign: bool = False) -> str:
    """A number with this many decimals; a dash for None."""
    return MISSING if value is None else number(value, decimals, sign)


def with_spread(estimate: Estimate | None, decimals: int, sign: bool = False) -> str:
    """`41.2 ± 0.3`: the mean, and the standard deviation over several seeds; a dash for None."""
    if estimate is None:
        return MISSING
    parts = [number(estimate.mean, decimals, sign)]
    parts += ["±", number(estimate.std, decimals)] if estimate.std is not None else []
    return "\N{NARROW NO-BREAK SPACE}".join(parts)


def setting(value: Any) -> str:
    """A setting or a count: 17,748; 0.99; 5 × 10⁻⁴."""
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return str(value)
    if not value or 1e-3 <= abs(value) < 1e6:
        return f"{value:g}"
    digits, exponent = f"{value:e}".split("e")
    power = f"10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    return "\N{NARROW NO-BREAK SPACE}".join((f"{float(digits):g}", "×", power))


def of_all(values: Iterable[Any]) -> str:
    """The value that all share, or the range of the values; a dash where there is none."""
    distinct = sorted(set(values))
    ends = dict.fromkeys((*distinct[:1], *distinct[-1:]))
    return " to ".join(map(setting, ends)) or MISSING


def counted(number: str, noun: str) -> str:
    """`1 seed`, `3 seeds`, `2 entries`."""
    plural = noun.removesuffix("y") + "ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun if number == '1' else plural}"


def listing(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`; a dash for none."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:]))) or MISSING


def with_interval(key: str, interval: Interval | None, decimals: int, sign: bool = False) -> dict[str, str]:
    """A number and its interval."""
    return {
        key: fixed(interval.estimate if interval else None, decimals, sign),
        f"{key}.interval": (bounds(interval, decimals, sign) if interval else "") or MISSING,
    }
