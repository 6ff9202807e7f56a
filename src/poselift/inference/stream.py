"""Frames in one by one, poses out one by one, as far behind as the look-ahead is long."""

import json
import math
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from poselift.errors import PoseliftError
from poselift.inference.checks import require_pixels
from poselift.inference.keypoints import as_points
from poselift.inference.layouts import layout_of, to_human36m
from poselift.inference.lifting import Array, Lifter, View, flip_averaged, normalised
from poselift.inference.tracks import interpolated
from poselift.skeleton import N_JOINTS, ROOT

ENOUGH = 8
"""Joints in a frame that tell pixels from shares; fewer may be a corner of a person in that of the image."""


class Stream:
    """Lifts one person while the frames come in; what it holds does not grow.

    The pose of a frame is the one at its place in the clip that ends `look_ahead` frames after it: 0 answers
    at once, half a clip sees as much of the future as of the past. Before the first frame and after the last
    one a clip is filled with these. A joint that is not found stays where it was last, and before it is found
    where it is first: until then it is where its parent is. Before the person is found a pose has no joint.
    """

    def __init__(self, lifter: Lifter, view: View, look_ahead: int, least: float) -> None:
        """Joints below the confidence `least` count as not found, and have it instead. Raises `PoseliftError`
        for a look-ahead that is not shorter than the model's clips."""
        if not 0 <= look_ahead < lifter.n_frames:
            raise PoseliftError(
                f"--stream {look_ahead}: expected 0 to {lifter.n_frames - 1}, less than a clip"
            )
        self._lifter, self._view, self._least = lifter, view, least
        self._look_ahead, self._seen, self._first = look_ahead, 0, math.inf
        self._ever = np.zeros(N_JOINTS, dtype=bool)
        self._frames: deque[NDArray[np.float64]] = deque(maxlen=lifter.n_frames)

    def push(self, points: NDArray[np.float64]) -> Array | None:
        """Take the next frame (17, 3): x, y in px, confidence. The pose (17, 3), as `lift` gives it, of
        the frame `look_ahead` before it, (0, 3) if nobody was found until then; None if there is no such
        frame yet."""
        found = points[:, 2] >= max(self._least, 1e-6)
        if self._frames:
            new = found & ~self._ever
            for frame in self._frames if new.any() else ():
                frame[new, :2] = points[new, :2]
            self._frames.append(np.where(found[:, None], points, self._frames[-1] * [1, 1, 0]))
        elif found.any():
            self._first = self._seen
            filled = interpolated(points[None], self._least)[0]
            self._frames.extend(filled.copy() for _ in range(self._lifter.n_frames))
        self._ever |= found
        self._seen += 1
        return self._pose() if self._seen > self._look_ahead else None

    def finish(self) -> Iterator[Array]:
        """The poses of the last frames, after which none comes."""
        for _ in range(self._look_ahead if self._seen else 0):
            self._frames.extend([*self._frames][-1:])
            self._seen += 1
            if self._seen > self._look_ahead:
                yield self._pose()

    def _pose(self) -> Array:
        if self._seen - 1 - self._look_ahead < self._first:
            return np.zeros((0, 3), dtype=np.float32)
        clip = normalised(np.stack(self._frames)[None], self._view, self._least, self._lifter.confident)
        pose = flip_averaged(self._lifter, clip)[0, -1 - self._look_ahead]
        pose *= np.float32(self._lifter.mm or self._view.half)
        pose[ROOT] = 0
        return pose


def points_of(lines: Iterable[str], layout: str | None) -> Iterator[NDArray[np.float64]]:
    """Human3.6M's joints (17, 3) of each line, a JSON list of the joints' [x, y] or [x, y, confidence] in
    px, empty for a frame without a person. Raises `PoseliftError` that names the line."""
    for number, line in enumerate(lines, start=1):
        try:
            given = json.loads(line)
            points = as_points(given) if given else np.zeros((17, 3))
            name = layout_of(len(points), layout) if given else "human36m"
            frame = to_human36m(points[None], name)[0]
            if (frame[:, 2] > 0).sum() >= ENOUGH:
                require_pixels(frame)
            yield frame
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
