"""Lines over frames or epochs: the mean over seeds, with the band from the lowest seed to the highest."""

from typing import Any

from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from poselift.config.card import Card


def draw_line(ax: Axes, x: ArrayLike, values: NDArray[Any], card: Card, **look: Any) -> None:
    """The mean of `values` (S, X), by seed and place, over `x` (X,); the band of several seeds."""
    ax.plot(x, values.mean(axis=0), color=card.colour, linestyle=card.line, **look)
    if values.size and len(values) > 1:
        low, high = values.min(axis=0), values.max(axis=0)
        ax.fill_between(x, low, high, color=card.colour, alpha=0.2, linewidth=0)


def note(n_seeds: int) -> str:
    """What line and band are, for the line below the figure; `n_seeds` is the largest count of a model."""
    return "line: mean over seeds, band: lowest to highest seed" if n_seeds > 1 else "a single seed: no band"
