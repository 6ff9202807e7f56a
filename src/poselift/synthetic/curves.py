"""Curves in time that motion is made of: minimum-jerk moves, band-limited noise, a smooth lower envelope."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FPS = 50


def minimum_jerk(
    t: Array, starts: Array, durations: Array, values: Array
) -> tuple[Array, Array, NDArray[np.intp]]:
    """Rest at `values[k]`, and from `starts[k]` on move to `values[k + 1]`: rest to rest with the least jerk.

    Times (T,) and K moves (K,) in seconds and values (K + 1, C) give the curve (T, C), and of the latest move
    its progress 0..1 (T,) and its number (T,). There is at least one move; moves are in order and do not
    overlap. Flash and Hogan, J. Neurosci. 5(7), 1985, eq. 3.
    """
    latest = np.maximum(np.searchsorted(starts, t, side="right") - 1, 0)
    progress = np.clip((t - starts[latest]) / durations[latest], 0, 1)
    share = progress**3 * (10 - 15 * progress + 6 * progress**2)
    return values[latest] + share[:, None] * (values[latest + 1] - values[latest]), progress, latest


def noise(rng: np.random.Generator, t: Array, band: tuple[float, float], channels: int) -> Array:
    """Noise of unit variance in a `band` of frequencies (Hz), its amplitude falling as 1/f; (T, channels)."""
    frequency = band[0] * (band[1] / band[0]) ** rng.random((8, channels))
    phase = rng.uniform(0, 2 * np.pi, (8, channels))
    weight = 1 / frequency
    weight *= np.sqrt(2 / (weight**2).sum(0))
    return (weight * np.sin(2 * np.pi * frequency * t[:, None, None] + phase)).sum(1)


def smooth_below(x: Array, width: int) -> Array:
    """A smooth curve that nowhere exceeds x (T,): the minimum over 4 * `width` + 1 frames, averaged twice."""
    # whatever is averaged into a frame is a minimum over a window with that frame in it, so never above x
    padded = np.pad(x, 2 * width, mode="edge")
    curve = np.lib.stride_tricks.sliding_window_view(padded, 4 * width + 1).min(-1)
    average = np.full(2 * width + 1, 1 / (2 * width + 1))
    for _ in range(2):
        curve = np.convolve(np.pad(curve, width, mode="edge"), average, mode="valid")
    return curve
