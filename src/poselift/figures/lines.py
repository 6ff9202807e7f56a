"""Lines over frames or epochs: the mean over seeds with a band around it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from poselift.config.card import Card

Ends = Callable[[NDArray[Any]], NDArray[Any] | None]
"""The lower and upper ends (2, X) of a band, by the values (S, X) of several seeds; None for no band."""


def seed_range(values: NDArray[Any]) -> NDArray[Any] | None:
    """From the lowest seed to the highest."""
    return np.stack([values.min(axis=0), values.max(axis=0)]) if len(values) > 1 else None


def draw_line(
    ax: Axes, x: ArrayLike, values: NDArray[Any], card: Card, ends: Ends = seed_range, **look: Any
) -> None:
    """The mean of `values` (S, X), by seed and place, over `x` (X,); the band of several seeds."""
    ax.plot(x, values.mean(axis=0), color=card.colour, linestyle=card.line, **look)
    band = ends(values) if values.size else None
    if band is not None:
        ax.fill_between(x, *band, color=card.colour, alpha=0.2, linewidth=0)


def note(n_seeds: int) -> str:
    """What line and band are, for the line below the figure; `n_seeds` is the largest count of a model."""
    return "line: mean over seeds, band: lowest to highest seed" if n_seeds > 1 else "a single seed: no band"
