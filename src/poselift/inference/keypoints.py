"""What a detector found: a row for each person in each frame, and the one way in which numbers get in."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

UNKNOWN = -1
"""The person of a row whose file does not tell people apart."""

LARGEST = 1e6
"""No image has so many pixels in a row: a joint beyond was not found."""

TWICE = 0.1
"""The share of rows with the number of another in their frame that is a detector's slip."""

PERCENTAGE = 10
"""Confidences of some detectors are somewhat above 1; those of this size are percentages."""


class Found(NamedTuple):
    """One person in one frame."""

    frame: int
    person: int
    points: NDArray[np.float32]
    """(J, 3): x and y in pixels, confidence from 0 to 1; a joint that was not found is 0, 0, 0"""


@dataclass(frozen=True)
class Keypoints:
    """What a file holds, in the order of frames; N rows."""

    frame: NDArray[np.int64]
    person: NDArray[np.int64]
    points: NDArray[np.float32]
    """(N, J, 3), as in `Found`"""
    layout: str | None = None
    """where the file makes it certain"""
    size: tuple[int, int] | None = None
    """width and height of the images, px"""
    fps: float | None = None


def whole(value: Any, what: str) -> int:
    """A number from a file that has to be whole and not negative. Raises `ValueError`."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = -1
    if number < 0 or (number != value and not isinstance(value, str)):
        raise ValueError(f"{what} {value!r} is not a whole number of at least 0")
    if number >= 2**53:
        raise ValueError(f"{what} {value!r} is too large, expected below 2**53")
    return number


def as_points(positions: ArrayLike, confidence: ArrayLike | None = None) -> NDArray[np.float32]:
    """Keypoints (..., J, 3) from x, y (..., J, 2) and confidences (..., J), or from both in one (..., J, 3).

    Confidences are cut to 0 ... 1; without any, a joint that has a place was found. One that is at exactly
    0, 0, not finite or out of every image was not. Raises `ValueError` for other shapes and for percentages.
    """
    given = np.array(positions, dtype=np.float64)
    if given.ndim < 2 or given.shape[-1] not in (2, 3):
        raise ValueError(f"keypoints of shape {given.shape}, expected x, y or x, y, confidence of each joint")
    if confidence is None:
        confidence = given[..., 2] if given.shape[-1] == 3 else np.ones(given.shape[:-1])
    sure = np.array(confidence, dtype=np.float64)
    if sure.shape != given.shape[:-1]:
        raise ValueError(f"{sure.shape} confidences for keypoints of shape {given.shape}")
    counted = sure[(sure > 0) & (sure < LARGEST)]
    if counted.size and np.median(counted) > PERCENTAGE:
        around = f"confidences around {np.median(counted):.3g}"
        raise ValueError(f"{around}, expected 0 to 1; divide percentages by 100")
    points = np.concatenate([given[..., :2], sure[..., None]], axis=-1)
    found = (np.abs(points) < LARGEST).all(axis=-1) & (points[..., :2] != 0).any(axis=-1)
    points[~found | ~(sure > 0)] = 0
    points[..., 2] = np.minimum(points[..., 2], 1)
    return points.astype(np.float32)


def gather(rows: Iterable[Found], **about: Any) -> Keypoints:
    """All rows, ordered by frame; of a person who is in a frame twice, the surer. Where that is so of more
    than `TWICE` of the rows the numbers tell nobody apart. Raises `ValueError` if there is no row or if they
    differ in their joints."""
    listed = list(rows)
    if not listed:
        raise ValueError("no person in it")
    counts = sorted({len(row.points) for row in listed})
    if len(counts) > 1:
        raise ValueError(f"people of {counts[0]} and of {counts[-1]} joints")
    frame, person = (np.array(column, dtype=np.int64) for column in list(zip(*listed, strict=True))[:2])
    points = np.stack([row.points for row in listed])
    order = np.lexsort((-points[..., 2].sum(axis=1), person, frame))
    frame, person, points = frame[order], person[order], points[order]
    again = (np.diff(frame, prepend=-1) == 0) & (np.diff(person, prepend=-2) == 0) & (person != UNKNOWN)
    if again.mean() > TWICE:
        return Keypoints(frame, np.full_like(person, UNKNOWN), points, **about)
    return Keypoints(frame[~again], person[~again], points[~again], **about)
