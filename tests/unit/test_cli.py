"""The `poselift` command: it lists its stages, runs them, and answers a mistake in one line."""

import subprocess
import sys

from poselift.cli import COMMANDS


def poselift(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "poselift.cli", *arguments], capture_output=True, text=True)


def test_lists_its_commands():
    answer = poselift()
    assert answer.returncode == 0
    assert all(f"  {name} " in answer.stdout for name in COMMANDS)


def test_unknown_command():
    answer = poselift("trian")
    assert answer.returncode == 1
    assert answer.stderr.startswith("error: unknown command 'trian'")


def test_runs_a_stage(tmp_path):
    options = ["--n-actions", "1", "--n-cameras", "1", "--train-frames", "20", "--test-frames", "20"]
    assert poselift("synthetic", "--out", str(tmp_path / "raw.pkl"), *options).returncode == 0
    answer = poselift("check", "--raw", str(tmp_path / "raw.pkl"))
    assert answer.returncode == 0
    assert answer.stdout.splitlines() == [
        "train: 200 frames in 10 sequences",
        "test: 80 frames in 4 sequences",
    ]


def test_mistake_is_one_line(tmp_path):
    answer = poselift("prepare", "--raw", str(tmp_path), "--out", str(tmp_path / "store"))
    assert answer.returncode == 1
    assert len(answer.stderr.splitlines()) == 1
    assert answer.stderr.startswith("error: ")
