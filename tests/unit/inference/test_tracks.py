"""People keep their numbers, gaps are filled, and nothing is made up without a mark."""

import re

import numpy as np
import pytest

from poselift.errors import PoseliftError
from poselift.inference.keypoints import UNKNOWN
from poselift.inference.tracks import body_size, chosen, interpolated, told_apart, tracks

ROWS = np.arange(30)
PLACES = np.stack([np.linspace(0, 100, 17), np.linspace(0, 200, 17), np.full(17, 0.9)], axis=-1)


def moving(start: float, speed: float, n: int = 30) -> np.ndarray:
    """A person of 200 px who moves along x, (T, 17, 3)."""
    points = np.repeat(PLACES[None], n, axis=0)
    points[..., 0] += start + speed * np.arange(n)[:, None]
    return points


def test_body_size_is_the_longer_side_of_what_was_found():
    points = PLACES.copy()
    points[-1] = 0  # not found: the last but one is at 15 / 16
    assert body_size(points) == pytest.approx(200 * 15 / 16)
    assert body_size(np.zeros((2, 17, 3))).tolist() == [0, 0]


def test_two_people_who_pass_each_other_with_rows_in_any_order():
    """One stands, one walks past at 60 px beside: in some frames the rows are exchanged."""
    one, other = moving(0, 0), moving(-300, 20)
    other[..., 1] += 150
    rng = np.random.default_rng(0)
    order = [rng.permutation(2) for _ in ROWS]
    points = np.concatenate([np.stack([one[t], other[t]])[order[t]] for t in ROWS])
    person = told_apart(np.repeat(ROWS, 2), np.full(60, UNKNOWN), points, max_gap=5)
    truth = np.concatenate(order)
    assert len(np.unique(person)) == 2
    assert len({(a, b) for a, b in zip(person, truth, strict=True)}) == 2


def test_a_person_comes_back_or_is_another_one():
    frame = np.array([0, 1, 2, 7, 8, 30, 31])
    # frames 3 to 6 are without a person
    for max_gap, expected in ((4, [0, 0, 0, 0, 0, 1, 1]), (3, [0, 0, 0, 1, 1, 2, 2])):
        assert told_apart(frame, np.full(7, UNKNOWN), moving(0, 1, 7), max_gap).tolist() == expected
    far = np.concatenate([moving(0, 1, 3), moving(500, 1, 4)])
    assert told_apart(np.arange(7), np.full(7, UNKNOWN), far, max_gap=5).tolist() == [0, 0, 0, 1, 1, 1, 1]
    # out of reach is more than half a body's size
    size = body_size(moving(0, 1, 1))[0]
    for share, people in ((0.4, [0, 0]), (0.6, [0, 1])):
        jump = np.concatenate([moving(0, 1, 1), moving(share * size, 1, 1)])
        assert told_apart(np.arange(2), np.full(2, UNKNOWN), jump, max_gap=5).tolist() == people


def test_who_is_half_hidden_is_the_one_whose_seen_joints_are_near():
    """60 px are 0.3 of the whole body and 0.6 of what is left of it to be seen."""
    points = np.concatenate([moving(500, 0, 1), moving(560, 0, 1)])
    points[1, 9:] = 0
    for order in ([0, 1], [1, 0]):
        assert told_apart(np.arange(2), np.full(2, UNKNOWN), points[order], max_gap=5).tolist() == [0, 0]


def test_whom_a_tracker_leaves_without_a_number_has_that_of_whom_they_continue():
    """Two people, 7 and 4; in frames 3 to 5 nobody has a number; a third, who has none, comes and stays."""
    places = [moving(start, 1, 9) for start in (0, 400, 900)]
    points = np.stack(places, axis=1).reshape(27, 17, 3)
    given = np.tile([7, 4, UNKNOWN], (9, 1))
    given[3:6] = UNKNOWN
    person = told_apart(np.repeat(np.arange(9), 3), given.reshape(-1), points, max_gap=5)
    assert person.reshape(9, 3).tolist() == [[7, 4, 8]] * 9


def test_who_is_numbered_later_has_had_that_number_from_the_start():
    """Trackers give a number after some frames; a third person is numbered where nobody was before."""
    places = [moving(start, 1, 6) for start in (0, 400)]
    points = np.concatenate([np.stack(places, axis=1).reshape(12, 17, 3), moving(900, 1, 1)])
    given = np.array([UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 5, 3, 5, UNKNOWN, UNKNOWN, 3, 5, 3, 9])
    person = told_apart(np.append(np.repeat(np.arange(6), 2), 5), given, points, max_gap=5)
    assert person.tolist() == [5, 3] * 6 + [9]


