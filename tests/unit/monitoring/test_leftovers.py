"""Runs of entries that are no more: listed, and removed only after a yes."""

import json
from pathlib import Path

import pytest
import yaml
from filelock import FileLock

from poselift.monitoring.leftovers import main

CONFIG = {
    "dataset": "trial",
    "data": {"title": "Trial", "synthetic": {}},
    "sizes": {"tiny": {"depth": 2, "dim": 16}},
    "experiment": {"architectures": ["baseline"], "sizes": ["tiny"], "seeds": [0]},
    "ground_truth_2d": {"architectures": ["baseline"], "sizes": ["tiny"], "seeds": [2]},
    "ablation": [{"name": "deep", "architecture": "full", "size": "tiny", "seeds": [3]}],
    "experiments": [{"name": "tried", "architecture": "full", "size": "tiny", "seeds": [4]}],
    "further_data": {"mpi_inf_3dhp": {"synthetic": {}, "sizes": ["tiny"], "seeds": [5]}},
    "paper": {"title": "T", "authors": ["A"], "per_action_size": "tiny"},
}
KEPT = (
    "trial/runs/baseline-tiny-s0",
    "trial/runs/baseline-tiny-gt2d-s2",
    "trial/runs/full-tiny-deep-s3",
    "trial/runs/full-tiny-tried-s4",
    "trial/mpi_inf_3dhp/runs/baseline-tiny-s5",
    "other/runs/baseline-tiny-s9",
)
OLD = ("trial/runs/baseline-tiny-s5", "trial/mpi_inf_3dhp/runs/baseline-tiny-s0")


def parts_of(folder: Path) -> list[Path]:
    """What there is of a run beside its folder."""
    receipts = [f"receipts/{rule}/{folder.name}.json" for rule in ("train", "outcome", "evaluate")]
    files = [f"evaluation/{folder.name}.json", f"evaluation/{folder.name}-examples.npz", *receipts]
    return [folder.parents[1] / file for file in files]


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """Results of runs, some of which the configuration does not have."""
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(yaml.safe_dump(CONFIG))
    for run in (*KEPT, *OLD):
        folder = Path("results", run)
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps({"summary": {"epochs": 1}}))
        (folder / "weights").write_bytes(bytes(1_500_000))
        for path in parts_of(folder):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(40_000))
    return tmp_path


def files() -> set[str]:
    return {path.as_posix() for path in Path("results").rglob("*") if path.is_file()}


def test_they_are_listed_and_nothing_is_removed(project, capsys):
    before = files()
    main([])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f"results/{run}  1.7 MB" for run in OLD]
    assert lines[2] == "2 runs that config.yaml does not have"
    assert files() == before


@pytest.mark.parametrize("answer", ["", "n", "no", "x", None])
def test_nothing_is_removed_without_a_yes(project, monkeypatch, answer):
    def asked(question: str) -> str:
        if answer is None:
            raise EOFError
        return answer

    before = files()
    monkeypatch.setattr("builtins.input", asked)
    main(["--remove"])
    assert files() == before


def test_after_a_yes_all_of_a_run_is_removed_and_others_stay(project, monkeypatch, capsys):
    before = files()
    monkeypatch.setattr("builtins.input", lambda question: "y")
    main(["--remove"])
    gone = set()
    for run in OLD:
        folder = Path("results", run)
        gone |= {path.as_posix() for path in (folder / "metrics.json", folder / "weights", *parts_of(folder))}
    assert before - files() == gone
    assert not any(Path("results", run).exists() for run in OLD)


def test_a_run_that_is_being_trained_is_left_alone(project, capsys):
    (Path("results", OLD[0]) / "metrics.json").unlink()
    (Path("results", OLD[0]) / "state").mkdir()
    with FileLock(Path("results", OLD[0]) / "state/lock"):
        main([])
    assert "1 run that" in capsys.readouterr().out
