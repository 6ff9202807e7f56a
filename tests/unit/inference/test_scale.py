"""Metres from a length that is known."""

import numpy as np
import pytest

from poselift.errors import PoseliftError
from poselift.inference.scale import Scale, parse_bone, stature, to_metres, unfounded

# hip to head 60 px up, the right leg 40 px and the left one, as seen, 50 px down
POSE = np.zeros((17, 3))
POSE[[2, 5], 1], POSE[[3, 6], 1] = (20, 25), (40, 50)
POSE[7, 1], POSE[8, 1], POSE[9, 1], POSE[10, 1] = -20, -40, -50, -60


def test_stature_is_the_sum_of_trunk_and_leg_and_what_is_below_the_ankle():
    assert stature(POSE[None])[0] == pytest.approx(105 / 0.961)
    bent = POSE.copy()
    bent[[3, 6]] = bent[[2, 5]] + [[0, 0, 20], [0, 0, 25]]  # shanks turned back
    assert stature(bent[None])[0] == pytest.approx(105 / 0.961)


def test_a_person_who_nears_the_camera_keeps_their_size():
    poses = POSE * np.linspace(1, 2, 400)[:, None, None]
    metres, per_pixel = to_metres(poses.astype(np.float32), Scale(1.8))
    np.testing.assert_allclose(stature(metres)[30:-30], 1.8, rtol=1e-3)
    np.testing.assert_allclose(per_pixel[200], 1.8 / (105 / 0.961) / poses[200, 3, 1] * 40, rtol=1e-3)


def test_metres_from_a_bone():
    scale = parse_bone("left knee-left foot=0.4")
    pose = POSE.copy()
    pose[6] = pose[5] + [0, 15, 20]  # the shank, of 25 px, is turned back
    metres, _ = to_metres(np.repeat(pose[None], 5, axis=0).astype(np.float32), scale)
    np.testing.assert_allclose(np.linalg.norm(metres[:, 5] - metres[:, 6], axis=-1), 0.4, rtol=1e-5)
    assert str(scale) == "metres, from left knee to left foot of 0.4 m as given; not measured"


def test_joints_that_the_length_rests_on_and_nobody_saw_are_named():
    """In a close-up a body height says nothing of the scale; an arm does."""
    points = np.concatenate([np.repeat(POSE[None, :, :2], 3, axis=0), np.ones((3, 17, 1))], axis=-1)
    points[:, [2, 3, 5, 6, 13], 2] = 0
    points[1, 5, 2] = 0.5  # seen once
    (said,) = unfounded(points, Scale(1.8))
    assert said.startswith("never found: right knee, right foot, left foot; metres")
    assert list(unfounded(points, Scale(0.3, (14, 15)))) == []
    assert list(unfounded(points, Scale(0.3, (12, 13)))) != []


@pytest.mark.parametrize(
    "text", ["", "left knee=0.4", "left knee-tail=0.4", "hip-hip=1", "left knee-left foot=40", "a-b-c=1"]
)
def test_other_words_are_refused(text):
    with pytest.raises(PoseliftError, match="expected JOINT-JOINT=METRES"):
        parse_bone(text)
