"""Synthetic motion: the schema, and that the motion is human, planted, in view, varied and not trivial."""

import itertools
import pickle
import re
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from poselift.datasets import mpi_inf_3dhp
from poselift.datasets.human36m import Synthetic
from poselift.errors import PoseliftError
from poselift.skeleton import BONES, LEFT, MIRROR, RIGHT
from poselift.synthetic.__main__ import main
from poselift.synthetic.actions import ACTIONS, Action, Key
from poselift.synthetic.body import Body, rotation, two_bones
from poselift.synthetic.cameras import CAMERAS
from poselift.synthetic.curves import Array, minimum_jerk, noise, smooth_below
from poselift.synthetic.dataset import SUBJECTS, generate, world_joints
from poselift.synthetic.detector import _drift, detect
from poselift.synthetic.footsteps import stand, walk
from poselift.synthetic.motion import HEIGHT, Style, _channels, draw_style, gestures, play
from poselift.synthetic.mpi_inf_3dhp import generate_test, generate_train

TINY = Synthetic(train_frames=12, test_frames=10, n_actions=2, n_cameras=2)
WALKS = {"Phoning", "Walking", "WalkingDog", "WalkTogether"}
Takes = dict[tuple[int, int, int], Array]


@pytest.fixture(scope="module")
def world() -> Takes:
    """Joints (T, J, 3) in the world by (subject, action, sub-action)."""
    return {
        (subject, action, sub): world_joints(0, subject, action, sub, 260)
        for subject in (*SUBJECTS["train"], *SUBJECTS["test"])
        for action in range(2, 17)
        for sub in (1, 2)
    }


@pytest.fixture(scope="module")
def dataset() -> dict[str, dict[str, Any]]:
    """All actions and cameras, with short sequences."""
    return generate(Synthetic(train_frames=60, test_frames=100))


def runs(split: dict[str, Any]) -> list[tuple[str, int]]:
    return [(name, len(list(group))) for name, group in groupby(split["source"])]


def test_schema(dataset: dict[str, dict[str, Any]]) -> None:
    assert list(dataset) == ["train", "test"]
    for name, takes in (("train", 5 * 15 * 2 * 4 * 60), ("test", 2 * 15 * 2 * 4 * 100)):
        split = dataset[name]
        per_frame: dict[str, tuple[int, ...]] = {
            "joint_2d": (17, 2),
            "confidence": (17, 1),
            "joint3d_image": (17, 3),
        }
        if name == "test":
            per_frame |= {"joints_2.5d_image": (17, 3), "2.5d_factor": ()}
        for key, shape in per_frame.items():
            assert split[key].shape == (takes, *shape), key
            assert split[key].dtype == np.float32, key
            assert np.isfinite(split[key]).all(), key
        texts = {"camera_name", "source"} | ({"action"} if name == "test" else set())
        assert set(split) == set(per_frame) | texts
        for key in texts:
            assert len(split[key]) == takes
            assert isinstance(split[key][0], str)


def test_names_say_subject_action_camera(dataset: dict[str, dict[str, Any]]) -> None:
    patterns = {
        "train": r"s_(\d\d)_act_(\d\d)_cam_(\d\d)",
        "test": r"s_(\d\d)_act_(\d\d)_subact_(\d\d)_ca_(\d\d)",
    }
    for name, pattern in patterns.items():
        split = dataset[name]
        subjects, actions = set(), {}
        for frame in range(0, len(split["source"]), 20):
            match = re.fullmatch(pattern, split["source"][frame])
            assert match, split["source"][frame]
            assert split["camera_name"][frame] == CAMERAS[int(match[match.re.groups]) - 1].name
            subjects.add(int(match[1]))
            actions[int(match[2])] = split["action"][frame] if name == "test" else None
        assert subjects == set(SUBJECTS[name])
        assert sorted(actions) == list(range(2, 17))
    assert [actions[k] for k in sorted(actions)] == [action.name for action in ACTIONS]


