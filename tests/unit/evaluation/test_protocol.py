"""The protocol's steps, each on a case worked by hand, and the whole against loops over clips and frames."""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from poselift.data.store import Split
from poselift.errors import PoseliftError
from poselift.evaluation.protocol import POSE_ERRORS, clip_mpjpe, evaluate_human36m
from poselift.evaluation.report import COUNTS, Result
from poselift.skeleton import JOINTS

MakeSplit = Callable[..., Split]
SHARE = 16 / 17  # an error of 1 mm on every joint but the root


def displaced(split: Split, mm: NDArray | list, axis: int = 0) -> NDArray[np.float64]:
    """The root-relative truth as predictions, but for `mm` (clips, T) along `axis` on all joints except the
    root."""
    predictions = (split.labels - split.labels[:, :1])[split.clips]
    width = np.array([split.sequences[i].width for i in split.sequence[split.clips[:, 0]]])
    assert split.factor is not None
    pixels = np.broadcast_to(np.asarray(mm, dtype=float), split.clips.shape) / split.factor[split.clips]
    predictions[:, :, 1:, axis] += (pixels / (width[:, None] / 2))[..., None]
    return predictions


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_ten_millimetres_are_ten_millimetres(make_split: MakeSplit, axis: int) -> None:
    runs = [
        {"length": 4},
        {"length": 4, "width": 1000, "height": 1000},
        {"length": 4, "width": 640, "height": 480},
    ]
    split = make_split(runs, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]])
    result = evaluate_human36m(displaced(split, 10, axis), split)
    assert result.mpjpe == pytest.approx(10 * SHARE, abs=1e-9)
    assert result.per_joint["hip"]["mpjpe"] == 0
    assert result.per_joint["left wrist"]["mpjpe"] == pytest.approx(10, abs=1e-9)
    assert result.mpjve == pytest.approx(0, abs=1e-9)
    assert result.acceleration == pytest.approx(0, abs=1e-9)
    assert 0 < result.p_mpjpe < result.mpjpe
    assert 0 < result.n_mpjpe < result.mpjpe


def test_perfect_predictions_score_zero(make_split: MakeSplit) -> None:
    split = make_split([{"length": 6}], [[0, 1, 2], [3, 4, 5]])
    result = evaluate_human36m(displaced(split, 0), split)
    assert max(getattr(result, name) for name in POSE_ERRORS) < 1e-6


def test_the_root_of_the_prediction_is_set_to_zero_and_nothing_else_moves(make_split: MakeSplit) -> None:
    split = make_split([{"length": 3}], [[0, 1, 2]])
    predictions = displaced(split, 10)
    predictions[:, :, 0] += 0.3
    assert evaluate_human36m(predictions, split).mpjpe == pytest.approx(10 * SHARE)
    predictions[:, :, 1:] += 0.3  # the other joints are not made relative to the predicted root
    assert evaluate_human36m(predictions, split).mpjpe > 100


def test_predictions_are_left_as_they_were(make_split: MakeSplit) -> None:
    split = make_split([{"length": 3}], [[0, 1, 2]])
    predictions = torch.from_numpy(displaced(split, 10) + 0.1)
    before = predictions.clone()
    assert evaluate_human36m(predictions, split) == evaluate_human36m(predictions.numpy(), split)
    assert torch.equal(predictions, before)


def test_a_frame_of_several_clips_counts_once_with_its_mean_error(make_split: MakeSplit) -> None:
    split = make_split([{"length": 5}], [[0, 1, 2], [1, 2, 3], [2, 3, 4]])
    result = evaluate_human36m(displaced(split, [[12], [0], [0]]), split)
    # by frame: 12, 12/2, 12/3, 0, 0
    assert result.mpjpe == pytest.approx(22 / 5 * SHARE)
    assert result.frames == 5


def test_a_difference_of_several_clips_counts_once_with_its_mean_error(make_split: MakeSplit) -> None:
    split = make_split([{"length": 4}], [[0, 1, 2], [1, 2, 3]])
    result = evaluate_human36m(displaced(split, [[0, 1, 3], [0, 5, 5]]), split)
    # velocities: 0-1: 1; 1-2: 2 and 5; 2-3: 0. accelerations: at 1: |3 - 2 + 0| = 1; at 2: |5 - 10 + 0| = 5
    assert result.mpjve == pytest.approx((1 + 3.5 + 0) / 3 * SHARE)
    assert result.acceleration == pytest.approx((1 + 5) / 2 * SHARE)


def test_no_motion_across_the_border_of_clips(make_split: MakeSplit) -> None:
    split = make_split([{"length": 6}], [[0, 1, 2], [3, 4, 5]])
    result = evaluate_human36m(displaced(split, [[0], [500]]), split)
    assert result.mpjpe == pytest.approx(250 * SHARE)
    assert result.mpjve == pytest.approx(0, abs=1e-9)
    assert result.acceleration == pytest.approx(0, abs=1e-9)


