"""The joints that detectors find, in one table, and what they make of Human3.6M's 17.

A joint that a layout lacks is derived from others, as MotionBERT does: a guess, which is centimetres off what
a detector trained on Human3.6M finds, most at head and spine.
"""

from collections.abc import Collection
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from poselift.errors import PoseliftError
from poselift.skeleton import JOINTS

COCO: Final = (
    "nose", "left eye", "right eye", "left ear", "right ear", "left shoulder", "right shoulder", "left elbow",
    "right elbow", "left wrist", "right wrist", "left hip", "right hip", "left knee", "right knee",
    "left foot", "right foot",
)  # fmt: skip

HALPE: Final = (
    *COCO, "head", "thorax", "hip", "left big toe", "right big toe", "left small toe", "right small toe",
    "left heel", "right heel",
)  # fmt: skip

LAYOUTS: Final[dict[str, tuple[str, ...]]] = {
    "human36m": tuple("nose" if joint == "neck" else joint for joint in JOINTS),
    "coco": COCO,
    "coco-wholebody": (*COCO, *(f"face, hands, feet {i}" for i in range(17, 133))),
    "halpe26": HALPE,
    "halpe136": (*HALPE, *(f"face, hands {i}" for i in range(26, 136))),
    "body25": (
        "nose", "thorax", "right shoulder", "right elbow", "right wrist", "left shoulder", "left elbow",
        "left wrist", "hip", "right hip", "right knee", "right foot", "left hip", "left knee", "left foot",
        "right eye", "left eye", "right ear", "left ear", "left big toe", "left small toe", "left heel",
        "right big toe", "right small toe", "right heel",
    ),
}  # fmt: skip
"""The joints of each layout in order, by Human3.6M's names. A foot is the ankle; what others call neck is
Human3.6M's thorax, and Human3.6M's neck is the nose."""

DERIVED: Final[dict[str, tuple[str, ...]]] = {
    "neck": ("nose",),
    "hip": ("left hip", "right hip"),
    "thorax": ("left shoulder", "right shoulder"),
    "spine": ("hip", "thorax"),
    "head": ("left eye", "right eye"),
}
"""The joints whose mean stands for one that a layout lacks."""


def layout_of(n_joints: int, said: str | None = None) -> str:
    """The layout of keypoints: the one that is `said`, or else that their number alone says. Raises
    `PoseliftError` where that does not, or is another."""
    if said:
        if len(LAYOUTS[said]) != n_joints:
            raise PoseliftError(f"{n_joints} joints, but layout {said} has {len(LAYOUTS[said])}")
        return said
    fitting = [name for name, joints in LAYOUTS.items() if len(joints) == n_joints]
    if not fitting:
        known = ", ".join(f"{name} {len(joints)}" for name, joints in LAYOUTS.items())
        raise PoseliftError(f"{n_joints} joints: of no layout that is known ({known})")
    if len(fitting) > 1:
        raise PoseliftError(f"{n_joints} joints may be {' or '.join(fitting)}; say which with --layout")
    return fitting[0]


@cache
def sources(layout: str) -> NDArray[np.float64]:
    """The weights (17, J) that make Human3.6M's joints of a layout's: each row has sum 1."""
    joints = LAYOUTS[layout]

    def row(joint: str) -> NDArray[np.float64]:
        if joint in joints:
            return np.eye(len(joints))[joints.index(joint)]
        return np.mean([row(source) for source in DERIVED[joint]], axis=0)

    weights = np.stack([row(joint) for joint in JOINTS])
    weights.setflags(write=False)  # kept
    return weights


def made_of(joints: Collection[str], layout: str) -> int:
    """How many of Human3.6M's joints these joints of a layout make."""
    lacking = [joint not in joints for joint in LAYOUTS[layout]]
    return int((sources(layout)[:, lacking] == 0).all(axis=1).sum())


def to_human36m(points: NDArray[np.floating], layout: str) -> NDArray[np.float64]:
    """Human3.6M's joints (N, 17, 3) of a layout's keypoints (N, J, 3): x, y, confidence.

    The confidence of a derived joint is the least of its sources'.
    """
    weights = sources(layout)
    positions = np.einsum("kj,njc->nkc", weights, points[..., :2].astype(np.float64))
    confidence = np.stack([points[:, row > 0, 2].min(axis=1) for row in weights], axis=1)
    return np.concatenate([positions, confidence[..., None]], axis=-1)