@pytest.mark.parametrize(("n_actions", "n_cameras"), [(1, 1), (2, 1), (1, 3), (2, 2)])
def test_a_train_name_has_two_separate_runs(n_actions: int, n_cameras: int) -> None:
    settings = Synthetic(train_frames=5, test_frames=4, n_actions=n_actions, n_cameras=n_cameras)
    dataset = generate(settings)
    train, test = runs(dataset["train"]), runs(dataset["test"])
    names = [name for name, _ in train]
    assert {length for _, length in train} == {5}
    assert len(names) == 2 * len(set(names)) == 2 * 5 * n_actions * n_cameras
    assert {length for _, length in test} == {4}
    assert len(test) == len({name for name, _ in test}) == 2 * 2 * n_actions * n_cameras


@pytest.mark.parametrize("frames", [2, 12, 26, 60])
def test_the_shortest_walks_have_steps_to_plan(frames: int) -> None:
    for seed, subject, (number, action) in itertools.product(
        range(3), (1, 5, 6, 7, 8, 9, 11), enumerate(ACTIONS, 2)
    ):
        if action.name in WALKS:
            joints = world_joints(seed, subject, number, 1, frames)
            assert joints.shape == (frames, 17, 3)
            assert np.isfinite(joints).all()
            assert joints[:, :, 2].min() >= 0


def test_the_default_test_runs_have_260_frames() -> None:
    assert Synthetic().test_frames == 260


def test_bones_are_constant_symmetric_and_differ_between_bodies(world: Takes) -> None:
    parents, children = np.array(BONES).T
    bodies: dict[int, list[Array]] = {}
    for (subject, _, _), joints in world.items():
        lengths = np.linalg.norm(joints[:, parents] - joints[:, children], axis=-1)
        bodies.setdefault(subject, []).append(lengths)
    means = {}
    for subject, lengths in bodies.items():
        together = np.concatenate(lengths)
        assert np.ptp(together, axis=0).max() < 1e-6
        means[subject] = dict(zip(BONES, together[0], strict=True))
        for (a, b), length in means[subject].items():
            assert length == pytest.approx(means[subject][MIRROR[a], MIRROR[b]])
    assert len(means) == 7
    thighs = sorted(bones[1, 2] for bones in means.values())
    assert 380 < thighs[0] < thighs[-1] < 520
    assert min(np.diff(thighs)) > 0.1
    stature = sorted(sum(bones[bone] for bone in BONES[:3] + BONES[6:10]) for bones in means.values())
    assert 1.05 < stature[-1] / stature[0] < 1.35


def test_speeds_are_human(world: Takes) -> None:
    for subjects in SUBJECTS.values():
        metres = np.concatenate(
            [
                np.linalg.norm(np.diff(w, axis=0), axis=-1) / 1000
                for (s, _, _), w in world.items()
                if s in subjects
            ]
        )
        speed = metres * 50
        for joint in (3, 6, 13, 16):
            assert 2 < np.percentile(speed[:, joint], 99) < 5
        assert speed.max() < 12


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_joint_is_below_the_floor(seed: int) -> None:
    for action in range(2, 17):
        for subject in (1, 9):
            assert world_joints(seed, subject, action, 1, 260)[:, :, 2].min() >= 0


def test_feet_do_not_slide(world: Takes) -> None:
    for (subject, action, sub), joints in world.items():
        rests = []
        for foot in (3, 6):
            step = np.linalg.norm(np.diff(joints[:, foot], axis=0), axis=-1)
            height = joints[:, foot, 2] - joints[:, foot, 2].min()
            low = np.maximum(height[1:], height[:-1]) < 1
            assert step[low].max() < 6, (subject, action, sub, foot)
            rests.append(step < 1e-6)
        right, left = rests
        if ACTIONS[action - 2].name in WALKS:
            # in a stride each ankle stands still for about 40 %, and they take turns
            assert 0.25 < right.mean() < 0.6
            assert 0.25 < left.mean() < 0.6
            assert (right & left).mean() < 0.15
        elif ACTIONS[action - 2].ground == "stand":
            assert (right | left).mean() > 0.95
            assert (right & left).mean() > 0.4


def test_knees_bend_forwards(world: Takes) -> None:
    for joints in world.values():
        across = joints[:, 1] - joints[:, 4]
        ahead = np.cross([0, 0, 1], across)
        up = np.array([0, 0, 1.0])
        for hip in (1, 4):
            bend = joints[:, hip + 1] - (joints[:, hip] + joints[:, hip + 2]) / 2
            assert (bend @ up + (bend * ahead).sum(-1) / np.linalg.norm(ahead, axis=-1) > 0).mean() > 0.99


