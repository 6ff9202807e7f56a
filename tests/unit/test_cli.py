"""The `poselift` command: it lists its stages, runs them, and answers a mistake in one line."""

import re
import subprocess
import sys
from importlib import metadata

import pytest

from poselift.cli import COMMANDS, main, usage


def poselift(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "poselift.cli", *arguments], capture_output=True, text=True)


def test_lists_its_commands():
    answer = poselift()
    assert answer.returncode == 0
    assert all(f"  {name} " in answer.stdout for name in COMMANDS)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("tran", "did you mean 'train'?"),
        ("moniter", "did you mean 'monitor'?"),
        ("x\ny", "poselift --help lists the commands"),
    ],
)
def test_unknown_command(name, advice):
    answer = poselift(name)
    assert answer.returncode == 1
    shown = name.replace("\n", " ")
    assert answer.stderr == f"error: unknown command '{shown}' ({advice})\n"


def test_version():
    answer = poselift("--version")
    assert (answer.returncode, answer.stdout) == (0, f"poselift {metadata.version('poselift')}\n")


def test_each_command_goes_by_its_own_name(monkeypatch, capsys):
    for name in COMMANDS:
        monkeypatch.setattr(sys, "argv", ["poselift", name, "--help"])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        shown = capsys.readouterr().out
        assert re.match(rf"usage: poselift {name}\s", shown), shown
        assert COMMANDS[name][1] in usage()


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
