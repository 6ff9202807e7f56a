"""A data set of somebody's own in one file: poses on a circle, in an npz of a few arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from poselift.config import datasets
from poselift.config.datasets import Dataset, InputPath
from poselift.config.run import TrainingSettings
from poselift.config.sections import Section
from poselift.data.frames import Frames
from poselift.data.normalise import normalise
from poselift.data.sequence import Sequence
from poselift.errors import PoseliftError

SIZE = 500


class Synthetic(Section):
    """Joints on a circle that turns."""

    frames: int = Field(12, ge=2, description="frames per sequence")


class Source(datasets.Source):
    """One file."""

    poses: InputPath | None = Field(None, description="poses.npz")
    synthetic: Synthetic | None = Field(None, description="generate motion instead of reading `poses`")


@dataclass(frozen=True, kw_only=True)
class Split(Frames):
    """One split."""

    joint_3d: NDArray[np.floating]

    def labels(self, part: slice) -> NDArray[np.floating]:
        """Pixels and depths, normalised."""
        return normalise(self.joint_3d[part], *self.image_size(part))


def read(files: Mapping[str, Path]) -> dict[str, Frames]:
    """Both splits; a sequence is named by its action."""
    arrays = np.load(files["poses"])
    splits: dict[str, Frames] = {}
    for split in ("train", "test"):
        poses = arrays[split]  # (sequences, T, J, 3) px
        if not np.isfinite(poses).all():
            raise PoseliftError(f"{files['poses']}: {split}: expected finite numbers, found NaN or infinity")
        n, length = poses.shape[:2]
        actions = ["wave", "bow"] * (n // 2)
        flat = poses.reshape(n * length, 17, 3)
        is_test = split == "test"
        person = "P2" if is_test else "P1"
        splits[split] = Split(
            sequences=[
                Sequence(f"{action}_{i}", person, action, "front", SIZE, SIZE, i * length, length)
                for i, action in enumerate(actions)
            ],
            joint_2d=flat[..., :2],
            joint_3d=flat,
            factor=np.full(len(flat), 4.0) if is_test else None,
            target_mm=4.0 * flat if is_test else None,
            valid=np.ones(len(flat), dtype=bool) if is_test else None,
        )
    return splits


def write(settings: Synthetic, files: Mapping[str, Path]) -> None:
    """Two sequences of each action for training, one for the test."""
    rng = np.random.default_rng(0)
    angle = np.linspace(0, 2 * np.pi, 17)[1:, None] + np.linspace(0, 1, settings.frames)

    def sequences(n: int) -> NDArray[np.float32]:
        radius = rng.uniform(80, 120, n)[:, None, None]
        circle = np.stack([radius * np.cos(angle), radius * np.sin(angle), radius * np.sin(2 * angle)], -1)
        poses = np.zeros((n, settings.frames, 17, 3), np.float32)
        poses[:, :, 1:] = circle.transpose(0, 2, 1, 3)
        poses[..., :2] += SIZE / 2
        return poses

    np.savez(files["poses"], train=sequences(4), test=sequences(2))


DATASET = Dataset(
    name="third",
    title="Circles",
    source=Source,
    read=read,
    synthesise=write,
    metrics=("mpjpe", "pck"),
    stride=2,
    n_frames=5,
    recipe=TrainingSettings(epochs=2),
)
