"""An action played by a body: joints in the world at 50 frames per second."""

from dataclasses import dataclass

import numpy as np

from poselift.synthetic import footsteps
from poselift.synthetic.actions import Action, Key
from poselift.synthetic.body import Body, hanging, hips, joints
from poselift.synthetic.curves import FPS, Array, minimum_jerk, noise, smooth_below
from poselift.synthetic.footsteps import Ground, axes

# a key pose as a vector of channels; angles in radian
HANDS = (slice(0, 3), slice(3, 6))  # right, left
BEATS = (6, 7)
TRUNK = slice(8, 11)  # twist, lean, aside
HEAD = slice(11, 13)  # left, down
HEIGHT, BACK = 13, 14


@dataclass(frozen=True)
class Style:
    """How a person moves: pace, reach of the hands, and in radian how far the trunk leans, the knees turn out
    and the arms swing; which hand leads; how each hand is held (2, 3), arm lengths."""

    tempo: float
    reach: float
    slouch: float
    knees: float
    swing: float
    left_handed: bool
    habit: Array


def draw_style(rng: np.random.Generator) -> Style:
    """A random style."""
    ranges = ((0.85, 1.2), (0.94, 1.03), np.radians((-3, 8)), (0.0, 0.3), (0.22, 0.45))
    tempo, reach, slouch, knees, swing = (rng.uniform(*each) for each in ranges)
    return Style(tempo, reach, slouch, knees, swing, bool(rng.random() < 0.25), rng.normal(0, 0.05, (2, 3)))


def _channels(key: Key, mirrored: bool) -> Array:
    """A key pose, or its mirror image, as a vector of channels (C,)."""
    right, left, side = (key.left, key.right, -1) if mirrored else (key.right, key.left, 1)
    angles = np.radians([side * key.twist, key.lean, side * key.aside, side * key.look, key.down])
    return np.array([*right[:3], *left[:3], right[3], left[3], *angles, *key.stance])


def gestures(rng: np.random.Generator, t: Array, action: Action, style: Style) -> Array:
    """The channels over time (T, C): one key pose after another, never the same twice in a row."""
    tempo = action.tempo * style.tempo
    n = int((t[-1] - t[0]) / (action.hold[0] + 0.2 * tempo)) + 3
    order = np.cumsum(np.append(rng.integers(len(action.keys)), rng.integers(1, len(action.keys), n)))
    mirrored = rng.random(n + 1) < 0.5 if action.mirrored else np.full(n + 1, style.left_handed)
    keys = [action.keys[k] for k in order % len(action.keys)]
    stops = np.stack([_channels(key, bool(mirror)) for key, mirror in zip(keys, mirrored, strict=True)])
    for hand, habit in zip(HANDS, style.habit, strict=True):
        stops[:, hand] = style.reach * (stops[:, hand] + habit + rng.normal(0, 0.06, (n + 1, 3)))
    stops[:, TRUNK] += np.radians(rng.normal(0, [5, 3, 3], (n + 1, 3)))
    stops[:, HEAD] += np.radians(rng.normal(0, [8, 4], (n + 1, 2)))

    # a move takes as long as the slowest of hands, hips and trunk needs for its way
    ways = np.abs(np.diff(stops, axis=0))
    slowest = [0.45 * np.linalg.norm(ways[:, hand], axis=-1) for hand in HANDS]
    longest = np.max([*slowest, 1.75 * ways[:, HEIGHT], 0.6 * ways[:, TRUNK].max(-1)], axis=0)
    moves = tempo * rng.uniform(0.85, 1.25, n) * (0.25 + longest)
    holds = rng.uniform(*action.hold, n)
    starts = np.cumsum(holds) - holds[0] * rng.random() + np.append(0, np.cumsum(moves[:-1]))
    curve, progress, latest = minimum_jerk(t, starts, 0.9 * moves, stops)
    # hands that rise or sink travel on an arc before the body
    arc = 0.3 * 16 * progress**2 * (1 - progress) ** 2
    for hand in HANDS:
        curve[:, hand.start + 1] += arc * ways[latest, hand.stop - 1]
    # trunk and head follow a little later
    angles = slice(TRUNK.start, HEAD.stop)
    curve[:, angles] = minimum_jerk(t, starts + 0.1 * moves, 0.9 * moves, stops[:, angles])[0]
    return curve