def test_heads_are_on_top(world: Takes) -> None:
    for joints in world.values():
        assert (joints[:, 10, 2] - joints[:, 0, 2] > 150).all()


def test_the_person_is_inside_the_image(dataset: dict[str, dict[str, Any]]) -> None:
    for split in dataset.values():
        for camera in CAMERAS:
            seen = split["camera_name"] == camera.name
            for xy in (split["joint3d_image"][seen, :, :2], split["joint_2d"][seen]):
                assert xy.min() >= 0
                assert (xy <= [camera.width - 1, camera.height - 1]).all()


def test_cameras_are_of_human36m_kind(dataset: dict[str, dict[str, Any]]) -> None:
    sizes = [(camera.name, camera.width, camera.height) for camera in CAMERAS]
    assert sizes == [
        ("54138969", 1000, 1002),
        ("55011271", 1000, 1000),
        ("58860488", 1000, 1000),
        ("60457274", 1000, 1002),
    ]
    factor = dataset["test"]["2.5d_factor"]
    assert factor.min() > 2.7
    assert factor.max() < 5.0


def test_the_25d_pose_is_a_perspective_view_of_a_rigid_skeleton(dataset: dict[str, dict[str, Any]]) -> None:
    """Undoing the projection by hand gives back bones of one length, frame by frame."""
    test = dataset["test"]
    image, factor = test["joint3d_image"].astype(float), test["2.5d_factor"].astype(float)
    np.testing.assert_array_equal(image[:, 0, 2], 0)
    np.testing.assert_allclose(test["joints_2.5d_image"], image * factor[:, None, None], rtol=1e-5, atol=1e-3)
    parents, children = np.array(BONES).T
    for number, camera in enumerate(CAMERAS, 1):
        frames = [
            k
            for k, name in enumerate(test["source"])
            if name.startswith("s_09") and name.endswith(f"{number:02d}")
        ]
        depth = factor[frames, None] * (camera.focal + image[frames, :, 2])
        x = (image[frames, :, 0] - camera.principal[0]) * depth / camera.focal
        y = (image[frames, :, 1] - camera.principal[1]) * depth / camera.focal
        joints = np.stack([x, y, depth], -1)
        lengths = np.linalg.norm(joints[:, parents] - joints[:, children], axis=-1)
        assert np.ptp(lengths, axis=0).max() < 0.1
        # heads are over the hips, and y points down
        assert np.median(y[:, 10] - y[:, 0]) < -400


def test_cameras_see_one_motion_at_once(dataset: dict[str, dict[str, Any]]) -> None:
    """The height of a joint over the root hardly depends on the camera; the side it is on does."""
    test = dataset["test"]
    by_camera = test["joints_2.5d_image"].reshape(-1, 4, 100, 17, 3)
    relative = by_camera - by_camera[..., :1, :]
    y = relative[..., 1].swapaxes(0, 1).reshape(4, -1)
    x = relative[..., 1:, 0].swapaxes(0, 1).reshape(4, -1)
    assert np.corrcoef(y).min() > 0.95
    assert np.corrcoef(x).min() < 0


def root_relative(pose: Array) -> Array:
    return pose - pose[:, :1]


def mpjpe(pixels: Array, test: dict[str, Any]) -> float:
    """Protocol 1 of a root-relative prediction (N, 17, 3) in px, mm."""
    error = pixels * test["2.5d_factor"][:, None, None] - root_relative(test["joints_2.5d_image"])
    return float(np.linalg.norm(error, axis=-1).mean())


def test_it_is_not_trivial(dataset: dict[str, dict[str, Any]]) -> None:
    test = dataset["test"]
    mean = root_relative(dataset["train"]["joint3d_image"]).mean(0, keepdims=True)
    assert mpjpe(mean, test) > 180
    flat = np.concatenate([test["joint_2d"], np.zeros_like(test["confidence"])], -1)
    assert mpjpe(root_relative(flat), test) > 100


