"""The search as jobs: which there are, and that a value more costs only its own."""

import re
import subprocess

import pandas as pd
import pytest
import yaml

SEARCH = """
search:
  stages:
    - name: coarse
      architecture: mamba_gcn
      size: pico
      epochs: 2
      grid: {lr: [1.0e-3, 5.0e-3], gcn_dropout: [0.1, 0.3]}
      halving: {epochs: [1], keep: 0.5}
    - name: fine
      start_from: coarse
      epochs: 1
      factors: {lr: [0.5, 2]}
"""
TRIALS = [f"lr={lr},gcn_dropout={dropout}" for lr in ("0.001", "0.005") for dropout in ("0.1", "0.3")]


def jobs(answer: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """The number of jobs by rule that a dry run shows."""
    assert answer.returncode == 0, answer.stderr
    table = answer.stdout.partition("Job stats:")[2].partition("\n\n")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}


def test_a_job_for_each_trial_and_rung(project):
    answer = project.snakemake("search", "--dry-run", changes=SEARCH)
    found = jobs(answer)
    # four trials up to two rungs, and two that start from the winner
    assert (found["trial"], found["ranking"], found["search_results"]) == (4 * 2 + 2, 3, 1)
    assert not {"train", "evaluate", "pdf"} & set(found)
    for trial in TRIALS:
        assert f"search/coarse/{trial}/rung-1.json" in answer.stdout
    (rung,) = re.findall(
        rf"rule trial:\n((?:    .*\n)*?    output: \S*{TRIALS[0]}/rung-1\.json)", answer.stdout
    )
    assert "search/coarse/ranking-0.json" in rung
    (fine,) = re.findall(
        r"rule trial:\n((?:    .*\n)*?    output: \S*/fine/lr=x0\.5/rung-0\.json)", answer.stdout
    )
    assert "search/coarse/ranking-1.json" in fine
    assert "subject" not in found


def test_the_full_search_is_not_part_of_the_paper(project):
    assert "trial" not in jobs(project.snakemake("--dry-run"))
    with_paper = SEARCH + "  with_paper: true"
    assert jobs(project.snakemake("--dry-run", changes=with_paper))["trial"] == 10
    full = jobs(project.snakemake("search", "--dry-run"))
    assert full["trial"] == 3 * 2 * (36 + 9)  # two rungs of each stage of each architecture


def test_a_faulty_stage_stops_everything(project):
    answer = project.snakemake("--dry-run", changes=SEARCH.replace("gcn_dropout", "gcn_dropuot"))
    assert answer.returncode != 0
    assert "'gcn_dropuot' cannot be searched (did you mean 'gcn_dropout'?)" in answer.stderr
    assert "Traceback" not in answer.stderr
    answer = project.snakemake("--dry-run", changes=SEARCH.replace("size: pico", "size: pcio"))
    assert "search.coarse.size: unknown size 'pcio' (did you mean 'pico'?)" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_experiments_are_a_target(project):
    changes = "experiments: [{name: slow, architecture: baseline, size: pico, seeds: [3, 4]}]"
    found = jobs(project.snakemake("experiments", "--dry-run", changes=changes))
    assert (found["train"], found["evaluate"]) == (2, 2)
    assert "pdf" not in found


@pytest.mark.slow
def test_a_search_from_end_to_end(project):
    answer = project.snakemake("search", changes=SEARCH)
    assert answer.returncode == 0, answer.stderr
    folder = project.folder / "results/tiny/search"
    rows = pd.read_csv(folder / "results.csv")
    assert len(rows) == 6
    assert rows["status"].value_counts().to_dict() == {"finished": 4, "stopped": 2}
    assert rows["final"].is_monotonic_increasing
    assert set(rows["unit"]) == {"px"}
    assert "SYNTHETIC DATA" in answer.stdout
    assert not list(folder.rglob("*.safetensors"))
    assert not list(folder.rglob("*.pt"))

    # the fine trials start from the coarse winner
    coarse = rows[(rows["stage"] == "coarse") & (rows["status"] == "finished")].iloc[0]
    fine = rows[rows["stage"] == "fine"].set_index("trial")
    assert fine.loc["lr=x2", "lr"] == pytest.approx(2 * coarse["lr"])
    assert fine.loc["lr=x2", "gcn_dropout"] == coarse["gcn_dropout"]

    # the winner as a second configuration file gives the paper's runs its settings, and stales them alone
    winner = yaml.safe_load((folder / "winner.yaml").read_text())
    best = rows[(rows["status"] == "finished") & (rows["stage"] == "fine")].iloc[0]
    assert winner["overrides"] == [{"architectures": ["mamba_gcn"], "training": {"lr": best["lr"]}}]
    assert winner["models"] == {"mamba_gcn": {"gcn_dropout": best["gcn_dropout"]}}

    # nothing more to do; and one value more asks for its own trials, then for the comparisons
    assert "trial" not in jobs(project.snakemake("search", "--dry-run", changes=SEARCH))
    more = SEARCH.replace("gcn_dropout: [0.1, 0.3]", "gcn_dropout: [0.1, 0.3, 0.2]")
    dry = project.snakemake("search", "--dry-run", changes=more)
    first = [f for f in re.findall(r"output: (\S+rung-0\.json)", dry.stdout) if "/coarse/" in f]
    assert sorted(f.split("/")[-2] for f in first) == ["lr=0.001,gcn_dropout=0.2", "lr=0.005,gcn_dropout=0.2"]

    # the other trials answer from what they know: their metrics stay untouched
    before = {path: path.stat().st_mtime_ns for path in folder.glob("coarse/*/metrics.json")}
    assert project.snakemake("search", changes=more).returncode == 0
    assert len(pd.read_csv(folder / "results.csv")) == 8
    survivors = rows[(rows["stage"] == "coarse") & (rows["status"] == "finished")]["trial"]
    for path in before:
        if path.parent.name in set(survivors):
            assert path.stat().st_mtime_ns == before[path]
