"""The JSON form of results."""

import json
from pathlib import Path

import pytest

from poselift.errors import PoseliftError
from poselift.evaluation.protocol import POSE_ERRORS
from poselift.evaluation.report import Report, Result, load_reports, write_reports


def report(**changes: object) -> Report:
    groups = {"all": "", "action": "Eating", "joint": "hip", "body": "upper body", "camera": "54138969"}
    groups |= {"sequence": "Eating/a.1"}
    rows = [(metric, group, name, 1.5) for group, name in groups.items() for metric in POSE_ERRORS]
    rows += [("mpjpe", "place", str(place), error) for place, error in enumerate((2.5, 0.5, 1.25))]
    rows += [("frames", "all", "", 7), ("frames", "sequence", "Eating/a.1", 7)]
    return Report.model_validate(
        {"run": "baseline-base-s0", "n_frames": 9, "checkpoints": {"best": {"rows": rows}}} | changes
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
    path.write_text(whole.replace("1.5", "NaN", 1))
    with pytest.raises(PoseliftError, match=r"evaluation\.json: checkpoints\.best\.rows\.0"):
        load_reports(path)


def test_summary_shows_every_group() -> None:
    measured = {"frames_per_second": 1234.5, "device": "cpu", "threads": 2}
    lines = report(volatile=measured).summary().splitlines()
    assert lines[0] == "baseline-base-s0, best: 7 frames of 1 sequences; 2D: detected"
    rows = {line[:16].strip(): line[16:].split() for line in lines[1:-2] if line}
    assert list(rows) == ["", "Eating", "mean", "hip", "upper body", "54138969"]
    assert rows["mean"] == rows["54138969"] == ["1.50"] * 5
    assert lines[-2] == "mpjpe by position in the clip: 2.50 (frame 0) to 1.25 (frame 2), lowest 0.50"
    assert lines[-1] == "1,234 frames per second through the model (cpu, 2 threads)"


def test_a_metric_that_is_not_there_is_a_dash() -> None:
    one = report()
    rows = one.checkpoints["best"].rows
    result = Result(tuple(row for row in rows if row.group != "camera" or row.metric == "mpjpe"))
    text = one.model_copy(update={"checkpoints": {"best": result}}).summary()
    (row,) = [line.split() for line in text.splitlines() if line.startswith("54138969")]
    assert row == ["54138969", "1.50", "-", "-", "-", "-"]