def test_confidence_falls_with_the_error(dataset: dict[str, dict[str, Any]]) -> None:
    for split in dataset.values():
        error = np.linalg.norm(split["joint_2d"] - split["joint3d_image"][:, :, :2], axis=-1)
        sure = split["confidence"][:, :, 0]
        assert 3 < error.mean() < 10
        assert sure.min() > 0
        assert sure.max() <= 1
        assert spearmanr(error.ravel()[::7], sure.ravel()[::7]).statistic < -0.6
        assert sure[error < 3].mean() > 0.85
        assert 0.1 < sure[error > 60].mean() < 0.4
        # noisy itself: the error cannot be read off it
        assert sure[(error > 4) & (error < 5)].std() > 0.02


def test_errors_of_detection_last(dataset: dict[str, dict[str, Any]]) -> None:
    train = dataset["train"]
    error = np.clip(train["joint_2d"] - train["joint3d_image"][:, :, :2], -15, 15).reshape(-1, 60, 17, 2)
    variance = (error**2).mean()
    assert 0.55 < (error[:, 1:] * error[:, :-1]).mean() / variance < 0.95
    assert abs((error[:, 40:] * error[:, :-40]).mean()) / variance < 0.1
    # harder joints
    spread = np.linalg.norm(error, axis=-1).mean((0, 1))
    assert spread[[13, 16]].min() > 1.5 * spread[[0, 8, 10]].max()


def test_left_and_right_are_swapped_now_and_then(dataset: dict[str, dict[str, Any]]) -> None:
    train = dataset["train"]
    found, true = train["joint_2d"], train["joint3d_image"][:, :, :2]
    share = {}
    for part in (slice(0, 3), slice(3, 6)):
        right, left = list(RIGHT[part]), list(LEFT[part])
        as_is = np.linalg.norm(found[:, right + left] - true[:, right + left], axis=-1).mean(-1)
        swapped = np.linalg.norm(found[:, left + right] - true[:, right + left], axis=-1).mean(-1)
        share[part.start] = ((swapped < 15) & (as_is > 30)).mean()
    assert min(share.values()) > 0.0003
    assert max(share.values()) < 0.05


def features(joints: Array) -> Array:
    """Where hands and trunk are in the body's own axes, and how fast it moves."""
    scale = joints[:, 8:9] - joints[:, :1]
    relative = (joints - joints[:, :1]) / np.linalg.norm(scale, axis=-1, keepdims=True)
    yaw = np.arctan2(relative[:, 1, 1] - relative[:, 4, 1], relative[:, 1, 0] - relative[:, 4, 0])
    x = relative[:, :, 0] * np.cos(yaw)[:, None] + relative[:, :, 1] * np.sin(yaw)[:, None]
    y = relative[:, :, 1] * np.cos(yaw)[:, None] - relative[:, :, 0] * np.sin(yaw)[:, None]
    own = np.stack([np.abs(x), y, relative[:, :, 2]], -1)[:, [2, 3, 5, 6, 8, 10, 12, 13, 15, 16]].reshape(
        len(x), -1
    )
    # which hand leads does not matter
    speed = np.linalg.norm(np.diff(joints, axis=0), axis=-1)[:, [0, 10, 13, 16, 3]].mean(0) / 10
    height = joints[:, 0, 2].mean() / 300
    hands = np.sort(joints[:, [13, 16], 2] - joints[:, 8:9, 2], axis=-1).mean(0) / 100
    return np.concatenate([own.mean(0) * 3, own.std(0) * 3, speed, [height], hands])


def test_actions_are_recognisable_across_people(world: Takes) -> None:
    """Nearest centroid of the train subjects' actions, tried on the test subjects: chance is 1 in 15."""
    table = {key: features(joints) for key, joints in world.items()}
    centroids = np.stack(
        [
            np.mean([f for (s, a, _), f in table.items() if a == action and s in SUBJECTS["train"]], axis=0)
            for action in range(2, 17)
        ]
    )
    tried = [
        (a, 2 + int(np.linalg.norm(centroids - f, axis=-1).argmin()))
        for (s, a, _), f in table.items()
        if s in SUBJECTS["test"]
    ]
    assert np.mean([a == b for a, b in tried]) > 0.6


