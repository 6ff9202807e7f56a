"""Dot plots of errors: the mean over seeds with its interval, models of one row side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from poselift.analysis.view import View
from poselift.config.card import Card
from poselift.evaluation.statistics import seed_interval
from poselift.figures.style import MUTED, Look

Ends = tuple[float, float]
"""The ends of an interval."""

Row = tuple[float, pd.Series | list[float], Ends | None]
"""A height, the points drawn there, and their interval."""

CUT = " (arrow: goes on)"

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


def draw_row(
    ax: Axes, y: float, errors: Mapping[str, pd.Series], view: View, seeds: bool = False
) -> list[Row]:
    """The models of one row side by side around `y`: the mean over seeds with Student's t interval, none for
    a single seed. With `seeds` a small mark for each too, and a word where there is no run."""
    rows: list[Row] = []
    for number, (architecture, values) in enumerate(errors.items()):
        at = y + (number - (len(errors) - 1) / 2) * _STEP
        card, ends = view.card(architecture), seed_interval(values, view.statistics.confidence)
        if seeds and values.empty:
            write_missing(ax, at)
        if seeds:
            look: Look = {"color": card.colour, "alpha": 0.6, "markersize": 4.5, "markeredgewidth": 0.8}
            ax.plot(values, np.full(len(values), at), "|", **look)
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


def write_missing(ax: Axes, y: float) -> None:
    """Say at height `y` that there is no run."""
    ax.text(0.02, y, "missing", transform=ax.get_yaxis_transform(), fontsize=7, color=MUTED, va="center")


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


def note(n_seeds: int, confidence: float, cut: bool) -> str:
    """What marker and bar are, for the line below the figure; `n_seeds` is the largest count of a model."""
    if n_seeds < 2:
        return "a single seed: no interval"
    return f"marker: mean over seeds, bar: its {100 * confidence:g} % t interval" + (CUT if cut else "")
