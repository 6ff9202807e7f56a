"""BVH, which Blender and other tools read: a skeleton of constant bones, and its rotations over time."""

import numpy as np
from numpy.typing import NDArray

from poselift.skeleton import BONES, JOINTS

Array = NDArray[np.float64]

ACROSS = {0: (4, 1, 7), 8: (11, 14, 9)}
"""The joints that others branch from, each with those left, right and above that give its axes."""

# the body at rest stands with its arms stretched out, so that no bone is ever turned to its opposite
UP, DOWN, LEFT, RIGHT = (0, 1, 0), (0, -1, 0), (1, 0, 0), (-1, 0, 0)
REST = {1: DOWN, 2: DOWN, 4: DOWN, 5: DOWN, 7: UP, 9: UP, 11: LEFT, 12: LEFT, 14: RIGHT, 15: RIGHT}
"""Where the child of a joint with one child is at rest: x to the person's left, y up, z ahead."""

CHILDREN = {joint: [child for parent, child in BONES if parent == joint] for joint in range(len(JOINTS))}
PARENT = {child: parent for parent, child in BONES}


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _axes(left: Array, up: Array) -> Array:
    """Rotations (T, 3, 3) whose columns are: left, what is up at a right angle to it, ahead."""
    x = _unit(left)
    z = _unit(np.cross(x, up))
    return np.stack([x, np.cross(z, x), z], axis=-1)


def _swing(rest: Array, direction: Array) -> Array:
    """The smallest rotations (T, 3, 3) that turn `rest` (3,) into unit vectors (T, 3), by Rodrigues."""
    axis = np.cross(rest, direction)
    cross = np.zeros((len(direction), 3, 3))
    cross[:, [2, 0, 1], [1, 2, 0]], cross[:, [1, 2, 0], [2, 0, 1]] = axis, -axis
    cosine = np.maximum(direction @ rest, -1 + 1e-6)[:, None, None]
    return np.eye(3) + cross + cross @ cross / (1 + cosine)


def _euler(rotations: Array) -> Array:
    """Angles about z, x, y in degrees (T, J, 3) of rotations (T, J, 3, 3) = Z X Y, without jumps in time."""
    x = np.arcsin(np.clip(rotations[..., 2, 1], -1, 1))
    z = np.arctan2(-rotations[..., 0, 1], rotations[..., 1, 1])
    y = np.arctan2(-rotations[..., 2, 0], rotations[..., 2, 2])
    angles = np.degrees(np.stack([z, x, y], axis=-1))
    for t in range(1, len(angles)):
        # the same rotation has two sets of angles, each up to full turns
        other = angles[t] * [1, -1, 1] + 180
        both = np.stack([angles[t], other])
        both -= 360 * np.round((both - angles[t - 1]) / 360)
        nearest = np.abs(both - angles[t - 1]).sum(axis=-1).argmin(axis=0)
        angles[t] = np.take_along_axis(both, nearest[None, :, None], axis=0)[0]
    return angles


def bvh(poses: NDArray[np.floating], fps: float) -> str:
    """The text of a BVH file for poses (T, 17, 3), x right, y down, z away, root-relative.

    Bones have their median length. y is up; the root stays at one place of the floor, and at the height at
    which the skeleton's lower foot stands on it, as root-relative poses do not tell where they are.
    """
    points = np.asarray(poses, dtype=np.float64) * [1, -1, -1]
    rotation: dict[int, Array] = {}  # of each joint in space
    offsets = np.zeros((len(JOINTS), 3))
    height = np.zeros((len(points), len(JOINTS)))  # above the root, with bones of constant length
    for joint in range(len(JOINTS)):
        parent = (
            rotation[PARENT[joint]] if joint in PARENT else np.broadcast_to(np.eye(3), (len(points), 3, 3))
        )
        if joint in ACROSS:
            left, right, above = ACROSS[joint]
            rotation[joint] = _axes(points[:, left] - points[:, right], points[:, above] - points[:, joint])
        elif joint in REST:
            aim = _unit(points[:, CHILDREN[joint][0]] - points[:, joint])
            rest = np.array(REST[joint], dtype=np.float64)
            rotation[joint] = parent @ _swing(rest, np.einsum("tji,tj->ti", parent, aim))
        else:
            rotation[joint] = parent
        for child in CHILDREN[joint]:
            bone = points[:, child] - points[:, joint]
            # where it is in its parent's axes, at its median length
            place = _unit(np.median(np.einsum("tji,tj->ti", rotation[joint], bone), axis=0))
            offsets[child] = place * np.median(np.linalg.norm(bone, axis=-1))
            height[:, child] = height[:, joint] + rotation[joint][:, 1] @ offsets[child]
    local = [rotation[0]] + [
        rotation[PARENT[j]].transpose(0, 2, 1) @ rotation[j] for j in range(1, len(JOINTS))
    ]
    order: list[int] = []
    hierarchy = _hierarchy(0, offsets, 0, order)
    angles = _euler(np.stack(local, axis=1))[:, order].reshape(len(points), -1)
    root = np.zeros((len(points), 3))
    root[:, 1] = -height[:, (3, 6)].min(axis=1)
    lines = (" ".join(f"{value:.4f}" for value in row) for row in np.hstack([root, angles]))
    motion = [f"MOTION\nFrames: {len(points)}\nFrame Time: {1 / fps:.7f}", *lines]
    return "\n".join(["HIERARCHY", *hierarchy, *motion]) + "\n"


def _hierarchy(joint: int, offsets: Array, depth: int, order: list[int]) -> list[str]:
    """The lines of a joint and of what hangs on it; joints with rotations are added to `order`."""
    pad, offset = "  " * depth, "OFFSET " + " ".join(f"{value:.4f}" for value in offsets[joint])
    if not CHILDREN[joint]:
        return [f"{pad}End Site", f"{pad}{{", f"{pad}  {offset}", f"{pad}}}"]
    order.append(joint)
    kind, moves = ("JOINT", "3") if depth else ("ROOT", "6 Xposition Yposition Zposition")
    inside = [line for child in CHILDREN[joint] for line in _hierarchy(child, offsets, depth + 1, order)]
    channels = f"{pad}  CHANNELS {moves} Zrotation Xrotation Yrotation"
    name = JOINTS[joint].replace(" ", "_")
    return [f"{pad}{kind} {name}", f"{pad}{{", f"{pad}  {offset}", channels, *inside, f"{pad}}}"]
