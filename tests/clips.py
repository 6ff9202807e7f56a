"""Made-up clips for the page's player, whose errors can be worked out in the head."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from poselift.skeleton import BONES, N_JOINTS

KINDS = ("median", "worst")


def pose() -> np.ndarray:
    """A standing person, (J, 3) in mm, root-relative: no two joints in one place from any side."""
    points = np.zeros((N_JOINTS, 3))
    for number, (parent, child) in enumerate(BONES):
        across, down = (60, -45, 30)[number % 3], 300 if child < 7 else -200
        points[child] = points[parent] + [across, down, 25 * number - 180]
    return points


def error_of(model: int, clip: int, joint: int, frame: int = 0) -> int:
    """How far a prediction is off, in mm: 12 more for each joint, more for later models and clips; it rises
    over seven frames and falls."""
    return (12 * joint + 3 * model + clip + frame % 7) * (joint > 0)


def write_clips(path: Path, runs: Sequence[str], actions: Sequence[str], n_frames: int = 60) -> None:
    """Two clips of each action: the person walks along x in the picture, 2 pixels a frame."""
    clips = [(action, kind) for action in actions for kind in KINDS]
    target = np.broadcast_to(pose(), (len(clips), n_frames, N_JOINTS, 3))
    off = np.zeros((len(runs), *target.shape))
    for index in np.ndindex(*off.shape[:-1]):
        model, clip, frame, joint = index
        off[index] = (0, 0, error_of(model, clip, joint, frame))
    pixels = target[..., :2] / 4 + 500
    pixels[..., 0] += 2 * np.arange(n_frames)[:, None]
    np.savez_compressed(
        path,
        rule="by a rule",
        run=list(runs),
        action=[action for action, _ in clips],
        clip_kind=[kind for _, kind in clips],
        sequence=[f"sequence {i}" for i in range(len(clips))],
        size=np.full((len(clips), 2), 1000),
        mpjpe=np.linalg.norm(off, axis=-1).mean(axis=(2, 3)),
        input_2d=np.rint(pixels).astype(np.int16),
        target=np.rint(target).astype(np.int16),
        prediction=np.rint(target + off).astype(np.int16),
    )
