"""From pixels to metres: by a length that the user knows, as the image alone does not tell it."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from poselift.errors import PoseliftError
from poselift.inference.lifting import Array
from poselift.skeleton import JOINTS

TRUNK = ((0, 7), (7, 8), (8, 10))
LEGS = ((1, 2), (2, 3), (4, 5), (5, 6))
ANKLE = 0.039
"""The share of a person's height that is below the ankle (Drillis and Contini, 1966)."""

SMOOTH = 12
"""Standard deviation, in frames, of what is averaged: a person nears the camera no faster than that."""


class Scale(NamedTuple):
    """The length that is known: of the bones between these joints, or the body's height without any."""

    metres: float
    bone: tuple[int, int] | None = None

    def __str__(self) -> str:
        known = f"a body height of {self.metres} m"
        if self.bone:
            known = f"{JOINTS[self.bone[0]]} to {JOINTS[self.bone[1]]} of {self.metres} m"
        return f"metres, from {known} as given; not measured"


def parse_bone(text: str) -> Scale:
    """The scale that `left knee-left foot=0.42` says. Raises `PoseliftError` for other words."""
    joints, _, metres = text.partition("=")
    ends = [joint.strip() for joint in joints.split("-")]
    try:
        if len(set(ends)) == len(ends) == 2 and 0 < float(metres) < 3:
            return Scale(float(metres), (JOINTS.index(ends[0]), JOINTS.index(ends[1])))
    except ValueError:
        pass
    known = f"two of {', '.join(JOINTS)}"
    raise PoseliftError(
        f"--bone {text}: expected JOINT-JOINT=METRES, such as left knee-left foot=0.42; {known}"
    )


def unfounded(points: NDArray[np.floating], scale: Scale) -> Iterator[str]:
    """The joints of a track (T, 17, 3) that the known length rests on and that were never found."""
    ends = scale.bone or np.unique(TRUNK + LEGS)
    if never := [JOINTS[joint] for joint in ends if not (points[:, joint, 2] > 0).any()]:
        yield f"never found: {', '.join(never)}; metres rest on them, and are a guess"


def bone_lengths(poses: NDArray[np.floating], *bones: tuple[int, int]) -> NDArray[np.floating]:
    """Of poses (T, 17, 3) the lengths of B bones, (T, B)."""
    ends = np.array(bones)
    lengths: NDArray[np.floating] = np.linalg.norm(poses[:, ends[:, 0]] - poses[:, ends[:, 1]], axis=-1)
    return lengths


def stature(poses: NDArray[np.floating]) -> NDArray[np.floating]:
    """The height of a person who would stand straight: (T, 17, 3) -> (T,), from the lengths of the bones."""
    trunk, legs = (bone_lengths(poses, *bones).sum(axis=1) for bones in (TRUNK, LEGS))
    return (trunk + legs / 2) / (1 - ANKLE)


def to_metres(poses: Array, scale: Scale) -> tuple[Array, NDArray[np.floating]]:
    """Poses (T, 17, 3) in metres, and the metres per pixel of each frame (T,).

    The known length is compared with that of the poses around a frame, so that people who near the camera
    do not grow.
    """
    found = bone_lengths(poses, scale.bone)[:, 0] if scale.bone else stature(poses)
    per_pixel = scale.metres / np.maximum(gaussian_filter1d(found, SMOOTH, mode="nearest"), 1e-6)
    return (poses * per_pixel[:, None, None]).astype(np.float32), per_pixel
