"""From the built paper back to the raw file: receipts, record, claims, hand-over, and the words of `why`."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from poselift.provenance.receipts import receipt_path
from poselift.provenance.verify import verify_paper, verify_results

pytestmark = pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs LaTeX")

RESULTS = "results/tiny"


def command(project, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module with the project's own code."""
    environment = os.environ | {"PYTHONPATH": str(project.folder / "src")}
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=project.folder, env=environment, capture_output=True, text=True,
    )  # fmt: skip


def why(project, changes: str = "") -> list[str]:
    """What `poselift why` answers after `changes` of the configuration."""
    (project.folder / "changes.yaml").write_text(changes or "{}")
    answer = command(project, "poselift.provenance.why", "--configfile", "tiny.yaml", "changes.yaml")
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.splitlines()


def test_every_job_leaves_a_receipt(built_once):
    folder = built_once.folder
    logs = {path.relative_to(folder).as_posix() for path in (folder / RESULTS).rglob("logs/**/*.log")}
    receipts = {path.relative_to(folder) for path in (folder / RESULTS / "receipts").rglob("*.json")}
    assert {receipt_path(log) for log in logs} == receipts


def test_the_record_covers_the_chain_down_to_the_raw_file(built_once):
    record = json.loads((built_once.folder / RESULTS / "provenance.json").read_text())
    rules = {job["rule"] for job in record["core"]["jobs"].values()}
    assert {"synthetic", "raw", "frames", "clips", "train", "evaluate", "results", "table", "figure"} <= rules
    assert all(record["code"].values()), "what a code hash was made of is kept"
    assert not [source for source in record["core"]["sources"] if source.startswith("results/")]


def test_what_was_built_is_as_recorded(built_once):
    assert verify_results(built_once.folder / RESULTS) == []
    assert verify_paper(built_once.folder / RESULTS / "paper") == []


def test_a_number_is_traced_to_the_raw_file(built_once):
    answer = command(built_once, "poselift.provenance.trace", "full.pico.mpjpe", "--in", RESULTS)
    assert answer.returncode == 0, answer.stderr
    assert "evaluation/full-pico-s0.json" in answer.stdout
    assert "evaluation/baseline-pico-s0.json" not in answer.stdout
    raw = (built_once.folder / RESULTS / "data/raw.sha256").read_text().split()[0]
    assert f"data/raw.pkl  sha256 {raw}" in answer.stdout


def test_a_table_edited_by_hand_stops_the_build_and_is_named(built):
    built.edit(f"{RESULTS}/tables/main.tex", "\\begin", "% better numbers\n\\begin")
    pdf = (built.folder / RESULTS / "paper/main.pdf").read_bytes()
    answer = built.snakemake()
    assert answer.returncode != 0
    assert f"{RESULTS}/tables/main.tex: not as rule table made it (edited by hand?)" in answer.stderr
    assert (built.folder / RESULTS / "paper/main.pdf").read_bytes() == pdf
    (built.folder / RESULTS / "tables/main.tex").unlink()
    answer = built.snakemake()
    assert answer.returncode == 0, answer.stderr
    assert verify_paper(built.folder / RESULTS / "paper") == []


def test_claims_on_synthetic_data_cannot_be_judged_and_the_paper_is_built(built):
    answer = built.snakemake("claims")
    assert answer.returncode != 0
    assert "3 not tested" in answer.stdout + answer.stderr
    assert "the data are synthetic" in answer.stdout + answer.stderr
    assert built.stale() == {}


def test_the_hand_over_checks_itself(built, tmp_path):
    answer = built.snakemake("handover")
    assert answer.returncode == 0, answer.stderr
    folder = built.folder / RESULTS / "handover"
    with zipfile.ZipFile(folder / "tiny-paper.zip") as archive:
        archive.extractall(tmp_path)
    check = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py"], cwd=tmp_path / "tiny-paper", capture_output=True, text=True
    )
    assert check.returncode == 0, check.stdout + check.stderr
    assert (folder / "tiny-paper-arxiv.tar.gz").stat().st_size > 10_000


