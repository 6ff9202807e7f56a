"""The 17-joint Human3.6M skeleton: names, bones, mirror pairs and the graph over joints."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

JOINTS: Final = (
    "hip", "right hip", "right knee", "right foot", "left hip", "left knee", "left foot", "spine", "thorax",
    "neck", "head", "left shoulder", "left elbow", "left wrist", "right shoulder", "right elbow",
    "right wrist",
)  # fmt: skip
N_JOINTS: Final = len(JOINTS)
ROOT: Final = 0

# (parent, child), from the root outwards
BONES: Final = (
    (0, 1), (1, 2), (2, 3),
    (0, 4), (4, 5), (5, 6),
    (0, 7), (7, 8), (8, 9), (9, 10),
    (8, 11), (11, 12), (12, 13),
    (8, 14), (14, 15), (15, 16),
)  # fmt: skip

LEFT: Final = (4, 5, 6, 11, 12, 13)
RIGHT: Final = (1, 2, 3, 14, 15, 16)

# the parts that errors are given for; the root belongs to neither, as it has no error of its own
BODY: Final = {"upper body": tuple(range(7, 17)), "lower body": tuple(range(1, 7))}

# MIRROR[j] is the joint that takes j's place in the mirror image
_partner = dict(zip(LEFT + RIGHT, RIGHT + LEFT, strict=True))
MIRROR: Final = tuple(_partner.get(joint, joint) for joint in range(N_JOINTS))


def adjacency() -> NDArray[np.float32]:
    """The symmetric 0/1 adjacency of the skeleton, (J, J), without self loops."""
    matrix = np.zeros((N_JOINTS, N_JOINTS), dtype=np.float32)
    parents, children = np.array(BONES).T
    matrix[parents, children] = matrix[children, parents] = 1
    return matrix
