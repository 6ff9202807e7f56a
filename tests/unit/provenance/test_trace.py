"""From an artefact down to the hash of the raw file, in the project and in a paper folder far from it."""

import hashlib
import shutil
from pathlib import Path

import pytest

from poselift.errors import PoseliftError
from poselift.provenance.trace import main

RAW = hashlib.sha256(b"raw motion").hexdigest()


def traced(capsys, *arguments: str) -> str:
    main([*arguments])
    return capsys.readouterr().out


@pytest.mark.parametrize(
    "target", ["tables/main", "table:main", "results/toy/tables/main.tex", "figures/curves", "results.csv"]
)
def test_a_file_down_to_the_raw_one(toy, capsys, target):
    text = traced(capsys, target)
    assert f"data/raw.pkl  sha256 {RAW}" in text
    assert "by evaluate, code " in text
    assert "runs/full-base-s0/history.json" in text


def test_a_run_has_its_own_chain_alone(toy, capsys):
    text = traced(capsys, "full-base-s1")
    assert text.startswith("results/toy/runs/full-base-s1/history.json")
    assert "full-base-s0" not in text
    assert RAW in text


def test_a_run_of_the_second_data_set_has_to_be_named_in_full(toy, capsys):
    second = "results/toy/second/runs/full-base-s1"
    toy.job("second/train/full-base-s1", "train", ["data/raw.pkl"], {f"{second}/history.json": "{}"})
    assert traced(capsys, "full-base-s1").startswith("results/toy/runs/full-base-s1/history.json")
    assert traced(capsys, f"{second}/history.json").startswith(second)


def test_a_number_comes_from_the_runs_of_its_model(toy, capsys):
    text = traced(capsys, "full.base.mpjpe")
    assert text.startswith("full.base.mpjpe = 39.5 ± 0.3\n")
    assert "evaluation/full-base-s0.json" in text
    assert "evaluation/full-base-s1.json" in text
    assert "baseline" not in text


def test_a_change_comes_from_the_baseline_too(toy, capsys):
    text = traced(capsys, "detail.full.mpjpe.change")
    assert "evaluation/baseline-base-s0.json" in text
    assert "evaluation/full-base-s1.json" in text


def test_an_edited_file_is_said(toy, capsys):
    Path("results/toy/results.csv").write_text("edited")
    assert "warning: results/toy/results.csv: not as rule results made it" in traced(capsys, "tables/main")


def test_in_a_paper_folder_alone(paper_folder, tmp_path_factory, monkeypatch, capsys):
    folder = shutil.copytree(paper_folder, tmp_path_factory.mktemp("away") / "paper")
    monkeypatch.chdir(folder.parent)
    text = traced(capsys, "paper/main.pdf")
    assert "results/toy/tables/main.tex" in text
    assert f"data/raw.pkl  sha256 {RAW}" in text
    assert RAW in traced(capsys, "--in", "paper", "full.base.mpjpe")
    assert RAW in traced(capsys, "paper/generated/tables/main.tex")


def test_many_of_a_kind_are_counted_unless_all_are_wanted(toy, capsys):
    for seed in range(2, 6):
        run = f"full-base-s{seed}"
        toy.job(f"evaluate/{run}", "evaluate", [], {f"results/toy/evaluation/{run}.json": run})
    evaluations = sorted(map(str, Path("results/toy/evaluation").glob("*.json")))
    toy.job("paper/results", "results", evaluations, {"results/toy/results.csv": "more"})
    assert "... and 6 more files of such jobs (--all)" in traced(capsys, "results.csv")
    assert "full-base-s5.json" in traced(capsys, "results.csv", "--all")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("full.base.mpjep", "did you mean full.base.mpjpe"),
        ("zzz", "no build made it"),
        ("best_model.safetensors", "may mean .*; say which"),
    ],
)
def test_what_is_not_there_is_said(toy, target, message):
    with pytest.raises(PoseliftError, match=message):
        main([target])


def test_a_folder_without_records(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PoseliftError, match="say where"):
        main(["tables/main"])
    with pytest.raises(PoseliftError, match="neither results of the workflow"):
        main(["tables/main", "--in", "."])