def test_a_stretched_sequence_counts_each_frame_once(make_split: MakeSplit) -> None:
    runs = [{"length": 4, "action": "Eating"}, {"length": 8, "action": "Posing"}]
    stretched = make_split(runs, [[0, 0, 1, 1, 2, 2, 3, 3], [4, 5, 6, 7, 8, 9, 10, 11]])
    # 99: predictions for the first of each two like frames, which do not count
    errors = [[99, 0, 99, 1, 99, 4, 99, 9], [0, 1, 2, 3, 4, 5, 6, 7]]
    result = evaluate_human36m(displaced(stretched, errors), stretched)
    eating = result.per_action["Eating"]
    assert eating["mpjpe"] == pytest.approx((0 + 1 + 4 + 9) / 4 * SHARE)
    assert eating["mpjve"] == pytest.approx((1 + 3 + 5) / 3 * SHARE)
    assert eating["acceleration"] == pytest.approx(2 * SHARE)
    assert result.per_action["Posing"]["mpjve"] == pytest.approx(1 * SHARE)
    assert result.frames == 12


def test_the_error_of_a_clip_is_that_of_its_distinct_frames(make_split: MakeSplit) -> None:
    split = make_split([{"length": 3}, {"length": 4}], [[0, 1, 1, 2], [3, 4, 5, 6]])
    predictions = torch.from_numpy(displaced(split, [[1, 99, 4, 7], [1, 2, 3, 8]]))
    clips, errors = clip_mpjpe(predictions, split)
    assert clips.tolist() == [0, 1]
    assert errors == pytest.approx([(1 + 4 + 7) / 3 * SHARE, (1 + 2 + 3 + 8) / 4 * SHARE])


@pytest.mark.parametrize("name", ["s_09_act_05_subact_02", "s_09_act_10_subact_02", "s_09_act_13_subact_01"])
def test_faulty_sequences_are_skipped_in_all_cameras(make_split: MakeSplit, name: str) -> None:
    runs = [{"length": 3}, {"length": 3, "name": f"{name}_ca_01"}, {"length": 3, "name": f"{name}_ca_04"}]
    runs += [{"length": 3, "name": name.replace("s_09", "s_11") + "_ca_01"}]
    split = make_split(runs, [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]])
    result = evaluate_human36m(displaced(split, [[10], [900], [900], [20]]), split)
    assert result.mpjpe == pytest.approx(15 * SHARE)
    assert result.frames == 6
    assert not [key for key in result.by_name("sequence") if name in key]
    clips, errors = clip_mpjpe(torch.from_numpy(displaced(split, [[10], [900], [900], [20]])), split)
    assert clips.tolist() == [0, 3]
    assert errors == pytest.approx([10 * SHARE, 20 * SHARE])


def test_means_weigh_frames_within_an_action_and_actions_alike(make_split: MakeSplit) -> None:
    runs = [
        {"length": 3, "action": "Eating"},
        {"length": 6, "action": "Eating"},
        {"length": 9, "action": "Posing"},
    ]
    clips = [[i, i + 1, i + 2] for i in range(0, 18, 3)]
    split = make_split(runs, clips)
    result = evaluate_human36m(displaced(split, [[10], [40], [40], [6], [6], [6]]), split)
    assert result.per_action["Eating"]["mpjpe"] == pytest.approx(30 * SHARE)  # (3 * 10 + 6 * 40) / 9
    assert result.per_action["Posing"]["mpjpe"] == pytest.approx(6 * SHARE)
    assert result.mpjpe == pytest.approx(18 * SHARE)
    assert result.per_joint["head"]["mpjpe"] == pytest.approx(18)
    assert list(result.per_action) == ["Eating", "Posing"]


def test_sequences(make_split: MakeSplit) -> None:
    runs = [{"length": 3, "camera": "54138969"}, {"length": 6, "camera": "55011271", "subject": "S9"}]
    # two runs under one name and camera are one recording; the last is too short for an acceleration
    runs += [{"length": 3, "camera": "55011271", "subject": "S9", "name": "s_11_act_02_subact_01_ca_01"}]
    runs += [{"length": 2, "camera": "58860488"}]
    clips = [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11], [12, 12, 13]]
    split = make_split(runs, clips)
    result = evaluate_human36m(displaced(split, [[1], [10], [10], [40], [5]]), split)
    of = result.by_name("sequence")
    assert list(of) == [
        "Walking/s_11_act_02_subact_01_ca_00.54138969",
        "Walking/s_11_act_02_subact_01_ca_01.55011271",
        "Walking/s_11_act_02_subact_01_ca_03.58860488",
    ]
    merged = of["Walking/s_11_act_02_subact_01_ca_01.55011271"]
    assert [merged[name] for name in COUNTS] == [9, 6, 3]  # three clips of three frames
    assert merged["mpjpe"] == pytest.approx(20 * SHARE)
    short = of["Walking/s_11_act_02_subact_01_ca_03.58860488"]
    assert set(short) == {"frames", "velocities", *POSE_ERRORS} - {"acceleration"}