def test_people_face_all_ways_and_never_repeat_themselves(world: Takes) -> None:
    yaws = []
    for joints in world.values():
        across = joints[:, 1, :2] - joints[:, 4, :2]
        yaws.append(np.arctan2(across[:, 1], across[:, 0]))
    counts, _ = np.histogram(np.concatenate(yaws), bins=8, range=(-np.pi, np.pi))
    assert counts.min() > 0.4 * counts.mean()
    for subject in (1, 9):
        for action in range(2, 17):
            first, second = (world[subject, action, sub] for sub in (1, 2))
            apart = np.linalg.norm(first - first[:, :1] - (second - second[:, :1]), axis=-1).mean()
            assert apart > 50


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_an_action_visits_all_its_key_poses(action: Action) -> None:
    """Hands and hips come to within a habit's width of each key pose, on either side if it is mirrored."""
    rng = np.random.default_rng(0)
    style = replace(draw_style(rng), left_handed=False, habit=np.zeros((2, 3)), reach=1.0)
    curve = gestures(rng, np.arange(0, 400, 0.02), action, style)
    seen = curve[:, [*range(6), HEIGHT]]
    for key in action.keys:
        for right, left in [(key.right, key.left), (key.left, key.right)][: 1 + action.mirrored]:
            apart = np.abs(seen - [*right[:3], *left[:3], key.stance[0]]).max(-1)
            assert apart.min() < 0.15, key


def test_a_person_has_a_hand_that_leads_in_all_takes(world: Takes) -> None:
    """In calls it holds the telephone to the ear, in a smoke the cigarette to the mouth."""
    number = {action.name: k for k, action in enumerate(ACTIONS, 2)}["Phoning"]
    lefties = []
    for subject in (*SUBJECTS["train"], *SUBJECTS["test"]):
        takes = [world[subject, number, sub] for sub in (1, 2)]
        is_left = [bool(np.median(joints[:, 13, 2] - joints[:, 16, 2]) > 0) for joints in takes]
        assert is_left[0] == is_left[1]
        lefties.append(is_left[0])
    assert 0 < sum(lefties) < len(lefties) / 2


def test_in_a_walk_arms_and_chest_swing_against_legs_and_hips(world: Takes) -> None:
    number = {action.name: k for k, action in enumerate(ACTIONS, 2)}["Walking"]
    for subject in (*SUBJECTS["train"], *SUBJECTS["test"]):
        joints = world[subject, number, 1]
        across = joints[:, 14, :2] + joints[:, 1, :2] - joints[:, 11, :2] - joints[:, 4, :2]
        ahead = np.stack([-across[:, 1], across[:, 0]], -1) / np.linalg.norm(across, axis=-1, keepdims=True)
        forwards = ((joints[..., :2] - joints[:, :1, :2]) * ahead[:, None]).sum(-1)
        legs, hips, shoulders, arms = (
            forwards[:, a] - forwards[:, b] for a, b in ((3, 6), (1, 4), (14, 11), (16, 13))
        )
        assert np.corrcoef(legs, arms)[0, 1] < -0.5
        assert np.corrcoef(legs, hips)[0, 1] > 0.5
        assert np.corrcoef(legs, shoulders)[0, 1] < -0.5


def test_the_foot_on_the_inside_of_a_turn_goes_first() -> None:
    t = np.arange(0, 120, 0.02)
    ground = stand(np.random.default_rng(0), t, Body(), (2.0, 5.0))
    moving = np.linalg.norm(np.diff(ground.feet[..., :2], axis=1), axis=-1) > 1e-9
    right, left = (np.flatnonzero(each[1:] & ~each[:-1]) for each in moving)
    for r, l in zip(right, left, strict=False):  # noqa: E741
        turn = ground.heading[min(max(r, l) + 50, len(t) - 1)] - ground.heading[min(r, l)]
        assert (l < r) == (turn > 0)  # to the left
    assert len(right) > 20


def test_the_end_of_a_limb_drifts_away_further_than_its_middle() -> None:
    found = np.zeros((5000, 17, 2))
    _drift(np.random.default_rng(0), found)
    middles, ends = [2, 5, 12, 15], [3, 6, 13, 16]
    np.testing.assert_allclose(found[:, middles], 0.45 * found[:, ends])
    assert (np.abs(found[:, ends]).max(axis=(0, 2)) > 10).all()
    assert not np.delete(found, middles + ends, axis=1).any()


