"""What a run tells while it trains."""

import json
import logging
import sys
from pathlib import Path

import pytest
import torch

from poselift.config.run import ExecutionSettings
from poselift.errors import PoseliftError
from poselift.monitoring import progress as module
from poselift.monitoring.progress import ProgressFile
from poselift.monitoring.run_progress import RunProgress, duration
from poselift.training import loop as loop_module
from poselift.training import report as report_module
from poselift.training.train import train

CPU = torch.device("cpu")
KEYS = {
    "name", "pid", "host", "started", "updated", "phase", "reason", "epoch", "epochs", "step", "steps", "lr",
    "loss", "mpjpe", "best_mpjpe", "unit", "clips_per_second", "seconds_left", "device", "processes",
    "memory_bytes",
}  # fmt: skip


def read(path: Path) -> dict:
    return json.loads(path.read_text())


def test_file_is_written_when_the_phase_changes_and_now_and_then(tmp_path, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(module.time, "time", lambda: now)
    path = tmp_path / "progress.json"
    progress = ProgressFile(path, RunProgress(name="run"), lambda: 1)
    progress.update("starting")
    assert read(path).keys() == KEYS
    assert read(path)["loss"] is None
    now += 0.1
    progress.update("training", step=1)
    assert (read(path)["step"], read(path)["updated"]) == (1, 1000.1)
    now += 1.9
    progress.update("training", step=2)
    assert read(path)["step"] == 1
    now += 0.2
    progress.update("training", step=3)
    assert read(path)["step"] == 3
    assert [file.name for file in tmp_path.iterdir()] == ["progress.json"]


def test_full_disk_does_not_end_a_run_for_its_progress(tmp_path):
    path = tmp_path / "progress.json"
    path.mkdir()
    ProgressFile(path, RunProgress(name="run"), lambda: 1).update("starting")


def test_files_are_whole_at_every_moment_of_a_run(store, tmp_path, settings, monkeypatch):
    """Looked at after each step: valid JSON, of the right phase and position."""
    out, real, seen = tmp_path / "run", loop_module.Loop._step, []
    monkeypatch.setattr(module, "PERIOD", 0.0)
    monkeypatch.setattr(loop_module, "LOG_EVERY", 1)

    def look(loop: loop_module.Loop, *arguments: object) -> None:
        real(loop, *arguments)
        seen.append(read(out / "state" / "progress.json"))
        if loop.state.epoch:
            assert len(read(out / "metrics.json")["epochs"]["mpjpe"]) == loop.state.epoch

    monkeypatch.setattr(loop_module.Loop, "_step", look)
    summary = train(settings(epochs=2), store, out, CPU)
    # after a step stands what was known after the one before
    assert [(at["epoch"], at["step"]) for at in seen] == [
        (None, None),
        (1, 1),
        (1, 2),
        (1, 3),
        (2, 1),
        (2, 2),
    ]
    assert {at["phase"] for at in seen} == {"training"}
    assert seen[4]["mpjpe"] is not None
    assert seen[2]["clips_per_second"] > 0
    assert seen[2]["seconds_left"] > 0
    end = read(out / "state" / "progress.json")
    assert (end["phase"], end["epoch"], end["unit"]) == ("finished", 2, "mm")
    assert end["mpjpe"] == summary["last_mpjpe"]
    assert end["best_mpjpe"] == summary["best_mpjpe"]


def test_log_says_how_long_it_will_take(store, tmp_path, settings, monkeypatch, caplog):
    monkeypatch.setattr(loop_module, "LOG_EVERY", 2)
    monkeypatch.setattr(report_module, "FORECAST_STEP", 8)
    with caplog.at_level(logging.INFO):
        train(settings(epochs=2, batch_size=2), store, tmp_path / "run", CPU)
    lines = (tmp_path / "run" / "training.log").read_text().splitlines()
    forecasts = [line for line in lines if "CPU-hours in all" in line]
    assert "epoch 1/2, step 8/10" in forecasts[0]
    assert len(forecasts) == 3  # and after each epoch
    assert " left, " in forecasts[0]
    assert any("first step after" in line for line in lines)


def test_time_left_is_that_of_clips_and_evaluations(tmp_path, settings):
    report = report_module.Reporter(settings(epochs=10), ExecutionSettings(), None, CPU, 1)
    report._rate, report._clips = 4.0, 100
    state = loop_module.TrainingState(
        epoch=2, history={"seconds": [30.0, 30.0], "train_seconds": [25.0, 25.0]}
    )
    # 8 epochs of 100 clips, 20 of which are done, and as many evaluations of 5 s
    assert report._seconds_left(state, 20) == pytest.approx(780 / 4 + 8 * 5)


def test_hours_are_those_of_all_processes_done_and_to_come(settings, caplog):
    report = report_module.Reporter(settings(), ExecutionSettings(), None, CPU, processes=2)
    # two epochs of half an hour, ten minutes of the third, and 50 minutes more: two hours for each
    state = loop_module.TrainingState(epoch=2, seconds=600.0, history={"seconds": [1800.0, 1800.0]})
    with caplog.at_level(logging.INFO):
        report._log(state, "epoch 3/3", 4.0, 3000.0)
    assert caplog.messages == [
        f"baseline-tiny-s0 epoch 3/3, 4.0 clips/s, {duration(3000)} left, 4.00 CPU-hours in all"
    ]


def test_tensorboard_that_is_missing_is_named(store, tmp_path, settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(PoseliftError, match="--tensorboard: the package tensorboard is missing"):
        train(settings(), store, tmp_path / "run", CPU, ExecutionSettings(tensorboard=True))


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (61.4, "1:01"), (3599.6, "1:00:00"), (36_062, "10:01:02")]
)
def test_duration(seconds, text):
    assert duration(seconds) == text
