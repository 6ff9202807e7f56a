"""The JSON form of results."""

import json
from pathlib import Path

import pytest

from poselift.errors import PoseliftError
from poselift.evaluation.report import METRICS, Report, load_reports, write_reports


def report(**changes: object) -> Report:
    errors = dict.fromkeys(METRICS, 1.5)
    sequence = {"subject": "S9", "action": "Eating", "camera": "54138969", "frames": 7, "metrics": errors}
    groups = {
        "per_action": {"Eating": errors},
        "per_joint": {"hip": errors},
        "per_body": {"upper body": errors},
        "per_camera": {"54138969": errors},
        "per_place": {0: 2.5, 1: 0.5, 2: 1.25},
        "per_sequence": {"a.1": sequence},
    }
    result = {**errors, "frames": 7, **groups}
    return Report.model_validate(
        {"run": "baseline-base-s0", "n_frames": 9, "checkpoints": {"best": result}} | changes
    )


def test_one_report_is_an_object_and_several_are_a_list(tmp_path: Path) -> None:
    one, two = report(seed=3), report(run="mean_pose")
    write_reports(tmp_path / "one.json", [one])
    write_reports(tmp_path / "two.json", [one, two])
    assert json.loads((tmp_path / "one.json").read_text())["seed"] == 3
    assert load_reports(tmp_path / "one.json") == [one]
    assert load_reports(tmp_path / "two.json") == [one, two]


def test_faulty_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    with pytest.raises(PoseliftError, match=r"evaluation\.json: no such file"):
        load_reports(path)
    write_reports(path, [report()])
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])
    with pytest.raises(PoseliftError, match=r"evaluation\.json: not a whole evaluation"):
        load_reports(path)
    path.write_text(whole.replace('"mpjve": 1.5', '"mpjve": NaN', 1))
    with pytest.raises(PoseliftError, match=r"evaluation\.json: checkpoints\.best\.mpjve"):
        load_reports(path)


def test_summary_shows_every_group() -> None:
    measured = {"frames_per_second": 1234.5, "device": "cpu", "threads": 2}
    lines = report(volatile=measured).summary().splitlines()
    assert lines[0] == "baseline-base-s0, best: 7 frames of 1 sequences; 2D: detected"
    rows = {line[:16].strip(): line[16:].split() for line in lines[1:-2] if line}
    assert list(rows) == ["", "Eating", "mean", "hip", "upper body", "54138969"]
    assert rows["mean"] == rows["54138969"] == ["1.50"] * 5
    assert lines[-2] == "mpjpe by place in the clip: 2.50 (frame 0) to 1.25 (frame 2), lowest 0.50"
    assert lines[-1] == "1,234 frames a second through the model (cpu, 2 threads)"


def test_a_metric_that_is_not_there_is_a_dash() -> None:
    one = report()
    result = one.checkpoints["best"].model_copy(update={"per_camera": {"54138969": {"mpjpe": 1.5}}})
    text = one.model_copy(update={"checkpoints": {"best": result}}).summary()
    (row,) = [line.split() for line in text.splitlines() if line.startswith("54138969")]
    assert row == ["54138969", "1.50", "-", "-", "-", "-"]
