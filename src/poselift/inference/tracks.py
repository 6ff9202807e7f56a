"""People over time: who is who, which frames belong together, and what stands where nothing was found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from poselift.errors import PoseliftError
from poselift.inference.keypoints import UNKNOWN
from poselift.skeleton import BONES, ROOT

SHARED = 0.1
"""The share of its frames that one of two numbers of a person has with the other, as trackers overlap."""

REACH = 0.5
"""How far, on the mean of the joints, a person may be from where they were last seen, in body sizes."""


@dataclass(frozen=True)
class Track:
    """One person in T frames that follow each other."""

    person: int
    first_frame: int
    points: NDArray[np.float64]
    """(T, 17, 3): x, y in px; confidence, 0 where the place is interpolated"""
    found: NDArray[np.bool_]
    """(T,): whether the file has the person in the frame"""


def body_size(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """The longer side of the box around the joints that were found: (..., J, 3) -> (...), px."""
    seen = points[..., 2:] > 0
    high, low = (f(np.where(seen, points[..., :2], e), axis=-2) for f, e in ((np.max, -1e9), (np.min, 1e9)))
    return np.maximum((high - low).max(axis=-1), 0)


def told_apart(
    frame: NDArray[np.int64], numbers: NDArray[np.int64], points: NDArray[np.floating], max_gap: int
) -> NDArray[np.int64]:
    """Numbers (N,) for the people in rows (N, J, 3) ordered by frame: those given, and for the `UNKNOWN`,
    whom trackers leave where they are not sure, those of whom they continue, or who continues them.

    Frame by frame, those found are given to those last seen such that the sum of distances is least. A person
    out of reach, or not seen for more than `max_gap` frames, is another one.
    """
    person = numbers.copy()
    last: dict[int, int] = {}  # the row in which each was last seen
    seen: set[int] = set()
    count = invented = int(numbers.max(initial=UNKNOWN)) + 1
    for here in np.split(np.arange(len(frame)), np.flatnonzero(np.diff(frame)) + 1):
        last = {who: row for who, row in last.items() if frame[here[0]] - frame[row] <= max_gap + 1}
        known = {int(numbers[row]): int(row) for row in here if numbers[row] != UNKNOWN}
        people = [who for who in last if who not in known]
        # who has a number for the first time may be one who had none before
        rows = np.array([row for row in here if int(numbers[row]) not in seen], dtype=np.int64)
        last |= known
        seen |= known.keys()
        if not len(rows):
            continue
        now, before = points[rows][:, None], points[[last[who] for who in people]][None]
        both = (now[..., 2] > 0) & (before[..., 2] > 0)
        apart = np.linalg.norm(now[..., :2] - before[..., :2], axis=-1)
        cost = (apart * both).sum(axis=-1) / np.maximum(both.sum(axis=-1), 1)
        cost /= np.maximum(np.maximum(body_size(now), body_size(before)), 1)
        numbered = (numbers[rows] != UNKNOWN)[:, None] & (np.array(people, dtype=np.int64) < invented)
        cost[~both.any(axis=-1) | numbered] = 2 * REACH
        given = dict(np.stack(linear_sum_assignment(np.minimum(cost, 2 * REACH)), axis=1).tolist())
        for i, row in enumerate(rows.tolist()):
            who = people[given[i]] if i in given and cost[i, given[i]] < REACH else None
            if numbers[row] != UNKNOWN:
                if who is not None:
                    person[person == who] = numbers[row]
                    del last[who]
                continue
            if who is None:
                who, count = count, count + 1
            person[row], last[who] = who, int(row)
    return person


def chosen(
    frame: NDArray[np.int64], person: NDArray[np.int64], points: NDArray[np.floating], wanted: Sequence[str]
) -> NDArray[np.int64]:
    """The people (N,) with those not wanted as `UNKNOWN`. `3` is person 3 of the file, `3+7` are two numbers
    of one person, called 3 from now on. Raises `PoseliftError` for one whom the file does not have, for a
    number that is wanted twice, and for two that are in the same frames."""
    if not wanted:
        return person
    out = np.full_like(person, UNKNOWN)
    seen = (points[..., 2] > 0).any(axis=1)
    for each in wanted:
        numbers = each.split("+")
        for number in numbers:
            rows = person == int(number) if number.isdecimal() else np.zeros(len(person), dtype=bool)
            if not rows.any():
                there = ", ".join(map(str, np.unique(person)[:20]))
                raise PoseliftError(f"--person {each}: there is no person {number}; there are {there}")
            if (out[rows] != UNKNOWN).any():
                raise PoseliftError(f"--person {each}: {number} is there twice; name each number once")
            one, other = (np.unique(frame[at & seen]) for at in (rows, out == int(numbers[0])))
            both = len(np.intersect1d(one, other))
            if both > SHARED * min(len(one), len(other)):
                raise PoseliftError(
                    f"--person {each}: {number} is another person, in {both} of the same frames"
                )
            out[rows] = int(numbers[0])
    return out


def tracks(
    frame: NDArray[np.int64],
    person: NDArray[np.int64],
    points: NDArray[np.float64],
    max_gap: int,
    least: float,
) -> Iterator[Track]:
    """The tracks of all people but `UNKNOWN`, from rows ordered by frame.

    A gap of more than `max_gap` frames ends a track; shorter ones, and joints below the confidence `least`,
    are interpolated. A track without one joint that was found is left out.
    """
    for who in np.unique(person[person != UNKNOWN]):
        rows = np.flatnonzero(person == who)
        # nobody was found in a row without a joint; of two in a frame that are one person the surer is taken
        rows = rows[(points[rows, :, 2] >= max(least, 1e-6)).any(axis=1)]
        rows = rows[np.lexsort((-points[rows, :, 2].mean(axis=1), frame[rows]))]
        rows = rows[np.diff(frame[rows], prepend=-1) > 0]
        if not len(rows):
            continue
        for part in np.split(rows, np.flatnonzero(np.diff(frame[rows]) > max_gap + 1) + 1):
            at = frame[part] - frame[part[0]]
            filled = np.zeros((at[-1] + 1, *points.shape[1:]))
            filled[at] = points[part]
            found = np.isin(np.arange(len(filled)), at)
            yield Track(int(who), int(frame[part[0]]), interpolated(filled, least), found)


def interpolated(points: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Joints (T, 17, 3) with those below the confidence `least` interpolated in time, confidence 0.

    Before the first and after the last frame in which a joint was found it stays. One that never was is where
    its parent is, and the root, if need be, in the middle of the others.
    """
    out = points.copy()
    seen = points[..., 2] >= max(least, 1e-6)
    out[~seen] = 0
    time = np.arange(len(points))
    ever = np.any(seen, axis=0)
    for joint in np.flatnonzero(ever):
        there = seen[:, joint]
        for axis in (0, 1):
            out[:, joint, axis] = np.interp(time, time[there], points[there, joint, axis])
    if not ever[ROOT]:
        out[:, ROOT, :2] = out[:, ever, :2].mean(axis=1)
    for parent, child in BONES:
        if not ever[child]:
            out[:, child, :2] = out[:, parent, :2]
    return out
