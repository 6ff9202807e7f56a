"""How figures draw the differences of the errors of two models, a row each, and what they say of the bars."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes

from poselift.analysis.intervals import Pair
from poselift.analysis.results import per_seed
from poselift.config.card import Card
from poselift.evaluation.statistics import Interval
from poselift.figures import dots
from poselift.figures.dots import TWO, Row
from poselift.figures.style import INK


class Change(NamedTuple):
    """The difference of the MPJPE of a pair of models after the last epoch, None where a run is missing."""

    label: str
    pair: Pair
    interval: Interval | None
    card: Card
    filled: bool = False


def n_lines(changes: Sequence[Change]) -> int:
    """How many lines the labels have: rows are as high as theirs, so that none runs into the next."""
    return sum(each.label.count("\n") + 1 for each in changes)


def draw_changes(
    ax: Axes, changes: Sequence[Change], results: pd.DataFrame, without: str, whole: bool = False
) -> bool:
    """A row per change, the first at the top, to the right of zero where the first of its models is worse;
    the words `without` if there is none. Whether an interval is cut off, which none is that is to be `whole`.
    """
    if not changes:
        dots.write_instead(ax, without)
        return False
    heights = [n_lines(changes[:i]) + n_lines([each]) / 2 for i, each in enumerate(changes)]
    rows: list[Row] = [(0.0, [0.0], None)]
    for y, each in zip(heights, changes, strict=True):
        rows += _draw_change(ax, y, each, results)
    if whole:
        rows = [(y, [*points, *(ends or ())], None) for y, points, ends in rows]
    cut = dots.fit(ax, rows)
    ax.axvline(0, color=INK, linewidth=0.6, zorder=1)
    dots.name_rows(ax, heights, [each.label for each in changes], (n_lines(changes), 0))
    return cut


def _draw_change(ax: Axes, y: float, change: Change, results: pd.DataFrame) -> list[Row]:
    """The marker and the bar at height `y`; of two seeds a small mark each in place of the bar, and a word
    where there is no run."""
    found, card = change.interval, change.card
    if found is None:
        dots.write_missing(ax, y)
        return []
    ends = None if found.low is None or found.high is None else (found.low, found.high)
    rows: list[Row] = []
    if found.seeds == TWO:
        both = (per_seed(results, *each[:2], "mpjpe", "last", variant=each.variant) for each in change.pair)
        model, base = both
        by_seed, ends = (model - base).dropna(), None
        dots.draw_seeds(ax, by_seed, y, card)
        rows.append((y, by_seed, None))
    dots.draw_estimate(ax, found.estimate, ends, y, card, change.filled)
    return [*rows, (y, [found.estimate], ends)]


def note_on_changes(changes: Sequence[Change], confidence: float, markers: str, cut: bool = False) -> str:
    """What bars, ticks and `markers` of changes are, for the line below the figure."""
    seeds = [each.interval.seeds for each in changes if each.interval]
    bar, arrow = f"bar: {100 * confidence:g} % interval", dots.CUT if cut else ""
    if not seeds:
        return ""
    if max(seeds) < TWO:
        return f"{bar} over recordings{arrow}\na single seed: no interval over seeds"
    paired = f"{bar}, paired by recording and seed{arrow}"
    return f"{dots.two_seeds(confidence) if set(seeds) == {TWO} else paired}\n{markers}"