def test_of_two_rows_that_are_one_person_the_surer_is_taken():
    """Joined numbers that are in a frame both: in frame 1 the second is the surer, in frame 2 the first."""
    points = np.repeat(PLACES[None], 4, axis=0)
    points[:, :, 0] += np.arange(4)[:, None]
    points[:, :, 2] = np.array([0.9, 0.5, 0.8, 0.4])[:, None]
    points[[1, 3], 5, 2] = 1  # of one joint the others are the surest
    order = [1, 2, 0, 3]  # frame 1: 0.5, 0.8; frame 2: 0.9, 0.4
    (track,) = tracks(np.array([1, 1, 2, 2]), np.full(4, 3), points[order], 5, 0.1)
    np.testing.assert_allclose(track.points[:, 0], [[2, 0, 0.8], [0, 0, 0.9]])


def test_a_row_without_a_joint_is_a_frame_without_the_person():
    """Of an array, which has a row for each frame: a short gap is marked, a long one ends the track."""
    points = moving(0, 4, 20)
    points[2:4] = 0
    points[6:12, :, 2] = 0.05
    first, second = tracks(np.arange(20), np.zeros(20, int), points, max_gap=3, least=0.1)
    assert first.found.tolist() == [True, True, False, False, True, True]
    assert (second.first_frame, second.found.tolist()) == (12, [True] * 8)


def test_people_are_chosen_and_joined():
    rows = np.arange(4), np.array([3, 7, 9, 3]), moving(0, 1, 4)
    assert chosen(*rows, []).tolist() == [3, 7, 9, 3]
    assert chosen(*rows, ["3+7"]).tolist() == [3, 3, UNKNOWN, 3]
    assert chosen(*rows, ["7+3", "9"]).tolist() == [7, 7, 9, 7]
    with pytest.raises(PoseliftError, match=r"--person 4: there is no person 4; there are 3, 7, 9"):
        chosen(*rows, ["4"])
    with pytest.raises(PoseliftError, match="no person x"):
        chosen(*rows, ["3+x"])
    for twice in (["9", "3+9"], ["9+9"], ["9", "9"]):
        with pytest.raises(PoseliftError, match=f"^--person {re.escape(twice[-1])}: 9 is there twice"):
            chosen(*rows, twice)


@pytest.mark.parametrize(("shared", "refused"), [(2, False), (3, True)])
def test_two_numbers_that_are_in_the_same_frames_are_two_people(shared, refused):
    """Of the shorter one's 20 frames a tenth is 2; a row without a joint is not the person."""
    frame, person = np.append(np.arange(30), np.arange(30 - shared, 50 - shared)), np.repeat([1, 2], [30, 20])
    points = moving(0, 1, 50)
    if refused:
        with pytest.raises(
            PoseliftError, match=r"--person 1\+2: 2 is another person, in 3 of the same frames"
        ):
            chosen(frame, person, points, ["1+2"])
        points[29] = 0
    assert (chosen(frame, person, points, ["1+2"]) == 1).all()


def test_gaps_are_interpolated_and_marked_and_long_ones_end_a_track():
    points = moving(0, 4, 13)
    points[4, :, 2] = 0.1  # as sure as is asked for
    frame = np.array([5, 6, 9, 40, 41])
    found = list(tracks(frame, np.zeros(5, int), points[[0, 1, 4, 5, 6]], max_gap=2, least=0.1))
    assert [(track.first_frame, len(track.points)) for track in found] == [(5, 5), (40, 2)]
    assert found[0].found.tolist() == [True, True, False, False, True]
    np.testing.assert_allclose(found[0].points[..., :2], points[:5, :, :2])
    np.testing.assert_array_equal(found[0].points[2:4, :, 2], 0)
    np.testing.assert_array_equal(found[0].points[[0, 1, 4], :, 2], points[[0, 1, 4], :, 2])


def test_a_joint_of_low_confidence_is_not_trusted():
    points = moving(0, 4, 9)
    points[3, 5] = (9000, 9000, 0.05)
    points[3, 7, 2] = 0.1  # as sure as is asked for
    points[:2, 6], points[8, 6] = 0, 0
    out = interpolated(points, least=0.1)
    np.testing.assert_allclose(out[3, 5], [*moving(0, 4, 9)[3, 5, :2], 0])
    np.testing.assert_array_equal(out[3, 7], points[3, 7])
    np.testing.assert_allclose(out[:2, 6, :2], points[[2, 2], 6, :2])  # before the first: as in the first
    np.testing.assert_allclose(out[8, 6, :2], points[7, 6, :2])


def test_a_joint_that_was_never_found_is_where_its_parent_is():
    points = moving(0, 4, 9)
    points[:, [2, 3, 0]] = 0
    out = interpolated(points, least=0.1)
    np.testing.assert_allclose(out[:, 3, :2], points[:, 1, :2])
    np.testing.assert_array_equal(out[:, [0, 2, 3], 2], 0)
    others = [j for j in range(17) if j not in (0, 2, 3)]
    np.testing.assert_allclose(out[:, 0, :2], points[:, others, :2].mean(axis=1))


def test_nothing_found_is_no_track():
    assert not list(tracks(ROWS, np.zeros(30, int), np.zeros((30, 17, 3)), 5, 0.1))