def test_people_have_a_pace_a_reach_and_habits_of_their_own() -> None:
    walking = next(action for action in ACTIONS if action.name == "Walking")
    usual = replace(draw_style(np.random.default_rng(0)), tempo=1.0, reach=1.0, habit=np.zeros((2, 3)))

    def way(tempo: float) -> float:
        style = replace(usual, tempo=tempo)
        joints = play(np.random.default_rng(0), Body(), style, walking, 500)
        return float(np.linalg.norm(np.diff(joints[:, 0, :2], axis=0), axis=-1).sum())

    assert way(0.85) / way(1.2) == pytest.approx(1.2 / 0.85, rel=0.1)  # a larger tempo is slower

    def hands(style: Style) -> Array:
        return gestures(np.random.default_rng(0), np.arange(0, 4, 0.02), walking, style)[0, :6]

    np.testing.assert_allclose(hands(replace(usual, reach=0.9)), 0.9 * hands(usual))
    habit = np.arange(6).reshape(2, 3) / 100
    np.testing.assert_allclose(hands(replace(usual, habit=habit)) - hands(usual), habit.ravel())


def test_a_walk_has_the_speed_asked_for_and_varies_as_asked_for() -> None:
    t = np.arange(0, 120, 0.02)
    for speed, vary in ((1.2, 0.0), (0.8, 0.4)):
        ground = walk(np.random.default_rng(0), t, Body(), "ellipse", speed, vary)
        pace = np.linalg.norm(np.diff(ground.centre, axis=0), axis=-1) * 50 / 1000  # m/s
        assert pace.mean() == pytest.approx(speed, rel=0.05)
        # the mean of two sines has a standard deviation of a half
        assert pace.std() / pace.mean() == pytest.approx(vary / 2, abs=0.02)


def test_key_poses_are_held_as_long_as_the_action_says() -> None:
    action = replace(ACTIONS[0], hold=(2.0, 2.5))
    curve = gestures(
        np.random.default_rng(0), np.arange(0, 200, 0.02), action, draw_style(np.random.default_rng(0))
    )
    still = np.abs(np.diff(curve[:, :6], axis=0)).max(axis=1) == 0
    rests = [len(list(group)) * 0.02 for is_still, group in groupby(still) if is_still]
    assert len(rests) > 30
    # a tenth of a move is rest as well
    assert 1.9 < min(rests[1:-1]) < max(rests[1:-1]) < 3


def test_the_mirror_image_of_a_key_pose() -> None:
    key = Key((1, 2, 3, 4), (5, 6, 7, 8), lean=10, aside=20, twist=30, down=40, look=50, stance=(0.9, 0.1))
    angles = np.radians([[30, 10, 20, 50, 40], [-30, 10, -20, -50, 40]])
    expected = [1, 2, 3, 5, 6, 7, 4, 8, *angles[0], 0.9, 0.1], [5, 6, 7, 1, 2, 3, 8, 4, *angles[1], 0.9, 0.1]
    for mirrored in (False, True):
        np.testing.assert_allclose(_channels(key, mirrored), expected[mirrored])


def test_errors_of_detection_are_larger_of_who_is_near_and_of_what_is_behind() -> None:
    def errors(depth: float, factor: float) -> Array:
        pose = np.full((400, 17, 3), [500.0, 500.0, depth])
        found, _ = detect(np.random.default_rng(0), CAMERAS[0], pose, np.full(400, factor))
        return np.median(np.linalg.norm(found - pose[..., :2], axis=-1), axis=0)

    usual = errors(0, 4.5)
    np.testing.assert_allclose(errors(0, 2.25) / usual, 2, rtol=0.1)  # px of half the size
    np.testing.assert_allclose(errors(50, 4.5) / usual, 1.3, rtol=0.1)
    np.testing.assert_allclose(errors(-50, 4.5) / usual, 1)


def test_detections_stay_in_the_image() -> None:
    camera = CAMERAS[0]
    for edge in (0.0, 999.0):
        pose = np.full((200, 17, 3), edge)
        found, _ = detect(np.random.default_rng(0), camera, pose, np.full(200, 4.0))
        assert found.min() >= 0
        assert (found <= [camera.width - 1, camera.height - 1]).all()


