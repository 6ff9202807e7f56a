"""Frames in one by one, poses out one by one, as far behind as the look-ahead is long."""

import json
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from poselift.errors import PoseliftError
from poselift.inference.keypoints import as_points
from poselift.inference.layouts import layout_of, to_human36m
from poselift.inference.lifting import Array, Lifter, View, flip_averaged, normalised
from poselift.skeleton import ROOT


class Stream:
    """Lifts one person while the frames come in; what it holds does not grow.

    The pose of a frame is the one at its place in the clip that ends `look_ahead` frames after it: 0 answers
    at once, half a clip sees as much of the future as of the past. Before the first frame and after the last
    one a clip is filled with these. A joint that is not found stays where it was last.
    """

    def __init__(self, lifter: Lifter, view: View, look_ahead: int, least: float) -> None:
        """Joints below the confidence `least` count as not found, and have it instead. Raises `PoseliftError`
        for a look-ahead that is not shorter than the model's clips."""
        if not 0 <= look_ahead < lifter.n_frames:
            raise PoseliftError(
                f"--stream {look_ahead}: expected 0 to {lifter.n_frames - 1}, less than a clip"
            )
        self._lifter, self._view, self._least = lifter, view, least
        self._look_ahead, self._seen = look_ahead, 0
        self._frames: deque[NDArray[np.float64]] = deque(maxlen=lifter.n_frames)

    def push(self, points: NDArray[np.float64]) -> Array | None:
        """Take the next frame (17, 3): x, y in px, confidence. The pose (17, 3) in px relative to the root of
        the frame `look_ahead` before it; None while there is no such frame."""
        if self._frames:
            points = np.where(points[:, 2:] >= self._least, points, self._frames[-1] * [1, 1, 0])
        else:
            self._frames.extend([points] * self._lifter.n_frames)
        self._frames.append(points)
        self._seen += 1
        return self._pose() if self._seen > self._look_ahead else None

    def finish(self) -> Iterator[Array]:
        """The poses of the last frames, after which none comes."""
        for _ in range(self._look_ahead if self._seen else 0):
            self._frames.append(self._frames[-1])
            self._seen += 1
            if self._seen > self._look_ahead:
                yield self._pose()

    def _pose(self) -> Array:
        clip = normalised(np.stack(self._frames)[None], self._view, self._least, self._lifter.confident)
        pose = flip_averaged(self._lifter, clip)[0, -1 - self._look_ahead] * np.float32(self._view.half)
        pose[ROOT] = 0
        return pose


def points_of(lines: Iterable[str], layout: str | None) -> Iterator[NDArray[np.float64]]:
    """Human3.6M's joints (17, 3) of each line, a JSON list of the joints' [x, y] or [x, y, confidence] in
    px, empty for a frame without a person. Raises `PoseliftError` that names the line."""
    for number, line in enumerate(lines, start=1):
        try:
            given = json.loads(line)
            points = as_points(given) if given else np.zeros((17, 3))
            name = layout or layout_of(len(points)) if given else "human36m"
            yield to_human36m(points[None], name)[0]
        except (ValueError, TypeError, RecursionError, PoseliftError) as error:
            raise PoseliftError(f"standard input, line {number}: {error}") from None


def stream(lines: Iterable[str], layout: str | None, through: Stream) -> None:
    """Write the pose of each line of keypoints as a line, as soon as it is known; at the end, how long the
    frames took, to standard error."""
    took: list[float] = []

    def write(pose: Array) -> None:
        print(json.dumps(pose.round(3).tolist()), flush=True)

    for points in points_of(lines, layout):
        began = time.perf_counter()
        pose = through.push(points)
        if pose is not None:
            took.append(time.perf_counter() - began)
            write(pose)
    for pose in through.finish():
        write(pose)
    if took:
        print(f"{np.median(took) * 1e3:.1f} ms per frame (median of {len(took)})", file=sys.stderr)
