"""Free experiments: files over files, and a comparison that ranks only what can be ranked."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from poselift import experiments
from poselift.config.command_line import run_from_options
from poselift.config.files import laid_over, read_configuration
from poselift.errors import PoseliftError
from poselift.evaluation.protocol import POSE_ERRORS
from poselift.experiments import candidate, candidates, compare, differing, main

CONFIG = """
dataset: tiny
data: {title: Twin, synthetic: {seed: 1}}
sizes: {nano: {depth: 1, dim: 16}}
experiment: {architectures: [baseline], sizes: [nano], seeds: [0, 1]}
training: {lr: 0.1, epochs: 2}
paper: {title: T, authors: [A], per_action_size: nano}
"""
LIST = """
training: {lr: 0.2}
experiments:
  - {name: slow, architecture: baseline, size: nano, training: {lr: 0.01}}
  - {name: gt, architecture: baseline, size: nano, seeds: [7], input_2d: ground_truth}
"""


@pytest.fixture
def files(tmp_path, monkeypatch) -> list[Path]:
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "list.yaml").write_text(LIST)
    monkeypatch.chdir(tmp_path)
    return [Path("config.yaml"), Path("list.yaml")]


@pytest.fixture
def run_folder(tmp_path):
    """Write the folder of a finished run, with the parts that a comparison reads."""

    def write(name: str, best: float, unit: str = "mm", data: str = "abc", **options: object) -> Path:
        folder = tmp_path / "results/tiny/runs" / name
        folder.mkdir(parents=True)
        given = {"architecture": "baseline", "size": "nano", "depth": 1, "dim": 16} | options
        settings = run_from_options(given).model_dump(mode="json")
        (folder / "config.yaml").write_text(yaml.safe_dump(settings))
        summary = {"best_mpjpe": best, "last_mpjpe": best + 1, "unit": unit, "gpu_hours": 0.5, "epochs": 2}
        metrics = {"epochs": {"mpjpe": [best + 1, best]}, "summary": summary}
        (folder / "metrics.json").write_text(json.dumps(metrics))
        (folder / "provenance.json").write_text(json.dumps({"inputs": {"data": {"train": data}}}))
        return folder

    return write


def printed(folders: list[Path], width: int = 240) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        compare(folders, console)
    return capture.get()


def test_files_are_laid_over_each_other(files):
    config = read_configuration(files)
    runs = config.variant_runs(config.experiments)
    assert set(runs) == {"baseline-nano-slow-s0", "baseline-nano-slow-s1", "baseline-nano-gt-s7"}
    assert runs["baseline-nano-slow-s0"].training.lr == 0.01
    assert runs["baseline-nano-gt-s7"].training.lr == 0.2
    assert runs["baseline-nano-gt-s7"].training.epochs == 2
    assert config.runs()["baseline-nano-s0"].training.lr == 0.2


def test_lists_are_laid_over_as_a_whole():
    base = {"a": {"b": [1, 2], "c": {"d": 1}}, "e": {"f": 1}}
    assert laid_over(base, {"a": {"b": [3], "c": {"g": 2}}, "e": None}) == {
        "a": {"b": [3], "c": {"d": 1, "g": 2}}, "e": None,
    }  # fmt: skip
    assert base["a"] == {"b": [1, 2], "c": {"d": 1}}


def test_a_fault_names_the_file_and_the_key(files):
    Path("list.yaml").write_text("experiments: [{name: slow, architecture: baseline, size: nanno}]")
    fault = r"config\.yaml, list\.yaml: experiments\.slow\.size: unknown size 'nanno'"
    with pytest.raises(PoseliftError, match=fault):
        read_configuration(files)
    Path("list.yaml").write_text("experiments: [")
    with pytest.raises(PoseliftError, match=r"list\.yaml: not valid YAML"):
        read_configuration(files)


@pytest.fixture
def workflow(files, monkeypatch):
    """Stands in for Snakemake: notes how it is called, and ends with the status it is told."""
    Path("Snakefile").touch()
    calls: list[list[str]] = []

    class Workflow:
        status = 0
        commands = calls

        def __call__(self, command, check):
            calls.append(command)
            return subprocess.CompletedProcess(command, self.status)

    workflow = Workflow()
    monkeypatch.setattr(experiments.subprocess, "run", workflow)
    return workflow


def test_run_hands_the_list_to_the_workflow_and_compares(workflow, run_folder, capsys):
    for name, best in (("baseline-nano-slow-s0", 51.0), ("baseline-nano-slow-s1", 50.0)):
        run_folder(name, best, lr=0.01)
    main(["run", "list.yaml", "--cores", "3", "--profile", "workflow/profiles/slurm", "--quiet"])
    assert workflow.commands == [
        [
            sys.executable, "-m", "snakemake", "experiments", "--cores", "3",
            "--profile", "workflow/profiles/slurm", "--quiet", "--configfile", "list.yaml",
        ]
    ]  # fmt: skip
    shown = capsys.readouterr().out
    assert shown.index("baseline-nano-slow-s1") < shown.index("baseline-nano-slow-s0")
    assert "baseline-nano-gt-s7/metrics.json: no such file" in shown


def test_a_dry_run_compares_nothing(workflow, capsys):
    main(["run", "list.yaml", "-n"])
    assert capsys.readouterr().out == ""
    assert workflow.commands[0][4:7] == ["--cores", "all", "-n"]


def test_faults_of_a_run_are_one_line(workflow, tmp_path):
    workflow.status = 1
    with pytest.raises(PoseliftError, match=r"the workflow failed \(exit status 1\)"):
        main(["run", "list.yaml"])
    Path("list.yaml").write_text("training: {lr: 0.2}")
    with pytest.raises(PoseliftError, match=r"list\.yaml: no experiments"):
        main(["run", "list.yaml"])
    Path("Snakefile").unlink()
    with pytest.raises(PoseliftError, match="no Snakefile here"):
        main(["run", "list.yaml"])


def test_runs_are_ranked_by_their_best_error(run_folder):
    folders = [run_folder("a", 42.5, lr=0.01), run_folder("b", 40.25, lr=0.02, seed=3), run_folder("c", 41.0)]
    text = printed(folders)
    rows = [line.split() for line in text.splitlines() if line.startswith("│")]
    assert [row[1] for row in rows] == ["b", "c", "a"]
    assert rows[0][3:10:2] == ["40.25", "41.25", "–", "0.50"]  # best, last, not evaluated, hours
    assert "seed 3, lr 0.02" in " ".join(rows[0])
    assert "best (mm)" in text
    assert "not ranked" not in text


def test_errors_are_whole_on_a_narrow_terminal(run_folder):
    many = {"lr": 0.01, "epochs": 7, "batch_size": 3, "weight_decay": 0.5, "lr_decay": 0.75}
    name = "mamba_gcn-xsmall-without_confidence-s0"
    text = printed([run_folder(name, 142.51, **many), run_folder("other", 153.25)], width=100)
    assert max(map(len, text.splitlines())) <= 100
    row = next(line for line in text.splitlines() if name in line)
    assert row.split()[3:6:2] == ["142.51", "143.51"]


def test_runs_on_ground_truth_are_ranked_apart(run_folder):
    folders = [run_folder("detected", 42.0), run_folder("perfect", 12.0, input_2d="ground_truth")]
    text = printed(folders)
    assert "2 tables" in text
    assert "2D poses: ground_truth" in text
    assert text.index("detected") < text.index("perfect")


def test_csv_has_every_setting(run_folder, capsys):
    folders = [run_folder("a", 42.5, lr=0.01), run_folder("b", 40.25, input_2d="ground_truth")]
    main(["compare", "--csv", *map(str, folders)])
    rows = {row["run"]: row for row in csv.DictReader(capsys.readouterr().out.splitlines())}
    assert rows["a"]["best"] == "42.5"
    assert rows["a"]["lr"] == "0.01"
    assert rows["b"]["input_2d"] == "ground_truth"
    with pytest.raises(PoseliftError, match=r"nowhere/metrics\.json: no such file"):
        main(["compare", "--csv", "nowhere"])


def test_the_folder_of_all_runs_stands_for_each(run_folder, capsys):
    folders = [run_folder("a", 42.5), run_folder("b", 40.25)]
    main(["compare", "--csv", str(folders[0].parent)])
    assert [row["run"] for row in csv.DictReader(capsys.readouterr().out.splitlines())] == ["a", "b"]


def test_columns_are_the_settings_that_differ(run_folder):
    runs, _ = candidates([run_folder("a", 1.0, lr=0.01), run_folder("b", 1.0, seed=3, n_frames=9)])
    assert differing(runs) == ["n_frames", "seed", "lr"]
    folders = [run_folder("c", 1.0), run_folder("d", 1.0, architecture="full")]
    both, _ = candidates(folders)
    assert "lr" not in differing(both)
    assert "fusion_alpha" in differing(both)  # which one of them does not have
    assert "nan" not in printed(folders)


@pytest.mark.parametrize("other", [{"unit": "px"}, {"data": "xyz"}, {"validation_subject": "S8"}])
def test_what_cannot_be_ranked_together_is_not(run_folder, other):
    text = printed([run_folder("a", 42.0), run_folder("b", 4.0, **other), run_folder("c", 41.0)])
    assert "2 tables: errors in other units, on other subjects, 2D poses or other data are not" in text
    assert text.index(" c ") < text.index(" a ") < text.index(" b ")


def test_a_broken_folder_is_a_row_with_its_reason(run_folder, tmp_path):
    whole, cut, other = run_folder("a", 42.0), run_folder("b", 41.0), run_folder("c", 40.0)
    text = (cut / "metrics.json").read_text()
    (cut / "metrics.json").write_text(text[: len(text) // 2])
    metrics = json.loads((other / "metrics.json").read_text())
    metrics["summary"]["best_mpjpe"] = None
    (other / "metrics.json").write_text(json.dumps(metrics))
    shown = printed([whole, cut, other, tmp_path / "nowhere"])
    assert "42.00" in shown
    broken = shown[shown.index("cannot be ranked") :]
    assert "not the metrics of a finished run" in broken
    assert "no error in the summary" in broken
    assert "nowhere/metrics.json: no such file" in " ".join(broken.split())


def test_nothing_to_rank_is_an_error(tmp_path):
    with pytest.raises(PoseliftError, match="no run that can be ranked; give folders of finished runs"):
        printed([tmp_path / "nowhere"])


def test_the_evaluation_beside_the_run_is_shown(run_folder):
    folder = run_folder("a", 42.0)
    assert candidate(folder)["P-MPJPE"] is None
    best = {"rows": [(metric, "all", "", 30.5) for metric in POSE_ERRORS]}
    report = {"run": "a", "n_frames": 9, "checkpoints": {"best": best}}
    evaluation = folder.parents[1] / "evaluation/a.json"
    evaluation.parent.mkdir()
    evaluation.write_text(json.dumps(report))
    assert candidate(folder)["P-MPJPE"] == 30.5
    assert "30.50" in printed([folder])
