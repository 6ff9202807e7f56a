"""Where the feet are: planted, or on a minimum-jerk step from one position to the next.

A foot rests exactly where it was put down until its next step; the body follows the feet.
"""

from dataclasses import dataclass

import numpy as np

from poselift.synthetic.body import Body
from poselift.synthetic.curves import Array, minimum_jerk

AREA = 1000.0
"""Radius (mm) of the floor that the body's centre stays in, so that all cameras see all of the body."""

MARGIN = 2.0
"""Seconds that a walk is planned for before the first frame and after the last."""

LEAST = 2.5
"""Seconds between the two at least: then the slowest walk has a whole step of each foot in its plan."""


@dataclass(frozen=True)
class Ground:
    """The plan for T frames: `centre` (T, 2) mm, `heading` (T,) radian, 0 along +y.

    `feet` (2, T, 4), right and left, are x, y, z (mm) of the ankle over a flat foot's, and the foot's yaw.
    `phase` (T,) counts gait cycles, whole where the right foot lands; `gait` is 1 for a walk at 1.2 m/s.
    """

    centre: Array
    heading: Array
    feet: Array
    phase: Array | float = 0.0
    gait: float = 0.0


def axes(heading: Array) -> Array:
    """Unit vectors (2, ..., 2) straight ahead and to the right."""
    cos, sin = np.cos(heading), np.sin(heading)
    return np.stack([np.stack([-sin, cos], -1), np.stack([cos, sin], -1)])


def _lift(progress: Array, length: Array) -> Array:
    """How high (T,) the ankle is in a step of `length` (T,) mm: most before halfway, as heels rise first."""
    return (25 + 0.1 * np.minimum(length, 1300)) * progress**2 * (1 - progress) ** 3 / (0.4**2 * 0.6**3)


def _step(t: Array, starts: Array, duration: float, *positions: Array) -> Array:
    """A foot (T, 4) that steps K times between `positions`, the columns of (K + 1, 4)."""
    stops = np.column_stack(positions)
    foot, progress, latest = minimum_jerk(t, starts, np.full(len(starts), duration), stops)
    foot[:, 2] += _lift(progress, np.linalg.norm(np.diff(stops[:, :2], axis=0), axis=-1)[latest])
    return foot


def _loop(rng: np.random.Generator, shape: str) -> tuple[Array, Array, Array, float]:
    """A closed path: travelled length (P,), positions (P, 2), headings (P,), and the turn of a whole lap."""
    q = np.linspace(0, 2 * np.pi, 721)
    fold, broad = (1, rng.uniform(0.75, 0.95)) if shape == "ellipse" else (2, rng.uniform(0.45, 0.55))
    size, sense, tilt = AREA * rng.uniform(0.9, 1.0), rng.choice([-1, 1]), rng.uniform(0, 2 * np.pi)
    positions = size * np.stack([np.cos(q), sense * broad * np.sin(fold * q)], -1)
    heading = np.unwrap(np.arctan2(np.sin(q), sense * broad * fold * np.cos(fold * q)))
    length = np.append(0, np.cumsum(np.linalg.norm(np.diff(positions, axis=0), axis=-1)))
    spin = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    return length, positions @ spin, heading + tilt, heading[-1] - heading[0]


