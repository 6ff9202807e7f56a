"""The monitor: the state of each run from what is there, in a table that fits, whatever the files hold."""

import io
import json
import math
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from poselift.monitoring import monitor
from poselift.monitoring.monitor import overview, summary
from poselift.monitoring.run_status import find_runs, read_run

NOW = 1_800_000_000.0
PROGRESS: dict[str, Any] = {
    "name": "baseline-base-s0",
    "pid": os.getpid(),
    "host": platform.node(),
    "started": NOW - 3600,
    "updated": NOW - 1,
    "phase": "training",
    "reason": None,
    "epoch": 12,
    "epochs": 60,
    "step": 100,
    "steps": 1109,
    "lr": 4.5e-4,
    "loss": 0.04,
    "mpjpe": 41.23,
    "best_mpjpe": 40.96,
    "unit": "mm",
    "clips_per_second": 512.34,
    "seconds_left": 1800.0,
    "device": "NVIDIA H200",
    "memory_bytes": 12 * 2**30,
}
METRICS = {
    "epochs": {"mpjpe": [74.2, None, 56.7], "lr": [5e-4, 4e-4, 3e-4], "seconds": [10.0, 11.0, 12.0]},
    "summary": {"best_mpjpe": 56.7, "last_mpjpe": 56.9, "seconds": 7200.0, "device": "NVIDIA H200"},
}


@pytest.fixture
def make_run(tmp_path):
    """A run directory with some of its files; the lock is held until the test ends, unless `lock` is None."""
    locks = []

    def make(name: str = "run", progress: Any = None, metrics: Any = None, lock: str | None = "held") -> Path:
        folder = tmp_path / name
        (folder / "state").mkdir(parents=True)
        if progress is not None:
            (folder / "state/progress.json").write_text(json.dumps(progress))
        if metrics is not None:
            (folder / "metrics.json").write_text(json.dumps(metrics))
        if lock:
            locks.append(FileLock(folder / "state/lock"))
            locks[-1].acquire()
        if lock == "free":
            locks.pop().release()
        return folder

    yield make
    for each in locks:
        each.release()


