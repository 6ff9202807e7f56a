"""A body of constant bone lengths, and its joint positions.

World coordinates are mm with z up; a body's own axes are (right, forward, up). Angles (T, 3) are yaw, pitch
forwards and roll to the right, in radian. A first axis of 2 is (right, left).
"""

from dataclasses import asdict, dataclass

import numpy as np

from poselift.skeleton import N_JOINTS
from poselift.synthetic.actions import HANG
from poselift.synthetic.curves import Array


@dataclass(frozen=True)
class Body:
    """Bone lengths in mm, an average adult's by default; `ankle` is the height of a flat foot's ankle."""

    hip: float = 132
    thigh: float = 446
    shank: float = 448
    spine: float = 236
    chest: float = 254
    neck: float = 118
    head: float = 115
    shoulder: float = 150
    upper_arm: float = 280
    forearm: float = 250
    ankle: float = 84

    @property
    def leg(self) -> float:
        """Length of thigh and shank."""
        return self.thigh + self.shank


def draw_body(rng: np.random.Generator, stature: float) -> Body:
    """A body of a `stature` (1 is average) with random proportions."""
    return Body(*(length * stature * rng.uniform(0.95, 1.05) for length in asdict(Body()).values()))


def hanging(hand: Array) -> Array:
    """How much a hand (T, 3) hangs freely beside the body, 0..1 (T,)."""
    return np.exp(-((hand - HANG[:3]) ** 2).sum(-1) / 0.05)


def rotation(angles: Array) -> Array:
    """Matrices (T, 3, 3) from the body's axes to the world's for the angles (T, 3)."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(angles).T, np.sin(angles).T
    rows = [
        [cy * cr + sy * sp * sr, -sy * cp, cy * sr - sy * sp * cr],
        [sy * cr - cy * sp * sr, cy * cp, sy * sr + cy * sp * cr],
        [-cp * sr, -sp, cp * cr],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


def turn(angles: Array, vector: Array) -> Array:
    """`vector`, (3,) or (T, 3) in the body's axes, in the world's for the angles (T, 3)."""
    return np.einsum("tij,tj->ti", rotation(angles), np.broadcast_to(vector, (len(angles), 3)))


def unit(vector: Array) -> Array:
    """Vectors (..., 3) scaled to length 1."""
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def two_bones(start: Array, target: Array, upper: float, lower: float, pole: Array) -> tuple[Array, Array]:
    """Middle and end joint (T, 3) of a limb from `start` towards `target`, bent to the side of `pole`.

    The end meets `target` where the limb reaches it: it folds to 0.2 of its length, stretches to 0.995.
    """
    reach = target - start
    direction = unit(reach)
    length = np.clip(np.linalg.norm(reach, axis=-1), 0.2 * (upper + lower), 0.995 * (upper + lower))
    cosine = (upper**2 + length**2 - lower**2) / (2 * upper * length)
    side = unit(pole - (pole * direction).sum(-1, keepdims=True) * direction)
    middle = upper * (cosine[:, None] * direction + np.sqrt(1 - cosine**2)[:, None] * side)
    return start + middle, start + length[:, None] * direction


def _within_reach(hand: Array) -> Array:
    """Hands (T, 3) drawn smoothly into the shell of 0.33 to 0.97 arm lengths, so that no elbow snaps."""
    distance = np.linalg.norm(hand, axis=-1, keepdims=True)
    bounded = distance - 0.03 * np.logaddexp(0, (distance - 0.97) / 0.03)
    bounded = 0.33 + 0.03 * np.logaddexp(0, (bounded - 0.33) / 0.03)
    return hand * bounded / distance


def _elbow(hand: Array) -> Array:
    """Where the elbow points for a hand, (T, 3) each: backwards if it is low, downwards if before the chest.

    Never near the direction opposite to the hand's, where the elbow would have to flip.
    """
    height = hand[:, 2]
    hangs, low = (1 / (1 + np.exp((height - at) / width)) for at, width in ((-0.82, 0.05), (-0.4, 0.12)))
    level = np.exp(-((height / 0.4) ** 2))
    return np.stack([0.6 - 0.4 * hangs, 0.35 * level - 0.8 * low, -0.8 * level], -1)


def hips(body: Body, root: Array, pelvis: Array) -> Array:
    """The hip joints (2, T, 3)."""
    across = turn(pelvis, np.array([body.hip, 0, 0]))
    return np.stack([root + across, root - across])


def joints(
    body: Body, root: Array, pelvis: Array, chest: Array, head: Array, hands: Array, feet: Array, knees: Array
) -> Array:
    """The joints (T, J, 3) in the world, mm, of a body with the given `root` and angles of its three parts.

    `hands` (2, T, 3) are targets of the wrists: outwards, forwards, up from the shoulder in the chest's axes,
    in arm lengths. `feet` (2, T, 3) are the ankles in the world, `knees` (2, T) the yaws of the knees.
    """
    out = np.empty((len(root), N_JOINTS, 3))
    out[:, 0] = root
    spine = (
        (7, 0, body.spine, (pelvis + chest) / 2, 0.0),
        (8, 7, body.chest, chest, 0.0),
        (9, 8, body.neck, (chest + head) / 2, 0.3),
        (10, 9, body.head, head, -0.1),
    )
    for joint, parent, length, angles, forwards in spine:
        out[:, joint] = out[:, parent] + length * turn(angles, unit(np.array([0, forwards, 1.0])))
    arm_length = body.upper_arm + body.forearm
    for k, (side, leg, arm) in enumerate(((1, 1, 14), (-1, 4, 11))):
        out[:, leg] = hips(body, root, pelvis)[k]
        # forwards, and upwards when sitting on the floor
        knee = np.stack([-np.sin(knees[k]), np.cos(knees[k]), np.full(len(root), 0.5)], -1)
        out[:, leg + 1], out[:, leg + 2] = two_bones(out[:, leg], feet[k], body.thigh, body.shank, knee)

        hand, outwards = hands[k], np.array([side, 1, 1])
        # shoulders rise and come forwards with the hands
        lift = np.stack([np.ones(len(hand)), 0.25 * hand[:, 1], 0.3 * hand[:, 2]], -1)
        out[:, arm] = out[:, 8] + body.shoulder * turn(chest, unit(lift) * outwards)
        # a hanging arm hangs down however the chest leans
        plumb = chest * (1 - hanging(hand)[:, None] * [0, 1, 1])
        target = out[:, arm] + arm_length * turn(plumb, _within_reach(hand) * outwards)
        target[:, 2] = np.maximum(target[:, 2], 40)
        elbow = turn(plumb, _elbow(hand) * outwards)
        out[:, arm + 1], out[:, arm + 2] = two_bones(out[:, arm], target, body.upper_arm, body.forearm, elbow)
    return out
