"""How figures draw the difference of the errors of two models, and what they say of its bar."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from poselift.analysis.intervals import Pair
from poselift.analysis.results import per_seed
from poselift.config.card import Card
from poselift.evaluation.statistics import Interval
from poselift.figures.dots import CUT, TWO, Row, draw_estimate, draw_seeds, two_seeds, write_missing


def draw_change(
    ax: Axes, y: float, results: pd.DataFrame, pair: Pair, change: Interval | None, card: Card, filled: bool
) -> list[Row]:
    """The `change` of the MPJPE after the last epoch from the second model of a pair to the first, at height
    `y`; of two seeds a small mark each in place of the interval, and a word where there is no run."""
    if change is None:
        write_missing(ax, y)
        return []
    ends = None if change.low is None or change.high is None else (change.low, change.high)
    rows: list[Row] = []
    if change.seeds == TWO:
        model, base = (per_seed(results, *each[:2], "mpjpe", "last", variant=each.variant) for each in pair)
        by_seed, ends = (model - base).dropna(), None
        draw_seeds(ax, by_seed, y, card)
        rows.append((y, by_seed, None))
    draw_estimate(ax, change.estimate, ends, y, card, filled)
    return [*rows, (y, [change.estimate], ends)]


def note_on_changes(changes: Sequence[Interval], confidence: float, markers: str, cut: bool = False) -> str:
    """What bars, ticks and `markers` of changes are, for the line below the figure."""
    if not changes:
        return ""
    bar, arrow = f"bar: {100 * confidence:g} % interval", CUT if cut else ""
    if all(change.seeds < TWO for change in changes):
        return f"{bar} over recordings{arrow}\na single seed: no interval over seeds"
    paired = f"{bar}, paired by recording and seed{arrow}"
    if all(change.seeds == TWO for change in changes):
        paired = two_seeds(confidence)
    return f"{paired}\n{markers}"
