"""The whole workflow on a tiny experiment: from synthetic motion to the compiled paper."""

import json
import shutil

import pandas as pd
import pytest

from poselift.provenance.hashing import sha256

pytestmark = pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs LaTeX")


def test_a_paper_comes_out(built_once):
    results = built_once.folder / "results/tiny"
    assert (results / "paper/main.pdf").read_bytes().startswith(b"%PDF")
    assert (results / "paper/main.pdf").stat().st_size > 50_000
    table, _, files = (results / "summary.txt").read_text().partition("Open:\n")
    assert "SYNTHETIC" in table
    paths = [line.split()[0] for line in files.splitlines()]
    assert [path.rpartition(".")[2] for path in paths] == ["pdf", "html", "csv"]
    assert all((built_once.folder / path).is_file() for path in paths)


def test_results_hold_every_run_and_the_reference_rows(built_once):
    table = pd.read_csv(built_once.folder / "results/tiny/results.csv")
    assert set(table["run"]) == {
        "baseline-pico-s0", "mamba_gcn-pico-s0", "full-pico-s0", "mean_pose", "copy_2d", "copy_gt2d",
    }  # fmt: skip
    overall = table[(table["group"] == "all") & (table["metric"] == "mpjpe")]
    assert (overall["value"] > 0).all()
    run = json.loads((built_once.folder / "results/tiny/runs/full-pico-s0/metrics.json").read_text())
    best = overall[(overall["run"] == "full-pico-s0") & (overall["checkpoint"] == "best")]["value"].item()
    assert best == pytest.approx(run["summary"]["best_mpjpe"], rel=1e-4)


def test_every_job_leaves_a_log_and_a_benchmark(built_once):
    results = built_once.folder / "results/tiny"
    logs, benchmarks = (
        {path.relative_to(results).with_suffix("").as_posix() for path in results.rglob(f"{kind}/**/*.*")}
        for kind in ("logs", "benchmarks")
    )
    assert {log.replace("logs/", "benchmarks/", 1) for log in logs} == benchmarks
    assert {"logs/train/full-pico-s0", "logs/paper/pdf", "logs/frames"} <= logs


def test_a_run_records_what_made_it(built_once):
    folder = built_once.folder / "results/tiny/runs/mamba_gcn-pico-s0"
    made = json.loads((folder / "provenance.json").read_text())
    for name, digest in made["outputs"].items():
        assert sha256(folder / name) == digest
    manifest = json.loads((built_once.folder / "results/tiny/data/frames/manifest.json").read_text())
    assert made["inputs"]["data"] == manifest["arrays"]


def test_paper_folder_compiles_elsewhere(built_once, tmp_path):
    import subprocess

    folder = shutil.copytree(built_once.folder / "results/tiny/paper", tmp_path / "with co-authors")
    for made in folder.glob("main.*"):
        if made.suffix != ".tex":
            made.unlink()
    answer = subprocess.run(
        ["latexmk", "-interaction=nonstopmode", "main.tex"], cwd=folder, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stdout[-2000:]
    assert (folder / "main.pdf").exists()
