"""Receipts of this workflow's jobs alone, and a workflow that leaves nothing behind when it is only read."""

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from project import PARTS, Project

HOST = """
configfile: "config.yaml"

rule before:
    output: "before.txt"
    shell: "echo before > {output}"

module poselift:
    snakefile: "../Snakefile"
    config: config

use rule * from poselift

rule after:
    input: "before.txt", "results/tiny/data/raw.sha256"
    output: "after.txt"
    shell: "cat {input} > {output}"
"""
ACTS_AS_ROOT = os.getuid() == 0


@pytest.fixture
def host(project: Project) -> Project:
    """Another workflow, which includes this one as a module between rules of its own."""
    (project.folder / "host").mkdir()
    (project.folder / "host/Snakefile").write_text(HOST)
    return project


def test_jobs_of_a_workflow_that_includes_this_one_run_untouched(host):
    answer = host.snakemake("after.txt", "--snakefile", "host/Snakefile")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert (host.folder / "after.txt").read_text().startswith("before\n")
    receipts = (host.folder / "results/tiny/receipts").rglob("*.json")
    assert [path.name for path in receipts] == ["synthetic.json"]


def test_the_whole_paper_can_be_built_from_another_workflow(host):
    answer = host.snakemake("all", "--snakefile", "host/Snakefile", "--dry-run")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "rule pdf:" in answer.stdout


def test_a_snakemake_that_runs_jobs_otherwise_is_refused(project):
    (project.folder / "other.smk").write_text(
        'configfile: "config.yaml"\ninclude: "workflow/rules/common.smk"\n'
        "rule one:\n    output: 'one'\n    shell: 'true'\n"
        "for each in workflow.rules:\n    each.run_func = lambda job, settings: None\n"
        'include: "workflow/rules/receipts.smk"\n'
    )
    answer = project.snakemake("--snakefile", "other.smk", "--dry-run")
    assert answer.returncode != 0
    assert "runs jobs with (job, settings, ...)" in answer.stderr
    assert "install the version in envs/constraints.txt" in answer.stderr
    assert "Traceback" not in answer.stderr


def there(folder: Path) -> dict[Path, int]:
    """All files below a folder and their times, but for Snakemake's own and Python's bytecode."""
    found = [path for path in folder.rglob("*") if not {".snakemake", "__pycache__"} & set(path.parts)]
    return {path: path.stat().st_mtime_ns for path in found if path.name != "changes.yaml"}


@pytest.mark.parametrize("arguments", [("--dry-run",), ("--lint",), ("--list-rules",), ("--summary",)])
def test_reading_the_workflow_writes_nothing(project, raw_content, arguments):
    (project.folder / "raw.pkl").write_bytes(pickle.dumps(raw_content()) + bytes(2_000_000))
    (project.folder / "changes.yaml").touch()
    before = there(project.folder)
    answer = project.snakemake(*arguments, changes="data: {raw: raw.pkl, synthetic: null}")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    after = there(project.folder)
    assert {path for path in after if path != project.folder} == {
        path for path in before if path != project.folder
    }
    assert not (project.folder / "results").exists()


def test_a_dry_run_and_why_need_no_right_to_write(built, tmp_path, monkeypatch):
    """Neither to the results nor to the sources: as somebody else who looks at them."""
    before = there(built.folder)
    for part in (*PARTS, "results"):
        subprocess.run(["chmod", "--recursive", "a-w", str(built.folder / part)], check=True)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    built.prefix = as_somebody(built.folder)
    assert built.stale() == {}
    answer = subprocess.run(
        [*built.prefix, sys.executable, "-m", "poselift.provenance.why", "--configfile", "tiny.yaml"],
        cwd=built.folder, env=built.environment, capture_output=True, text=True,
    )  # fmt: skip
    assert (answer.stdout, answer.returncode) == ("nothing is stale\n", 0), answer.stderr
    assert there(built.folder) == before


def as_somebody(folder: Path) -> tuple[str, ...]:
    """What starts a command without root's right to write everywhere; `.snakemake` is that user's."""
    if not ACTS_AS_ROOT:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere")
    subprocess.run(["chown", "--recursive", "65534", str(folder / ".snakemake")], check=True)
    os.chown(folder, 65534, -1)
    return (
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
        "--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search",
    )  # fmt: skip
