"""Poses for tracks of any length, from a model of clips of one length."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poselift.skeleton import MIRROR, ROOT

Array = NDArray[np.float32]

AT_A_TIME = 243
"""Frames in the windows of one pass, or one window: its activations stay in a processor's cache, and memory
does not grow with the track."""

OVERLAP = 30

SHORT = 9
"""In a clip of so few frames the error depends on the place more than people move from frame to frame."""


class Lifter(NamedTuple):
    """A model, however it is run."""

    run: Callable[[Array], Array]
    """clips (B, n, 17, 3): x, y, confidence, normalised -> poses (B, n, 17, 3), normalised"""
    n_frames: int
    confident: bool = False
    """whether it has learned from 2D with confidence 1 alone"""
    mm: float | None = None
    """mm that a unit of its poses stands for; None: half the width of the image"""


class View(NamedTuple):
    """What of the image counts as the image when keypoints are normalised."""

    half: float
    """half the width, px"""
    centre: tuple[float, float] | None
    """px; None: each window's own, in the middle of the person"""


def image_view(size: tuple[int, int]) -> View:
    """The whole image, of width and height `size`: the normalisation that models are trained with."""
    return View(size[0] / 2, (size[0] / 2, size[1] / 2))


def usual_overlap(n: int) -> int:
    """How many frames windows of `n` share by default: all but one where they are short, so that each frame
    is the mean over all places."""
    return n - 1 if n <= SHORT else min(OVERLAP, n // 2)


def window_starts(length: int, n: int, overlap: int) -> NDArray[np.int64]:
    """Where windows of `n` frames begin that cover `length` >= n frames and share at least `overlap`."""
    count = -(-(length - n) // (n - overlap)) + 1
    return np.rint(np.linspace(0, length - n, count)).astype(np.int64)


def flip_averaged(lifter: Lifter, clips: Array) -> Array:
    """The mean of the poses for clips (B, n, 17, 3) and those for their mirror image, as in the protocol."""

    def mirrored(poses: Array) -> Array:
        return np.multiply(poses[..., MIRROR, :], [-1, 1, 1], dtype=np.float32)

    poses, of_mirror = np.split(lifter.run(np.concatenate([clips, mirrored(clips)])), 2)
    return np.divide(poses + mirrored(of_mirror), 2, dtype=np.float32)


def normalised(points: NDArray[np.float64], view: View, least: float, confident: bool) -> Array:
    """What a model is given for clips (B, n, 17, 3) in px. No model has seen a confidence of 0, which
    interpolated joints have: it becomes `least`."""
    places, centre = points[..., :2], np.array(view.centre)
    if view.centre is None:  # the middle of the person, on the mean of the frames
        box = places.max(axis=2, keepdims=True) + places.min(axis=2, keepdims=True)
        centre = box.mean(axis=1, keepdims=True) / 2
    out = np.empty(points.shape, dtype=np.float32)
    out[..., :2] = (places - centre) / view.half
    out[..., 2] = 1 if confident else np.maximum(points[..., 2], least)
    return out


def lift(lifter: Lifter, points: NDArray[np.float64], view: View, least: float, overlap: int) -> Array:
    """Poses (T, 17, 3) relative to the root, in px, or in mm if the model's are, for keypoints (T, 17, 3) in
    px: x right, y down, z away.

    Where windows overlap their poses are averaged, each with a weight (Hann's window) that rises from zero
    with slope zero: neither place nor velocity jumps where one begins. A track shorter than a window is
    extended by its first and last frame.
    """
    length, n = len(points), lifter.n_frames
    before = max(0, n - length) // 2
    padded = np.pad(points, ((before, max(0, n - length) - before), (0, 0), (0, 0)), mode="edge")
    weight = (np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2).astype(np.float32)[:, None, None]
    total, weights = np.zeros(padded.shape, dtype=np.float32), np.zeros((len(padded), 1, 1), dtype=np.float32)
    starts = window_starts(len(padded), n, overlap)
    several = max(1, AT_A_TIME // n)
    for batch in np.split(starts, range(several, len(starts), several)):
        clips = normalised(padded[batch[:, None] + np.arange(n)], view, least, lifter.confident)
        for start, pose in zip(batch, flip_averaged(lifter, clips), strict=True):
            total[start : start + n] += weight * pose
            weights[start : start + n] += weight
    out = (total / weights)[before : before + length] * np.float32(lifter.mm or view.half)
    out[:, ROOT] = 0
    return out
