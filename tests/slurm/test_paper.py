"""The paper through a cluster, with the profile as it is shipped."""

import re
from pathlib import Path

# what stands in the queue; all else is made where Snakemake runs
ON_THE_CLUSTER = {
    "group_data_clips_frames_raw_synthetic",
    "rule_train",
    "rule_evaluate",
    "rule_shown_clips",
    "rule_references",
    "rule_cost",
}


def logs(project) -> dict[str, list[Path]]:
    """The logs of SLURM jobs, by rule or group."""
    found: dict[str, list[Path]] = {}
    folder = project.folder / "results/slurm-logs"
    for path in sorted(folder.rglob("*.log")):
        found.setdefault(path.relative_to(folder).parts[0], []).append(path)
    return found


def test_paper_is_built(paper):
    pdf = paper.folder / "results/tiny/paper/main.pdf"
    assert pdf.read_bytes().startswith(b"%PDF")
    assert "MPJPE" in (paper.folder / "results/tiny/summary.txt").read_text()


def test_only_heavy_work_goes_through_the_queue(paper):
    assert set(logs(paper)) == ON_THE_CLUSTER


def test_log_of_a_job_lies_under_its_rule_and_wildcards(paper):
    (log,) = logs(paper)["rule_train"]
    assert re.search(r"rule_train/tiny_baseline-pico-s0/\d+\.log$", str(log))
    assert "baseline-pico-s0 finished after epoch 12" in log.read_text()


def test_nothing_is_left_to_do(paper):
    answer = paper.snakemake("--dry-run", changes=(paper.folder / "changes.yaml").read_text())
    assert "Nothing to be done" in answer.stdout + answer.stderr


def test_paper_built_on_the_cluster_is_current_on_a_single_machine(paper):
    changes = (paper.folder / "changes.yaml").read_text()
    paper = type(paper)(paper.folder)
    assert paper.stale(changes) == {}