def test_cameras_are_means_over_their_actions(make_split: MakeSplit) -> None:
    first, second = {"camera": "54138969"}, {"camera": "55011271"}
    eating, posing, sitting = ({"action": action} for action in ("Eating", "Posing", "Sitting"))
    runs = [
        {"length": 3} | first | eating, {"length": 6} | first | eating, {"length": 3} | first | posing,
        {"length": 3} | first | sitting, {"length": 3} | second | eating,
    ]  # fmt: skip
    split = make_split(runs, [[i, i + 1, i + 2] for i in range(0, 18, 3)])
    result = evaluate_human36m(displaced(split, [[10], [40], [40], [6], [0], [99]]), split)
    # (3 * 10 + 6 * 40) / 9, 6 and 0; the second camera has seen but one of the three actions
    assert result.by_name("camera")["54138969"]["mpjpe"] == pytest.approx(12 * SHARE)
    assert "55011271" not in result.by_name("camera")


def test_upper_and_lower_body(make_split: MakeSplit) -> None:
    split = make_split([{"length": 3}], [[0, 1, 2]])
    predictions = displaced(split, 0)
    legs = [f"{side} {joint}" for side in ("left", "right") for joint in ("hip", "knee", "foot")]
    lower = [JOINTS.index(joint) for joint in legs]
    predictions[:, :, lower, 0] += 6 / split.factor[split.clips][..., None] / 500
    result = evaluate_human36m(predictions, split)
    assert result.by_name("body")["lower body"]["mpjpe"] == pytest.approx(6)
    assert result.by_name("body")["upper body"]["mpjpe"] == pytest.approx(0, abs=1e-9)


def test_places_in_the_clip(make_split: MakeSplit) -> None:
    split = make_split([{"length": 5}, {"length": 2}], [[0, 1, 2], [2, 3, 4], [5, 5, 6]])
    result = evaluate_human36m(displaced(split, [[1, 2, 3], [5, 6, 7], [99, 20, 30]]), split)
    # of the stretched clip the first place repeats the frame of the second, which counts
    expected = {0: (1 + 5) / 2, 1: (2 + 6 + 20) / 3, 2: (3 + 7 + 30) / 3}
    places = {int(place): errors["mpjpe"] for place, errors in result.by_name("place").items()}
    assert places == pytest.approx({place: SHARE * error for place, error in expected.items()})