def test_equal_settings_give_equal_files(tmp_path: Path) -> None:
    options = ["--train-frames", "6", "--test-frames", "5", "--n-actions", "1", "--seed", "3"]
    for name in ("a.pkl", "b.pkl"):
        main(["--out", str(tmp_path / name), *options])
    assert (tmp_path / "a.pkl").read_bytes() == (tmp_path / "b.pkl").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pkl", "b.pkl"]
    expected = generate(Synthetic(seed=3, train_frames=6, test_frames=5, n_actions=1))
    written = pickle.loads((tmp_path / "a.pkl").read_bytes())
    np.testing.assert_array_equal(written["train"]["joint_2d"], expected["train"]["joint_2d"])
    assert written["test"]["source"] == expected["test"]["source"]


def test_a_seed_of_ones_own() -> None:
    first, second = (generate(TINY.model_copy(update={"seed": seed})) for seed in (0, 1))
    assert np.abs(first["train"]["joint3d_image"] - second["train"]["joint3d_image"]).mean() > 10
    # the detector errs otherwise, too
    errors = [each["train"]["joint_2d"] - each["train"]["joint3d_image"][..., :2] for each in (first, second)]
    assert abs(np.corrcoef(*map(np.ravel, errors))[0, 1]) < 0.2
    # and from take to take, person to person, action to action, camera to camera
    of_each = errors[0].reshape(2, 5, 2, 2, -1)
    for axis in range(4):
        one, other = np.take(of_each, 0, axis), np.take(of_each, 1, axis)
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.2, axis
    # people have other proportions: thigh over shank
    people = np.stack([world_joints(seed, subject=5, action=2, sub_action=1, frames=2)[0] for seed in (0, 1)])
    thigh, shank = np.linalg.norm(np.diff(people[:, 1:4], axis=1), axis=-1).T
    assert np.ptp(thigh / shank) > 1e-3
    # and others are tall
    parents, children = np.array(BONES).T
    sizes = [
        [
            np.linalg.norm(joints[:, parents] - joints[:, children], axis=-1).sum()
            for subject in (*SUBJECTS["train"], *SUBJECTS["test"])
            if len(joints := world_joints(seed, subject, action=2, sub_action=1, frames=2))
        ]
        for seed in (0, 1)
    ]
    assert np.corrcoef(sizes)[0, 1] < 0.8


def test_a_seed_of_ones_own_for_the_second_data_set() -> None:
    def poses(seed: int) -> tuple[Array, Array]:
        settings = mpi_inf_3dhp.Synthetic(seed=seed, train_frames=4, test_frames=4)
        views = generate_train(settings)["S1 Seq1"][0]
        return views[min(views)]["data_3d"], generate_test(settings)["TS1"]["data_3d"]

    for first, second in zip(poses(0), poses(1), strict=True):
        assert np.abs(first - second).mean() > 10
        assert np.abs(first[:, 14] - second[:, 14]).mean() > 100  # the pelvis is elsewhere

    def valid(seed: int) -> list[Array]:
        test = generate_test(mpi_inf_3dhp.Synthetic(seed=seed, train_frames=4, test_frames=60))
        return [each["valid"] for each in test.values()]

    assert not np.array_equal(valid(0), valid(1))
    assert len({flags.tobytes() for flags in valid(0)}) > 3  # of 6 sequences, each its own


def test_fewer_actions_or_cameras_give_a_part_of_the_same_motion() -> None:
    full = generate(TINY)["test"]
    part = generate(TINY.model_copy(update={"n_actions": 1, "n_cameras": 1}))["test"]
    chosen = np.isin(full["source"], list(set(part["source"])))
    for key in ("joint_2d", "confidence", "joint3d_image", "2.5d_factor"):
        np.testing.assert_array_equal(full[key][chosen], part[key])


@pytest.mark.parametrize(
    ("option", "value"), [("--n-actions", "16"), ("--train-frames", "1"), ("--seed", "x")]
)
def test_wrong_options_are_refused(tmp_path: Path, option: str, value: str) -> None:
    with pytest.raises(PoseliftError, match=option.strip("-").replace("-", "_")):
        main(["--out", str(tmp_path / "x.pkl"), option, value])
    assert not list(tmp_path.iterdir())