def test_why_names_the_module_the_version_and_the_option(built):
    assert why(built) == ["nothing is stale"]
    built.edit("src/poselift/figures/joints.py", "def draw(", "EDITED = 1\n\n\ndef draw(")
    lines = why(built)
    assert lines[0] == "figures/joints.pdf: code of poselift.figures.joints changed"
    assert lines[-1].startswith("rebuilding: 7 jobs, ")
    built.edit("src/poselift/figures/joints.py", "EDITED = 1\n\n\ndef draw(", "def draw(")
    assert "numbers.tex: --decimals 1 -> 2" in why(built, "paper: {decimals: 2}")


def test_why_names_the_section_that_a_merge_edited_and_no_file_that_it_only_wrote_again(built):
    built.edit("paper/sections/introduction.tex", "\\section", "% edited\n\\section")
    for path in (built.folder / "paper").rglob("*"):
        path.touch()
    assert why(built)[0] == "paper/main.pdf: paper/sections/introduction.tex changed"


def test_what_a_failed_job_left_missing_is_made_again(built):
    sound, faulty = "    grid, metrics = view.grid", "    raise SystemExit(3)\n    grid, metrics = view.grid"
    built.edit("src/poselift/tables/main.py", sound, faulty)
    assert built.snakemake().returncode != 0
    # Snakemake alone would leave the paper with the table as it was
    assert built.stale().keys() >= {"table", "pdf", "report_page"}
    built.edit("src/poselift/tables/main.py", faulty, sound)
    of_table = (
        "table",
        "table_page",
        "summary",
        "provenance",
        "pdf",
        "prose",
        "report_provenance",
        "report_page",
    )
    assert built.stale() == dict.fromkeys((*of_table, "report_page"), 1)
    assert built.snakemake("results/tiny/tables/main.tex").returncode == 0
    assert not any((built.folder / RESULTS / "begun").rglob("*.json"))


def test_what_people_delete_is_named_and_not_made_again(built):
    (built.folder / RESULTS / "tables/main.tex").unlink()
    assert built.stale() == {}
    assert why(built)[0] == "tables/main.tex: missing, and Snakemake sees no reason to act"


def test_a_frozen_run_is_not_trained_again_and_the_paper_says_so(built):
    built.edit("src/poselift/models/ssd.py", "\n\n\nclass", "\n\n\nEDITED = 1\n\n\nclass")
    stale = built.stale("frozen: [mamba_gcn-pico-s0, full-pico-s0]")
    assert "train" not in stale
    assert stale["evaluate"] == 2
    assert built.stale()["train"] == 2
    answer = built.snakemake(f"{RESULTS}/provenance.tex", changes="frozen: [mamba_gcn-pico-s0, full-pico-s0]")
    assert answer.returncode == 0, answer.stderr
    record = json.loads((built.folder / RESULTS / "provenance.json").read_text())
    assert set(record["frozen"]) == {"mamba_gcn-pico-s0", "full-pico-s0"}
    assert record["frozen"]["full-pico-s0"]["changed"] == ["poselift.models.ssd"]
    text = (built.folder / RESULTS / "provenance.tex").read_text()
    assert "full-pico-s0} was made by older code" in " ".join(text.split())


def test_a_run_that_never_was_trained_cannot_be_frozen(project):
    answer = project.snakemake("--dry-run", changes="frozen: [full-pico-s0]")
    assert answer.returncode != 0
    assert "frozen: run 'full-pico-s0' has not been trained yet" in answer.stderr


def test_a_draft_is_built_from_the_runs_that_are_there(built):
    for path in Path(built.folder / RESULTS).glob("evaluation/baseline-pico-s0*"):
        path.unlink()
    stale = built.stale("draft: true")
    assert "evaluate" not in stale
    answer = built.snakemake(f"{RESULTS}/paper/main.pdf", changes="draft: true")
    assert answer.returncode == 0, answer.stderr
    assert "\\drafttrue" in (built.folder / RESULTS / "paper/generated/numbers.tex").read_text()


def test_figures_carry_the_hash_of_what_they_were_made_from(built_once):
    folder = built_once.folder / RESULTS / "figures"
    stamps = {
        re.search(rb"/Subject \((made from [0-9a-f]{12})\)", (folder / f"{name}.pdf").read_bytes()).group(1)
        for name in ("comparison", "place", "curves")
    }
    assert len(stamps) == 2  # the first two are of results.csv, the third of the runs
