"""What looks wrong with keypoints, in words: another layout than was said, or not like the training's."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from poselift.errors import PoseliftError
from poselift.inference.lifting import Array, Lifter, View, normalised
from poselift.inference.tracks import Track, body_size
from poselift.skeleton import BONES

Known = dict[str, tuple[float, float]]
"""The range of each of the measures over training clips."""

MEASURES = {
    "size": "the person is {} times the image's half width tall; --crop gives the model a fitting part",
    "confidence": "the mean confidence is {}",
    "motion": "joints move by {} of the body's size per frame; has the video another frame rate?",
}

HEAD, HIP, FEET = 10, 0, (3, 6)

LENGTHS = np.array([130, 440, 450] * 2 + [230, 250, 120, 120] + [150, 280, 250] * 2) / 4420
"""Grown people's bones in the order of `BONES`, as shares of their sum."""

APART = 0.35
"""Sum of the differences to `LENGTHS` that keypoints of the right layout stay below."""

NORMALISED = 2
"""Coordinates that are shares of the image, from 0 or -1 to 1, are no larger, but for strays; pixels are."""

STRAY = 0.1
"""The share of joints that a detector puts anywhere."""

FAR = 1
"""Joints at this distance from the middle of the image, in its sides, are half an image outside."""

MOSTLY_FAR = 0.05
"""The share of joints so far out that single false detections stay below."""

MOSTLY_INSIDE = 0.1
"""The share of joints outside of the image, of people whom its edge cuts off, that is not strange."""


def measured(clips: Array) -> dict[str, NDArray[np.floating]]:
    """The measures of normalised clips (B, n, 17, 3), (B,) each: size of the person (the median over the
    frames), mean confidence, and how far joints move against the root from frame to frame, in body sizes."""
    size = np.maximum(np.median(body_size(clips), axis=1), 1e-6)
    places = clips[..., :2] - clips[..., :1, :2]
    steps = np.linalg.norm(np.diff(places, axis=1), axis=-1)
    return {
        "size": size,
        "confidence": clips[..., 2].mean(axis=(1, 2)),
        "motion": steps.mean(axis=(1, 2)) / size,
    }


def unfamiliar(track: Track, lifter: Lifter, view: View, least: float, known: Known) -> Iterator[str]:
    """What of a track lies outside of what the model has learned from."""
    n = lifter.n_frames
    starts = np.arange(max(1, len(track.points) // n)) * n
    clips = track.points[np.minimum(starts[:, None] + np.arange(n), len(track.points) - 1)]
    values = measured(normalised(clips, view, least, lifter.confident))
    for name, (low, high) in known.items():
        if name == "motion" and len(track.points) == 1:
            continue
        value = float(np.median(values[name]))
        if not low <= value <= high:
            yield f"{MEASURES[name].format(f'{value:.2g}')} (training: {low:.2g} to {high:.2g})"


def require_pixels(points: NDArray[np.floating]) -> None:
    """Raise `PoseliftError` if the joints (..., 3) that were found are at shares of the image."""
    places = np.abs(points[points[..., 2] > 0][:, :2]).max(axis=-1)
    if places.size and (places > NORMALISED).mean() <= STRAY:
        raise PoseliftError(f"joints are within {NORMALISED} px: normalised? multiply by the image's size")


def _places(tracks: Iterable[Track], size: tuple[int, int]) -> tuple[Array, Array]:
    """Where joints were found (N, 2), and how far that is from the middle of the image, in its sides (N,)."""
    places = np.concatenate([track.points[track.points[..., 2] > 0][:, :2] for track in tracks])
    return places, np.abs(places / size - 0.5).max(axis=-1)


def require_inside(tracks: Iterable[Track], size: tuple[int, int]) -> None:
    """Raise `PoseliftError` if joints of all people together are far outside: another size."""
    places, away = _places(tracks, size)
    if (away > FAR).mean() > MOSTLY_FAR:
        far = "x".join(str(round(side)) for side in places.max(axis=0))
        raise PoseliftError(f"joints up to {far} px in images of {size[0]}x{size[1]}; give another --size")


def outside(track: Track, size: tuple[int, int]) -> Iterator[str]:
    """A sign that images have another size, such as width and height exchanged, or that nobody is there."""
    _, away = _places([track], size)
    share = float((away > 0.55).mean())
    if share > MOSTLY_INSIDE or (away > FAR).mean() > MOSTLY_FAR:
        yield f"{share:.0%} of the joints are outside of images of {size[0]}x{size[1]}; is that their size?"


def implausible(track: Track) -> Iterator[str]:
    """Signs that the joints are not those that the layout says."""
    places = track.points[..., :2]
    up = (places[:, HEAD, 1] > places[:, HIP, 1]) & (places[:, FEET, 1].max(axis=1) < places[:, HIP, 1])
    if up.mean() > 0.5:
        yield "the head is below the hips and the feet above: upside down, or another layout?"
    parents, children = np.array(BONES).T
    bones = np.linalg.norm(places[:, parents] - places[:, children], axis=-1)
    # seen from the side a bone is as long as it is
    lengths = np.percentile(bones, 90, axis=0)
    if np.abs(lengths / max(lengths.sum(), 1e-6) - LENGTHS).sum() > APART:
        yield "the bones have not the proportions of a person: another layout?"