def test_minimum_jerk_moves() -> None:
    """From 2 to 5 in 0.8 s: rest, half way at half time, peak speed 1.875 x way / time, rest."""
    t = np.linspace(0, 1, 1001)
    curve, progress, latest = minimum_jerk(t, np.array([0.1]), np.array([0.8]), np.array([[2.0], [5.0]]))
    x = curve[:, 0]
    np.testing.assert_allclose(x[t <= 0.1], 2)
    np.testing.assert_allclose(x[t >= 0.9], 5)
    assert x[500] == pytest.approx(3.5)
    assert np.diff(x).max() * 1000 == pytest.approx(1.875 * 3 / 0.8, rel=1e-4)
    # rest to rest: speed and acceleration vanish at both ends
    assert np.abs(np.diff(x, 2)[[100, 898]]).max() * 1e6 < 2
    assert (progress[0], progress[500], progress[-1]) == (0, pytest.approx(0.5), 1)
    assert (latest == 0).all()


@given(arrays(float, st.integers(1, 40), elements=st.floats(-1e3, 1e3)), st.integers(1, 5))
def test_smooth_below_is_below(x: Array, width: int) -> None:
    assert (smooth_below(x, width) <= x + 1e-9).all()


def test_smooth_below_is_smooth_and_close() -> None:
    x = np.sin(np.linspace(0, 2, 400))
    np.testing.assert_allclose(smooth_below(x, 3), x, atol=0.05)
    corner = np.abs(np.linspace(-1, 1, 401))
    assert np.abs(np.diff(smooth_below(-corner, 3), 2)).max() < np.abs(np.diff(corner, 2)).max() / 3


def test_noise_is_in_its_band() -> None:
    t = np.arange(0, 200, 0.02)
    x = noise(np.random.default_rng(0), t, (0.5, 2.0), 40)
    assert x.std() == pytest.approx(1, abs=0.1)
    power = (np.abs(np.fft.rfft(x, axis=0)) ** 2).sum(1)
    frequency = np.fft.rfftfreq(len(t), 0.02)
    assert power[(frequency > 0.45) & (frequency < 2.1)].sum() > 0.98 * power.sum()
    # 1/f: four times the power at half the frequency, if the frequencies are as dense there
    assert (
        power[(frequency > 0.45) & (frequency < 1)].sum()
        > 2 * power[(frequency > 1) & (frequency < 2.1)].sum()
    )


def test_rotation_by_hand() -> None:
    """Yaw turns left, pitch tilts up to ahead, roll tilts up to the right; axes are (right, forward, up)."""
    right, forward, up = np.eye(3)
    yaw, pitch, roll = rotation(np.eye(3) * np.pi / 2)
    np.testing.assert_allclose(yaw @ forward, -right, atol=1e-12)
    np.testing.assert_allclose(pitch @ up, forward, atol=1e-12)
    np.testing.assert_allclose(roll @ up, right, atol=1e-12)
    any_turn = rotation(np.random.default_rng(0).uniform(-3, 3, (50, 3)))
    np.testing.assert_allclose(
        any_turn @ any_turn.swapaxes(1, 2), np.broadcast_to(np.eye(3), (50, 3, 3)), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(any_turn), 1)


def test_two_bones_by_hand() -> None:
    """A 3-4-5 triangle: bones 3 and 4, target 5 away; and a target out of reach."""
    start, pole = np.zeros((2, 3)), np.array([[0.0, 1.0, 0.3]] * 2)
    target = np.array([[5.0, 0.0, 0.0], [0.0, 0.0, -20.0]])
    middle, end = two_bones(start, target, 3, 4, pole)
    np.testing.assert_allclose(end[0], target[0])
    np.testing.assert_allclose(end[1], [0, 0, -0.995 * 7])
    np.testing.assert_allclose(np.linalg.norm(middle, axis=-1), 3)
    np.testing.assert_allclose(np.linalg.norm(end - middle, axis=-1), 4)
    assert middle[0, 0] == pytest.approx(9 / 5)
    assert (middle[:, 1] > 0).all()
