"""Dot plots of errors: the mean over seeds with its interval, models of one row side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike
from scipy import stats

from poselift.analysis.view import View
from poselift.config.card import Card
from poselift.evaluation.statistics import seed_interval
from poselift.figures.style import MUTED, Look

Ends = tuple[float, float]
"""The ends of an interval."""

Row = tuple[float, pd.Series | list[float], Ends | None]
"""A height, the points drawn there, and their interval."""

CUT = " (arrow: goes on)"

TWO = 2
"""So many seeds have marks and no interval, which with one degree of freedom would hide everything else."""

_STEP = 0.24
"""Distance between the models of one row."""

_ROOM = 0.35
"""How far beyond the points an axis reaches for the sake of intervals, as a share of the points' range."""


def draw_estimate(
    ax: Axes, mean: float, ends: Ends | None, y: float, card: Card, filled: bool = True
) -> None:
    """A marker for the mean at height `y`, with the bar of its interval if it has one."""
    bar = None if ends is None else [[mean - ends[0]], [ends[1] - mean]]
    look: Look = {"markerfacecolor": card.colour if filled else "white", "markersize": 3.6, "elinewidth": 0.9}
    ax.errorbar(mean, y, xerr=bar, fmt=card.marker, color=card.colour, zorder=3, **look)


def draw_seeds(ax: Axes, values: ArrayLike, y: float, card: Card) -> None:
    """A small mark at height `y` for the value of each seed."""
    look: Look = {"color": card.colour, "alpha": 0.6, "markersize": 4.5, "markeredgewidth": 0.8}
    ax.plot(values, np.full(np.size(values), y), "|", **look)


def draw_row(
    ax: Axes, y: float, errors: Mapping[str, pd.Series], view: View, seeds: bool = False
) -> list[Row]:
    """The models of one row side by side around `y`: the mean over seeds with Student's t interval; for two
    seeds a small mark for each instead, for one neither. With `seeds` there are marks in any case, and a word
    where there is no run."""
    rows: list[Row] = []
    for number, (architecture, values) in enumerate(errors.items()):
        at = y + (number - (len(errors) - 1) / 2) * _STEP
        card = view.card(architecture)
        ends = seed_interval(values, view.statistics.confidence) if len(values) != TWO else None
        if seeds and values.empty:
            write_missing(ax, at)
        if seeds or len(values) == TWO:
            draw_seeds(ax, values, at, card)
        if not values.empty:
            draw_estimate(ax, values.mean(), ends, at, card)
        rows.append((at, values, ends))
    return rows


def name_rows(ax: Axes, at: ArrayLike, labels: Sequence[str], ends: Ends) -> None:
    """Name the rows at these heights, the first at the top, of an axis with these lower and upper ends."""
    ax.set_yticks(at, labels)
    ax.set_ylim(*ends)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")


def write_instead(ax: Axes, text: str) -> None:
    """Say in place of a drawing why there is none."""
    ax.clear()
    ax.set_axis_off()
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=MUTED)


def write_missing(ax: Axes, y: float) -> None:
    """Say at height `y` that there is no run."""
    look: Look = {"bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.5}}  # over lines behind it
    at_left = ax.get_yaxis_transform()
    ax.text(0.02, y, "missing", transform=at_left, fontsize=7, color=MUTED, va="center", **look)


def fit(ax: Axes, rows: Sequence[Row]) -> bool:
    """Scale the error axis to the rows' points, and to the intervals as far as these let the points be seen.

    With two seeds an interval can be ten times as wide as their distance; where one is cut off an arrow says
    so. True if there is one.
    """
    points = np.concatenate([np.zeros(0), *(np.asarray(of_row, dtype=float) for _, of_row, _ in rows)])
    if not len(points):
        ax.set_xticks([])
        return False
    bars = [(y, ends) for y, _, ends in rows if ends]
    low, high = points.min(), points.max()
    room = _ROOM * (high - low) or 0.05 * abs(high)
    low = max(low - room, min([low, *(ends[0] for _, ends in bars)]))
    high = min(high + room, max([high, *(ends[1] for _, ends in bars)]))
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    ax.set_xlim(low - margin, high + margin)
    arrows = [(y, 0.015, "<") for y, ends in bars if ends[0] < low - margin]
    arrows += [(y, 0.985, ">") for y, ends in bars if ends[1] > high + margin]
    for y, edge, arrow in arrows:
        ax.plot(edge, y, arrow, transform=ax.get_yaxis_transform(), color=MUTED, markersize=2.5)
    return bool(arrows)


def two_seeds(confidence: float) -> str:
    """Why two seeds have no interval, for the line below a figure."""
    times = stats.t.ppf((1 + confidence) / 2, 1)
    why = f"it would be {times:.0f} times as wide as they lie apart"
    return f"ticks: the two seeds\nno {100 * confidence:g} % interval: {why}"


def note(n_seeds: int, confidence: float, cut: bool, seeds: bool = False) -> str:
    """What markers, ticks and bars are, for the line below the figure; `n_seeds` is the largest count of a
    model, `seeds` as for `draw_row`."""
    if n_seeds < TWO:
        return "a single seed: no interval"
    if n_seeds == TWO:
        return f"marker: mean over seeds, {two_seeds(confidence)}"
    bar = f"marker: mean over seeds, bar: its {100 * confidence:g} % t interval" + (CUT if cut else "")
    return f"ticks: seeds\n{bar}" if seeds else bar
