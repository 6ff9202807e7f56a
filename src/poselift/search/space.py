"""Points of a search space: every combination of a grid, or seeded random draws; and their names."""

import itertools
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from poselift.config.search import RandomSampling, Range
from poselift.errors import PoseliftError

DIGITS = 3
"""Significant digits of a drawn number: as many as fit in a trial's name."""

Point = dict[str, Any]


def grid(values: Mapping[str, Sequence[Any]]) -> list[Point]:
    """Every combination of the keys' values; the last key varies fastest. One empty point for no keys."""
    return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]


def random_points(sampling: RandomSampling) -> list[Point]:
    """`sampling.samples` distinct points. Draw i of a key depends on the seed, i and the key alone, so more
    samples leave the earlier points as they are. Raises `PoseliftError` if the space has too few points."""
    points: dict[str, Point] = {}
    for i in range(100 * sampling.samples):
        point = {key: _draw(values, sampling.seed, i, key) for key, values in sampling.space.items()}
        points.setdefault(json.dumps(point, sort_keys=True, default=str), point)
        if len(points) == sampling.samples:
            return list(points.values())
    space = f"the space seems to have {len(points)} points"
    raise PoseliftError(f"{sampling.samples} samples, but {space}; ask for fewer")


def _draw(values: list[Any] | Range, seed: int, i: int, key: str) -> Any:
    rng = np.random.default_rng([seed, i, zlib.crc32(key.encode())])
    if isinstance(values, list):
        return values[rng.integers(len(values))]
    low, high = values.low, values.high
    if isinstance(low, int) and isinstance(high, int) and not values.log:
        return int(rng.integers(low, high, endpoint=True))
    number = float(np.exp(rng.uniform(np.log(low), np.log(high)))) if values.log else rng.uniform(low, high)
    if isinstance(low, int) and isinstance(high, int):
        return round(number)
    return min(max(significant(number), low), high)


def significant(number: float, digits: int = DIGITS) -> float:
    """`number` rounded to `digits` significant digits."""
    return float(f"{number:.{digits}g}")


def trial_name(values: Point, factors: Mapping[str, float]) -> str:
    """A trial's name says what it changes, `lr=0.0001,batch_size=64,weight_decay=x0.5`, so that more trials
    in a stage leave the others' names alone. `x` marks a factor on the value it starts from."""
    parts = [f"{key}={_word(value)}" for key, value in values.items()]
    return ",".join(parts + [f"{key}=x{_word(factor)}" for key, factor in factors.items()])


def _word(value: Any) -> str:
    """A value in a file's name: 1e-05, 64, true, full."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)
