"""Keypoints of another layout, or unlike the training's, are noticed; those that are right are not."""

import numpy as np
import pytest

from detections import N_FRAMES, TINY
from poselift.config.command_line import run_from_options
from poselift.data import prepare
from poselift.data.store import open_split
from poselift.datasets.human36m import Synthetic
from poselift.errors import PoseliftError
from poselift.inference import lifters
from poselift.inference.checks import (
    implausible,
    measured,
    outside,
    require_inside,
    require_pixels,
    unfamiliar,
)
from poselift.inference.layouts import to_human36m
from poselift.inference.lifters import known_inputs, opened
from poselift.inference.lifting import Lifter, image_view
from poselift.inference.predict import parse
from poselift.inference.tracks import Track
from poselift.synthetic.dataset import generate


@pytest.fixture(scope="module")
def clips() -> np.ndarray:
    """Detections of all actions, (A, T, 17, 3)."""
    settings = Synthetic(n_actions=15, n_cameras=1, train_frames=3, test_frames=80)
    test = generate(settings)["test"]
    return np.concatenate([test["joint_2d"], test["confidence"]], axis=-1).reshape(-1, 80, 17, 3)


def said(points: np.ndarray) -> str:
    return "; ".join(implausible(Track(0, 0, points, np.ones(len(points), dtype=bool))))


def test_people_of_the_right_layout_are_plausible(clips):
    assert [said(clip) for clip in clips] == [""] * len(clips)


def test_limbs_that_mostly_point_at_the_camera_are_plausible(clips):
    """Knees and feet at the hips, but for the last quarter of the frames."""
    for clip in clips:
        sitting = clip.copy()
        for knee, foot, hip in ((2, 3, 1), (5, 6, 4)):
            sitting[:60, [knee, foot]] = sitting[:60, [hip]]
        assert said(sitting) == ""


def test_another_layout_is_noticed(clips):
    noticed = ["proportions" in said(to_human36m(clip, "coco")) for clip in clips]
    assert np.mean(noticed) > 0.9


def test_people_upside_down_are_noticed(clips):
    standing = clips[np.median(clips[..., 3, 1] - clips[..., 10, 1], axis=1) > 350]
    assert len(standing) > 10
    for clip in standing:
        turned = clip * [1, -1, 1] + [0, 1000, 0]
        assert "upside down" in said(turned)
        turned[20:] = clip[20:]  # a handstand
        assert said(turned) == ""


def test_joints_outside_of_the_image_are_noticed():
    points = np.full((1, 17, 3), 500.0)
    points[..., 2] = 1
    track = Track(0, 0, points, np.ones(1, dtype=bool))
    points[0, 16, 1] = 1100  # one of 17, and within 5 % of the edge
    points[0, 15, 1] = 1200
    assert list(outside(track, (1920, 1080))) == []
    points[0, 14, 0] = -200
    (said,) = outside(track, (1920, 1080))
    assert said == "12% of the joints are outside of images of 1920x1080; is that their size?"
    assert list(outside(track, (1080, 1920))) == []


def test_far_outside_is_a_warning_for_a_ghost_and_an_error_for_most():
    """A ghost of two ankles beside a person: of 20 x 17 joints 5 % are 17."""

    def track(frames: int, x: float, joints: slice) -> Track:
        points = np.zeros((frames, 17, 3))
        points[:, joints] = (x, 500, 1)
        return Track(0, 0, points, np.ones(frames, dtype=bool))

    size, person = (1920, 1080), track(20, 500, slice(17))
    ghost = track(1, 9000, slice(15, 17))
    require_inside([person, ghost], size)
    assert list(outside(person, size)) == []
    assert len(list(outside(ghost, size))) == 1
    require_inside([person, track(8, 9000, slice(15, 17))], size)  # 16 of 356
    with pytest.raises(PoseliftError, match="joints up to 9000x500 px in images of 1920x1080; give another"):
        require_inside([person, track(9, 9000, slice(15, 17))], size)  # 18 of 358
    person.points[0:10, [0, 1], 0] = 9000  # 20 of 340, fewer than a tenth
    assert len(list(outside(person, size))) == 1


@pytest.mark.parametrize(("strays", "refused"), [(0, True), (10, True), (11, False)])
def test_shares_of_the_image_with_strays_are_no_pixels(strays, refused):
    points = np.full((100, 3), 0.7)
    points[:strays, 1] = 2.4
    points = np.concatenate([points, np.zeros((900, 3))])  # not found
    if refused:
        with pytest.raises(PoseliftError, match="joints are within 2 px: normalised"):
            require_pixels(points)
    else:
        require_pixels(points)