def naive(predictions: NDArray, split: Split) -> Mapping[str, Mapping[str, float]]:
    """The protocol once more, with loops over clips and frames: errors by action and metric."""
    assert split.factor is not None
    assert split.target_mm is not None
    by_frame: dict[str, Any] = {name: defaultdict(list) for name in POSE_ERRORS}
    for clip, poses in zip(split.clips, predictions, strict=True):
        sequence = split.sequences[split.sequence[clip[0]]]
        if sequence.name.rsplit("_ca_", 1)[0] in (
            "s_09_act_05_subact_02",
            "s_09_act_10_subact_02",
            "s_09_act_13_subact_01",
        ):
            continue
        mm = {}
        for frame, pose in zip(
            clip.tolist(), poses.astype(float), strict=True
        ):  # the last of like frames stays
            pose = np.vstack([np.zeros((1, 3)), pose[1:]])
            pixels = pose * sequence.width / 2 + [sequence.width / 2, sequence.height / 2, 0]
            p = pixels * split.factor[frame]
            t = split.target_mm[frame].astype(float)
            mm[frame] = (p - p[0], t - t[0])
        for frame, (p, t) in mm.items():
            by_frame["mpjpe"][frame].append(np.linalg.norm(p - t, axis=1).mean())
            s = np.vdot(p, t) / np.vdot(p, p)
            by_frame["n_mpjpe"][frame].append(np.linalg.norm(s * p - t, axis=1).mean())
            pc, tc = p - p.mean(0), t - t.mean(0)
            turned = Rotation.align_vectors(tc, pc)[0].apply(pc)
            aligned = turned * np.vdot(turned, tc) / np.vdot(turned, turned)
            by_frame["p_mpjpe"][frame].append(np.linalg.norm(aligned - tc, axis=1).mean())
            e = {k: np.subtract(*mm[frame + k]) for k in (-1, 0, 1) if frame + k in mm}
            if -1 in e:
                by_frame["mpjve"][frame].append(np.linalg.norm(e[0] - e[-1], axis=1).mean())
            if -1 in e and 1 in e:
                second = np.linalg.norm(e[1] - 2 * e[0] + e[-1], axis=1).mean()
                by_frame["acceleration"][frame].append(second)
    by_action: dict[str, Any] = defaultdict(lambda: defaultdict(list))
    for metric, frames in by_frame.items():
        for frame, errors in frames.items():
            by_action[split.sequences[split.sequence[frame]].action][metric].append(np.mean(errors))
    return {action: {m: float(np.mean(v)) for m, v in of.items()} for action, of in by_action.items()}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_whole_protocol_equals_loops(
    make_split: MakeSplit, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("poselift.evaluation.protocol._CHUNK_FRAMES", 20)  # several chunks
    runs = [
        {"length": 13, "action": "Eating", "height": 1000},
        {"length": 3, "action": "Eating", "name": "s_09_act_04_subact_01_ca_01"},
        {"length": 9, "action": "Posing", "name": "s_09_act_05_subact_02_ca_03"},
        {"length": 12, "action": "Posing", "width": 800},
        {"length": 17, "action": "Photo", "width": 640, "height": 480},
    ]
    clips = [list(range(start, start + 6)) for start in (0, 2, 4, 7, 16, 19, 25, 31, 37, 38, 43, 48)]
    clips.append([13, 13, 14, 14, 15, 15])
    split = make_split(runs, clips, dtype=dtype)
    rng = np.random.default_rng(7)
    predictions = (0.8 * displaced(split, 0) + rng.normal(scale=0.05, size=(13, 6, 17, 3))).astype(dtype)

    result, expected = evaluate_human36m(predictions, split), naive(predictions, split)
    assert set(result.per_action) == set(expected)
    for action, errors in expected.items():
        assert result.per_action[action] == pytest.approx(errors, abs=1e-6)
    for metric in POSE_ERRORS:
        overall = getattr(result, metric)
        assert overall == pytest.approx(np.mean([of[metric] for of in expected.values()]), abs=1e-6)
        assert overall == pytest.approx(np.mean([of[metric] for of in result.per_joint.values()]))


def fault(split: Split, predictions: NDArray) -> str:
    with pytest.raises(PoseliftError) as raised:
        evaluate_human36m(predictions, split)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_faults_are_named(make_split: MakeSplit) -> None:
    split = make_split([{"length": 3}, {"length": 3}], [[0, 1, 2], [3, 4, 5]])
    good = displaced(split, 0)

    for value in (np.nan, np.inf):
        predictions = good.copy()
        predictions[1, 2, 16, 1] = value
        message = fault(split, predictions)
        assert "s_11_act_02_subact_01_ca_01.54138969, frame 2 (clip 1)" in message
        assert "not finite" in message

    assert "(2, 3, 17, 3)" in fault(split, good[:, :2])
    assert "train: has no mm" in fault(make_split([{"length": 3}], [[0, 1, 2]], "train"), good[:1])
    assert "ca_01.54138969 has no action" in fault(
        make_split([{"length": 3}, {"length": 3, "action": None}], split.clips), good
    )
    empty = dataclasses.replace(split, clips=split.clips[:0])
    assert "no frame to evaluate" in fault(empty, good[:0])
    skipped = make_split([{"length": 3, "name": "s_09_act_13_subact_01_ca_01"}], [[0, 1, 2]])
    assert "no frame to evaluate" in fault(skipped, good[:1])


def test_an_action_without_clips_is_named_not_left_out(make_split: MakeSplit) -> None:
    split = make_split([{"length": 3}, {"length": 3, "action": "Eating"}], [[0, 1, 2]])
    assert "action Eating has no clip" in fault(split, displaced(split, 0))


def test_clips_too_short_for_an_acceleration_are_named(make_split: MakeSplit) -> None:
    split = make_split([{"length": 4}], [[0, 1], [2, 3]])
    assert "enough frames for acceleration" in fault(split, displaced(split, 0))


def test_result_type(make_split: MakeSplit) -> None:
    split = make_split([{"length": 3}], [[0, 1, 2]])
    result = evaluate_human36m(displaced(split, 10).astype(np.float32), split)
    assert isinstance(result, Result)
    assert all(isinstance(getattr(result, name), float) for name in POSE_ERRORS)


def test_no_motion_across_a_gap_in_a_clip(make_split: MakeSplit) -> None:
    split = make_split([{"length": 7}], [[0, 1, 2, 4, 5, 6]])
    result = evaluate_human36m(displaced(split, [[0, 1, 3, 90, 91, 93]]), split)
    assert result.mpjve == pytest.approx((1 + 2 + 1 + 2) / 4 * SHARE)
    assert result.acceleration == pytest.approx(1 * SHARE)