def gone() -> int:
    """The number of a process that has been."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def state(folder: Path, now: float = NOW) -> str:
    return read_run(folder, folder.name, now).state


def rendered(runs: list, width: int, busy: dict[int, int] | None = None) -> str:
    console = Console(width=width, file=io.StringIO())
    console.print(overview(runs, busy or {}, NOW, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("changes", "lock", "expected"),
    [
        ({}, "held", "running"),
        ({"phase": "evaluating"}, "held", "evaluating"),
        ({"phase": "starting", "step": None}, "held", "waiting"),
        ({"phase": "failed", "reason": "non-finite loss"}, "free", "failed"),
        ({"phase": "stopped"}, "free", "stopped"),
        ({"phase": "finished"}, "free", "finished"),
        ({}, "free", "dead"),
        ({"pid": None}, "held", "running"),
        ({"updated": NOW - 100}, "held", "stalled"),
        ({"updated": NOW - 100}, "free", "dead"),
        ({"updated": NOW - 100, "phase": "evaluating"}, "held", "evaluating"),
        ({"updated": NOW - 700, "phase": "evaluating"}, "held", "stalled"),
        ({"updated": NOW - 100, "step": 0}, "held", "running"),  # the first step may compile the model
        ({"updated": NOW + 50}, "held", "running"),  # a clock that goes ahead
        # 54,241 steps are left, this epoch's included; five of them may pass in silence
        ({"updated": NOW - 100, "seconds_left": 54_241 * 20.1}, "held", "running"),
        ({"updated": NOW - 100, "seconds_left": 54_241 * 19.9}, "held", "stalled"),
        ({"host": "elsewhere"}, "free", "running"),
        ({"host": "elsewhere", "updated": NOW - 100}, "free", "dead"),
        ({"host": "elsewhere", "updated": NOW - 100}, "held", "stalled"),
    ],
)
def test_state(make_run, changes, lock, expected):
    assert state(make_run(progress=PROGRESS | changes, lock=lock)) == expected


def test_state_of_a_run_whose_process_is_gone(make_run):
    assert state(make_run(progress=PROGRESS | {"pid": gone()}, lock=None)) == "dead"
    assert state(make_run("other", progress=PROGRESS, lock=None)) == "running"


def test_a_process_that_is_killed_leaves_a_dead_run(make_run):
    folder = make_run(lock=None)
    hold = (
        "import sys, time; from filelock import FileLock; lock = FileLock(sys.argv[1]); lock.acquire();"
        "print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", hold, str(folder / "state/lock")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    progress = json.dumps(PROGRESS | {"pid": process.pid})
    (folder / "state/progress.json").write_text(progress)
    assert state(folder) == "running"
    process.kill()
    process.communicate()
    run = read_run(folder, "run", NOW)
    assert run.state == "dead"
    assert f"process {process.pid} on {platform.node()} is gone" in (run.note or "")


def test_runs_without_progress(make_run):
    assert state(make_run("a", metrics=METRICS, lock="free")) == "finished"
    assert state(make_run("b", lock="free")) == "waiting"
    assert state(make_run("c", metrics={"epochs": METRICS["epochs"]}, lock="free")) == "stopped"
    assert state(make_run("d", metrics={"epochs": METRICS["epochs"]}, lock="held")) == "running"


def test_a_run_without_a_summary_is_as_its_epochs_say(make_run):
    epochs = {"mpjpe": [74.2, 55.5, 56.7, None], "lr": [5e-4, 4e-4, 3e-4, 2e-4], "seconds": [10, 20, 40, 5]}
    run = read_run(make_run(metrics={"epochs": epochs}, lock="free"), "run", NOW)
    assert (run.epoch, run.mpjpe, run.best_mpjpe, run.lr, run.seconds) == (4, 56.7, 55.5, 2e-4, 75)


def test_looking_leaves_no_trace(make_run):
    folder = make_run(progress=PROGRESS, lock=None)
    before = sorted(folder.rglob("*"))
    read_run(folder, "run", NOW)
    assert sorted(folder.rglob("*")) == before


def test_what_is_read_of_a_finished_run(make_run):
    run = read_run(make_run(metrics=METRICS, lock=None), "run", NOW)
    assert (run.epoch, run.epochs, run.mpjpe, run.best_mpjpe) == (3, 3, 56.9, 56.7)
    assert (run.lr, run.seconds, run.device, run.seconds_left) == (3e-4, 7200, "NVIDIA H200", None)


def test_the_wide_table_shows_everything(make_run):
    run = read_run(make_run("baseline-base-s0", PROGRESS), "baseline-base-s0", NOW)
    lines = rendered([run], 140, {os.getpid(): 97}).splitlines()
    title = "run state epoch MPJPE best lr clips/s left device memory GPU"
    assert lines[2].split() == title.split()
    values = "baseline-base-s0 running 12/60 41.2 41.0 mm 4.5e-04 512.3 30:00 H200 12.0 GiB 97 %"
    assert lines[3].split() == values.split()
    assert re.fullmatch(r"1 running, 1.0 GPU-hours so far, those running end about .* \(in 30:00\)", lines[0])


def test_a_narrow_table_keeps_what_matters(make_run):
    name = "mamba_gcn-xsmall-gt2d-s0"
    text = rendered([read_run(make_run(name, PROGRESS), name, NOW)], 80)
    assert max(map(len, text.splitlines())) <= 80
    values = [name, "running", "12/60", "41.2", "41.0 mm", "30:00"]
    assert all(value in text for value in values)
    assert "H200" not in text


def test_order_is_trouble_first_then_by_number(make_run):
    failed = PROGRESS | {"phase": "failed", "reason": "the loss is nan in epoch 3"}
    folders = [make_run("s10", PROGRESS), make_run("s2", PROGRESS), make_run("s3", failed, lock="free")]
    text = rendered([read_run(folder, folder.name, NOW) for folder in folders], 140)
    assert re.findall(r"^s\d+", text, re.M) == ["s3", "s2", "s10", "s3"]
    assert "s3 failed: the loss is nan in epoch 3" in text


def test_summary_adds_up_the_hours(make_run):
    runs = [
        read_run(make_run("a", PROGRESS | {"updated": NOW}), "a", NOW),
        read_run(make_run("b", PROGRESS | {"device": "cpu", "updated": NOW, "seconds_left": 7200}), "b", NOW),
        read_run(make_run("c", metrics=METRICS, lock=None), "c", NOW),
        read_run(make_run("d", PROGRESS | {"updated": NOW, "processes": 4}), "d", NOW),
    ]
    assert summary(runs, NOW).startswith(
        "3 running, 1 finished, 1.0 CPU-hours so far, 7.0 GPU-hours so far, those"
    )
    assert summary(runs, NOW).endswith("(in 2:00:00)")  # when the last of them ends


def test_runs_are_found_at_any_depth(make_run, tmp_path):
    make_run("h36m/runs/a")
    make_run("h36m/search/x/b/c")
    (tmp_path / "h36m/tables").mkdir()
    found = {path.relative_to(tmp_path).as_posix() for path in find_runs(tmp_path)}
    assert found == {"h36m/runs/a", "h36m/search/x/b/c"}
    assert find_runs(tmp_path / "h36m/runs/a") == [tmp_path / "h36m/runs/a"]


@pytest.mark.parametrize("text", ["", '{"phase": "trai', "[1, 2]", "null", "[" * 100_000, "\udcff"])
def test_files_that_are_cut_short_or_nonsense(make_run, text):
    folder = make_run()
    for name in ("state/progress.json", "metrics.json"):
        (folder / name).write_bytes(text.encode(errors="surrogateescape"))
    rendered([read_run(folder, "run", NOW)], 80)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([10**400, -1e308]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
)


@given(
    progress=st.dictionaries(st.sampled_from([*PROGRESS, "processes"]), values),
    phase=st.sampled_from(["starting", "training", "evaluating", "finished", "failed", "stopped"]),
    metrics=st.fixed_dictionaries(
        {"epochs": st.dictionaries(st.sampled_from(["mpjpe", "lr", "seconds"]), values), "summary": values}
    ),
    name=st.text(),
)
def test_any_json_is_shown(tmp_path_factory, progress, phase, metrics, name):
    folder = tmp_path_factory.mktemp("run")
    (folder / "state").mkdir()
    (folder / "state/progress.json").write_text(json.dumps({"phase": phase} | progress))
    (folder / "metrics.json").write_text(json.dumps(metrics))
    run = read_run(folder, name, NOW)
    assert all(value is None or math.isfinite(value) for value in (run.mpjpe, run.lr, run.seconds))
    assert all(line.isprintable() for line in rendered([run], 80).splitlines())


def test_once_and_in_a_pipe(make_run, tmp_path):
    make_run("h36m/runs/baseline-base-s0", PROGRESS | {"updated": None})
    command = [sys.executable, "-m", "poselift.cli", "monitor", str(tmp_path)]
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    for options in (["--once"], []):
        answer = subprocess.run(
            command + options, capture_output=True, text=True, timeout=60, env=environment
        )
        assert (answer.returncode, answer.stderr) == (0, "")
        assert "h36m/runs/baseline-base-s0  running" in answer.stdout
        assert "12.0 GiB" in answer.stdout
        assert "\x1b" not in answer.stdout


def test_nothing_to_show(tmp_path, capsys):
    monitor.main([str(tmp_path), "--once"])
    shown = " ".join(capsys.readouterr().out.split())
    assert shown == f"no runs below {tmp_path} yet; `snakemake` or `poselift train` starts some"
    with pytest.raises(monitor.PoseliftError, match="no such folder"):
        monitor.main([str(tmp_path / "absent")])