def walk(rng: np.random.Generator, t: Array, body: Body, shape: str, speed: float, vary: float) -> Ground:
    """Walk along an "ellipse" or an "eight" at about `speed` (m/s), which varies by the share `vary`."""
    length, positions, headings, lap = _loop(rng, shape)
    speed = speed * body.leg / 894
    grid = np.arange(-MARGIN, max(t[-1], LEAST) + MARGIN, 0.02)
    swell = np.sin(2 * np.pi * (np.array([0.11, 0.17]) * grid[:, None] + rng.random(2))).mean(-1)
    pace = 1 + vary * swell
    way = 20 * speed * np.cumsum(pace) + rng.uniform(0, length[-1])
    cadence = 0.98 * np.sqrt(speed / 1.2 * 894 / body.leg) * rng.uniform(0.95, 1.05)
    phase = 0.02 * cadence * np.cumsum(np.sqrt(pace)) + rng.random()

    def along(way: Array) -> tuple[Array, Array]:
        laps, rest = np.divmod(way, length[-1])
        position = np.stack([np.interp(rest, length, axis) for axis in positions.T], -1)
        return position, np.interp(rest, length, headings) + laps * lap

    width, splay = body.hip * rng.uniform(0.5, 0.8), rng.uniform(0.05, 0.2)

    def foot(side: int, offset: float) -> Array:
        cycles = np.arange(np.ceil(phase[0] - offset), np.floor(phase[-1] - offset)) + offset
        # the foot stands still from landing until its heel rises; in between the body passes over it
        landing, passing, rising = (np.interp(cycles + u, phase, grid) for u in (0.0, 0.25, 0.4))
        stops = np.interp(passing, grid, way) + rng.normal(0, 15, len(cycles))
        beside = width + rng.normal(0, 12, len(cycles))
        # a swing follows the bend of the path, or it would cut through the other leg
        curve, progress, latest = minimum_jerk(
            t, rising[:-1], landing[1:] - rising[:-1], np.column_stack([stops, beside])
        )
        position, heading = along(curve[:, 0])
        position = position + side * curve[:, 1:] * axes(heading)[1]
        return np.column_stack([position, _lift(progress, np.diff(stops)[latest]), heading - side * splay])

    feet = np.stack([foot(1, 0.0), foot(-1, 0.5)])
    return Ground(*along(np.interp(t, grid, way)), feet, np.interp(t, grid, phase), speed / 1.2)


def stand(rng: np.random.Generator, t: Array, body: Body, pause: tuple[float, float]) -> Ground:
    """Stand, and after a `pause` (shortest, longest; s) turn or move by one step of each foot."""
    n = int((t[-1] - t[0]) / pause[0]) + 2
    pauses = rng.uniform(*pause, n)
    starts = np.cumsum(pauses) - pauses[0] * rng.random() + np.arange(n)
    turns = np.clip(rng.normal(0, 0.8, n), -1.1, 1.1)
    heading = rng.uniform(0, 2 * np.pi) + np.append(0, np.cumsum(turns))
    centre = rng.uniform(-0.4, 0.4, (n + 1, 2)) * AREA
    for k, move in enumerate(np.clip(rng.normal(0, 130, (n, 2)), -250, 250)):
        goal = centre[k] + move
        centre[k + 1] = goal * min(1, 0.6 * AREA / np.linalg.norm(goal))

    def foot(side: int) -> Array:
        beside = side * body.hip * rng.uniform(0.75, 1.25, (n + 1, 1))
        position = centre + beside * axes(heading)[1] + rng.normal(0, 35, (n + 1, 2))
        yaw = heading - side * rng.uniform(0.05, 0.4, n + 1)
        # the foot on the inside of the turn goes first
        return _step(t, starts + np.where(turns * side < 0, 0.0, 0.45), 0.5, position, np.zeros(n + 1), yaw)

    feet = np.stack([foot(1), foot(-1)])
    above, _, _ = minimum_jerk(t, starts + 0.05, np.full(n, 0.9), np.column_stack([centre, heading]))
    return Ground(above[:, :2], above[:, 2], feet)


def sit(rng: np.random.Generator, t: Array, body: Body, crossing: float) -> Ground:
    """Stay in place and now and then move a foot, a share `crossing` of the moves across the other leg."""
    n = int((t[-1] - t[0]) / 1.5) + 2
    heading = np.full(n + 1, rng.uniform(0, 2 * np.pi))
    centre = rng.uniform(-0.5, 0.5, 2) * AREA

    def foot(side: int, crosses: bool) -> Array:
        starts = np.cumsum(rng.uniform(1.5, 5.0, n)) - rng.uniform(0, 3)
        across = crosses & (rng.random(n + 1) < crossing)
        ahead = body.leg * np.where(across, 0.22, rng.uniform(-0.12, 0.3, n + 1))
        beside = side * body.hip * np.where(across, -0.6, rng.uniform(0.6, 1.5, n + 1))
        forwards, rightwards = axes(heading)
        position = centre + ahead[:, None] * forwards + beside[:, None] * rightwards
        yaw = heading - side * rng.uniform(0.0, 0.4, n + 1)
        return _step(t, starts, 0.8, position, np.where(across, 0.17 * body.leg, 0.0), yaw)

    # one foot at most is across
    right_crosses = bool(rng.random() < 0.5)
    feet = np.stack([foot(1, right_crosses), foot(-1, not right_crosses)])
    return Ground(np.tile(centre, (len(t), 1)), np.full(len(t), heading[0]), feet)
