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


def test_summary_shows_actions_and_mean() -> None:
    text = report().summary()
    assert "baseline-base-s0, best: 7 frames of 1 sequences" in text
    assert [line.split()[0] for line in text.splitlines()[1:]] == ["mpjpe", "Eating", "mean"]
    assert text.splitlines()[-1].split()[1:] == ["1.50"] * 5
