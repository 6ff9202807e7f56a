"""The two predictions that need no training."""

from pathlib import Path

import numpy as np
import pytest
import torch

from poselift.data.store import open_split
from poselift.errors import PoseliftError
from poselift.evaluation import references
from poselift.evaluation.protocol import evaluate_human36m
from poselift.evaluation.report import load_reports


def test_mean_pose_is_of_frames_not_of_clips(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "_BLOCK", 7)
    train = open_split(store, "train", 8)
    relative = np.array([[joint - pose[0] for joint in pose] for pose in train.labels.astype(float)])
    found = references.mean_pose(train)
    np.testing.assert_allclose(found, relative.mean(axis=0), atol=1e-6)
    assert found[0].tolist() == [0, 0, 0]
    assert abs(relative[:8].mean(axis=0) - found.numpy()).max() > 0.01  # the only clip has other frames


def test_copy_2d_is_the_detection_without_depth(store: Path) -> None:
    test = open_split(store, "test", 8)
    poses = references.predict_copy_2d(test).numpy()
    for clip, place, joint in [(0, 0, 3), (3, 7, 16), (4, 2, 0)]:
        frame = test.clips[clip, place]
        expected = [*(test.inputs[frame, joint, :2] - test.inputs[frame, 0, :2]), 0]
        np.testing.assert_allclose(poses[clip, place, joint], expected, atol=1e-7)


def test_copied_ground_truth_misses_the_depth_only(store: Path) -> None:
    # the fixture's detections are the truth, so the error of a joint is its depth in mm
    test = open_split(store, "test", 8)
    assert test.target_mm is not None
    depth = np.abs(test.target_mm[..., 2] - test.target_mm[:, :1, 2])
    expected = (depth[:24].mean() + depth[24:].mean()) / 2  # two actions, one sequence each
    found = evaluate_human36m(references.predict_copy_2d(test), test)
    assert found.mpjpe == pytest.approx(expected, rel=1e-5)


def test_command(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "references.json"
    inputs = store / "frames" / "test" / "inputs.npy"
    np.save(inputs, np.load(inputs).round(1))  # a detector that is not right
    references.main(["--store", str(store), "--n-frames", "8", "--out", str(out)])
    train, test = (open_split(store, name, 8) for name in ("train", "test"))
    mean_pose, copy_2d, copy_gt2d = load_reports(out)
    assert (mean_pose.run, copy_2d.run, copy_gt2d.run) == ("mean_pose", "copy_2d", "copy_gt2d")
    truth = references.predict_copy_2d(open_split(store, "test", 8, "ground_truth"))
    assert copy_gt2d.checkpoints["reference"] == evaluate_human36m(truth, test)
    assert copy_2d.checkpoints["reference"] == evaluate_human36m(references.predict_copy_2d(test), test)
    assert copy_2d.checkpoints != copy_gt2d.checkpoints
    assert (copy_2d.input_2d, copy_gt2d.input_2d) == ("detected", "ground_truth")
    constant = torch.from_numpy(np.broadcast_to(references.mean_pose(train).numpy(), (5, 8, 17, 3)).copy())
    assert mean_pose.checkpoints["reference"] == evaluate_human36m(constant, test)
    assert f"{copy_2d.checkpoints['reference'].mpjpe:.2f}" in capsys.readouterr().out


def test_missing_store_is_named(tmp_path: Path) -> None:
    with pytest.raises(PoseliftError, match=r"sequences\.json: no such file"):
        references.main(["--store", str(tmp_path), "--n-frames", "8", "--out", str(tmp_path / "out.json")])
    assert not list(tmp_path.iterdir())