def test_measures_of_a_known_case():
    clip = np.zeros((1, 5, 17, 3), dtype=np.float32)
    clip[..., 2] = 0.5
    clip[..., 10, 1] = -0.8  # the box is 0.8 tall
    clip[0, 2, 10, 1] = -1.6  # in one frame a joint is found elsewhere: up and down by 0.8
    clip[0, 0, :, 2] = 1
    clip[0, :, 16, 0] = 0.08 * np.arange(5) / 4  # one joint of 17 moves 0.02 a frame
    clip[..., 0] += 0.3 * np.arange(5)[:, None]  # the whole person walks, which does not count
    values = measured(clip)
    assert values["size"][0] == pytest.approx(0.8)
    assert values["confidence"][0] == pytest.approx(0.6)
    assert values["motion"][0] == pytest.approx((4 * 0.02 + 2 * 0.8) / 4 / 17 / 0.8)


def test_what_the_training_did_not_have_is_named(clips):
    points = clips[0] * [0.2, 0.2, 1]
    track = Track(0, 0, points, np.ones(80, dtype=bool))
    known = {"size": (0.5, 1.2), "confidence": (0.0, 1.0), "motion": (0.0, 1e-6)}
    lines = list(unfamiliar(track, Lifter(lambda x: x, 27), image_view((1000, 1000)), 0.1, known))
    assert [line.split()[0] for line in lines] == ["the", "joints"]
    assert "--crop" in lines[0]
    assert lines[0].endswith("(training: 0.5 to 1.2)")


def test_what_the_training_had_is_all_of_its_clips_but_the_extremes(
    raw_content, write_raw, tmp_path, monkeypatch, checkpoint
):
    store = tmp_path / "data"
    lengths = ["--n-frames", "4", "--n-frames", str(N_FRAMES)]
    prepare.main(["--raw", str(write_raw(raw_content())), "--out", str(store), *lengths])
    train = open_split(store, "train", 4)
    confidences = [train.clip(i)[0][..., 2].mean() for i in range(len(train))]
    expected = pytest.approx(np.percentile(confidences, [1, 99]))
    settings = run_from_options({"architecture": "baseline", "size": "xsmall", "n_frames": 4})
    assert known_inputs(None, settings, store)["confidence"] == expected
    assert known_inputs(tmp_path / "runs/one", settings)["confidence"] == expected
    assert known_inputs(None, settings) is None
    options = ["a.json", "--checkpoint", str(checkpoint), *TINY, "--store", str(store), "--out", "out"]
    with opened(parse(options)) as (_, known):
        assert known == known_inputs(None, settings.model_copy(update={"n_frames": N_FRAMES}), store)
    monkeypatch.setattr(lifters, "CLIPS", 2)  # of many, some from the first to the last
    ends = pytest.approx(np.percentile([confidences[0], confidences[-1]], [1, 99]))
    assert known_inputs(None, settings, store)["confidence"] == ends
    settings = run_from_options(
        {"architecture": "baseline", "size": "xsmall", "n_frames": 4, "input_2d": "ground_truth"}
    )
    assert known_inputs(None, settings, store)["confidence"] == (1, 1)


@pytest.mark.parametrize(("confident", "mean"), [(False, "0.4"), (True, "1")])
def test_the_middle_of_the_clips_is_compared_as_the_model_is_given_them(clips, confident, mean):
    points = clips[0][:9].copy()
    points[..., 2] = np.repeat([0.9, 0.2, 0.4], 3)[:, None]  # three clips
    track, lifter = Track(0, 0, points, np.ones(9, dtype=bool)), Lifter(lambda x: x, 3, confident)
    (line,) = unfamiliar(track, lifter, image_view((1000, 1000)), 0.1, {"confidence": (0, 0.01)})
    assert line.startswith(f"the mean confidence is {mean} (")


def test_a_single_frame_has_no_motion_to_compare(clips):
    track = Track(0, 0, clips[0][:1], np.ones(1, dtype=bool))
    known = {"motion": (0.01, 0.02)}
    assert list(unfamiliar(track, Lifter(lambda x: x, 27), image_view((1000, 1000)), 0.1, known)) == []
