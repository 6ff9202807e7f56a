"""Dot plots of errors: the mean over seeds with its interval, models of one row side by side."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from poselift.config.card import Card
from poselift.evaluation.statistics import seed_interval
from poselift.figures.style import MUTED

Ends = tuple[float, float]
"""The ends of an interval."""

Row = tuple[float, ArrayLike, Ends | None]
"""A height, the points drawn there, and their interval."""

CUT = " (arrow: goes on)"

_ROOM = 0.35
"""How far beyond the points an axis reaches for the sake of intervals, as a share of the points' range."""


def offsets(n: int, step: float = 0.24) -> NDArray[np.floating]:
    """Where the n models of one row stand, centred on the row."""
    return (np.arange(n) - (n - 1) / 2) * step


def draw_estimate(
    ax: Axes, mean: float, ends: Ends | None, y: float, colour: str, marker: str, filled: bool = True
) -> None:
    """A marker for the mean at height `y`, with the bar of its interval if it has one."""
    ax.errorbar(
        mean,
        y,
        xerr=None if ends is None else [[mean - ends[0]], [ends[1] - mean]],
        fmt=marker,
        color=colour,
        markerfacecolor=colour if filled else "white",
        markersize=3.6,
        elinewidth=0.9,
        zorder=3,
    )


def draw_model(ax: Axes, values: pd.Series, y: float, card: Card, confidence: float) -> None:
    """The mean over seeds with Student's t interval; nothing without a run, no bar for a single seed."""
    if not values.empty:
        draw_estimate(ax, values.mean(), seed_interval(values, confidence), y, card.colour, card.marker)


def draw_seeds(ax: Axes, values: pd.Series, y: float, card: Card) -> None:
    """A small mark for each seed at height `y`."""
    ax.plot(
        values,
        np.full(len(values), y),
        linestyle="",
        marker="|",
        color=card.colour,
        alpha=0.6,
        markersize=4.5,
        markeredgewidth=0.8,
    )


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


def percent(confidence: float) -> str:
    """A confidence level for a sentence."""
    return f"{100 * confidence:g} %"


def note(n_seeds: int, confidence: float, cut: bool) -> str:
    """What marker and bar are, for the line below the figure; `n_seeds` is the largest count of a model."""
    if n_seeds < 2:
        return "a single seed: no interval"
    return f"marker: mean over seeds, bar: its {percent(confidence)} t interval" + (CUT if cut else "")