def _unrest(rng: np.random.Generator, t: Array, hand: Array, beat: Array, angle: Array) -> Array:
    """A hand (T, 3) that gestures by `beat` (T,), is never quite still, and swings by `angle` if it hangs."""
    rhythm = np.sin(2 * np.pi * (rng.uniform(1.4, 2.0) * t[:, None] + rng.random(3)))
    angle = angle * hanging(hand)
    hand = hand + beat[:, None] * rhythm * [1.0, 0.4, 0.7]
    hand = hand + 0.025 * noise(rng, t, (0.2, 1.2), 3) + 0.004 * noise(rng, t, (1.5, 5.0), 3)
    out, ahead, up = hand.T
    cos, sin = np.cos(angle), np.sin(angle)
    # the elbow gives way when the hand comes forwards
    return np.stack([out, cos * ahead - sin * up, sin * ahead + cos * up + 0.05 * sin], -1)


def _ground(rng: np.random.Generator, t: Array, body: Body, style: Style, action: Action) -> Ground:
    if action.ground == "stand":
        return footsteps.stand(rng, t, body, action.pause)
    if action.ground == "sit":
        return footsteps.sit(rng, t, body, action.crossing)
    return footsteps.walk(rng, t, body, action.ground, action.speed / style.tempo, action.vary)


def _highest(body: Body, root: Array, pelvis: Array, feet: Array) -> Array:
    """The height of the root (T,) over which the straighter leg would be all but straight."""
    hip = hips(body, root, pelvis)
    level = ((feet - hip)[..., :2] ** 2).sum(-1)
    reach = np.sqrt(np.maximum((0.991 * body.leg) ** 2 - level, 0))
    return (feet[..., 2] + reach + root[:, 2] - hip[..., 2]).min(0)


def play(rng: np.random.Generator, body: Body, style: Style, action: Action, frames: int) -> Array:
    """The joints (T, J, 3) in the world, mm, of a body that does an action in a style for T = `frames`."""
    t = np.arange(frames) / FPS
    ground = _ground(rng, t, body, style, action)
    curve = gestures(rng, t, action, style)
    twist, lean, aside = curve[:, TRUNK].T + np.radians([[3], [2], [2]]) * noise(rng, t, (0.1, 0.8), 3).T
    look, down, tilt = np.radians([[6], [4], [3]]) * noise(rng, t, (0.15, 1.2), 3).T
    look, down, lean = look + curve[:, HEAD.start], down + curve[:, HEAD.start + 1], lean + style.slouch

    # in a walk the hips turn with the foot that steps and the chest against them
    stride = ground.gait * np.cos(2 * np.pi * ground.phase)
    weight = ground.gait * np.cos(2 * np.pi * (ground.phase - 0.27))
    pelvis_yaw = ground.heading + 0.25 * twist + 0.09 * stride
    pelvis = np.stack([pelvis_yaw, 0.35 * lean, 0.3 * aside - 0.05 * weight], -1)
    chest = np.stack([ground.heading + twist - 0.07 * stride, lean, aside + 0.03 * weight], -1)
    head = chest * [1, 0.6, 0.6] + np.stack([look, down, tilt], -1)

    sway = 24 * noise(rng, t, (0.1, 0.5), 2)
    # who leans forwards moves the hips backwards, or would fall
    back = curve[:, BACK] * body.leg + 0.25 * body.chest * np.sin(lean) * curve[:, HEIGHT]
    ahead, right = axes(ground.heading)
    position = (
        ground.centre + (sway[:, 0] - back)[:, None] * ahead + (sway[:, 1] + 22 * weight)[:, None] * right
    )
    root = np.column_stack([position, curve[:, HEIGHT] * (body.leg + body.ankle)])
    feet = ground.feet[..., :3] + [0, 0, body.ankle]
    root[:, 2] = smooth_below(np.minimum(root[:, 2], _highest(body, root, pelvis, feet)), 3)
    # knees point between feet and pelvis; an arm swings forwards with the foot of the other side
    sides = np.array([1, -1])
    knees = (ground.feet[..., 3] + pelvis[:, 0]) / 2 - sides[:, None] * style.knees
    hands = [
        _unrest(rng, t, curve[:, hand], curve[:, beat], -side * style.swing * stride)
        for hand, beat, side in zip(HANDS, BEATS, sides, strict=True)
    ]
    return joints(body, root, pelvis, chest, head, np.stack(hands), feet, knees)
