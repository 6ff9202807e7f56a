"""The workflows of GitHub are valid, their commands exist, and the catalog's files are where it looks."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from poselift.cli import COMMANDS
from project import Project

REPOSITORY = Path(__file__).parents[2]
WORKFLOWS = sorted((REPOSITORY / ".github/workflows").glob("*.yml"))


def steps(workflow: Path) -> list[dict]:
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


def commands(workflow: Path) -> list[list[str]]:
    """The commands of a workflow as words."""
    texts = (step["run"] for step in steps(workflow) if "run" in step)
    return [shlex.split(each) for text in texts for line in text.splitlines() for each in line.split("&&")]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_the_form_that_github_demands(workflow):
    pytest.importorskip("check_jsonschema")
    schema = ["--builtin-schema", "vendor.github-workflows"]
    command = [sys.executable, "-m", "check_jsonschema", *schema, str(workflow)]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_pushes_pull_requests_and_tags_have_a_workflow():
    triggers = {
        path.stem: yaml.safe_load(path.read_text())[True] for path in WORKFLOWS
    }  # `on` is true in YAML
    assert "branches" in triggers["tests"]["push"]
    assert triggers["paper"] == "pull_request"
    assert triggers["release"]["push"]["tags"] == ["v*"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_have_full_versions_and_commands_exist(workflow):
    targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    for step in steps(workflow):
        assert "run" in step or re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", step["uses"]), step
    for words in commands(workflow):
        name, *arguments = words[1:] if words[0] == "sudo" else words
        if name == "make":
            assert arguments[0] in targets
        elif name.endswith("poselift"):
            assert arguments[0] in COMMANDS
        else:
            assert name in ("apt-get", "mkdir", "cp")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_write_nothing_and_runs_no_text_of_others(workflow):
    content = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    assert content["permissions"] == {"contents": "read"}
    assert not any("${{" in step.get("run", "") for step in steps(workflow))
    assert "pull_request_target" not in workflow.read_text()


def test_what_a_pull_request_shows_is_where_the_workflow_looks():
    words = commands(REPOSITORY / ".github/workflows/paper.yml")[-1]
    assert words[1] == "diff"
    assert words[-1] == "changes"
    shown = steps(REPOSITORY / ".github/workflows/paper.yml")[-1]["with"]["path"].split()
    assert shown == [
        f"after/{name}" for name in ("results/demo/paper/main.pdf", "results/demo/report.html", "changes")
    ]


def test_the_catalog_finds_its_files():
    content = yaml.safe_load((REPOSITORY / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))
    assert content["usage"]["software-stack-deployment"]["conda"] is True
    text = (REPOSITORY / "config/README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links
    assert all((REPOSITORY / "config" / link).resolve().is_file() for link in links)


def test_the_workflow_where_the_catalog_looks_plans_the_same_jobs(tmp_path):
    project = Project.copied(tmp_path / "project")

    def planned(*options: str) -> list[tuple[str, str]]:
        answer = project.snakemake("--dry-run", *options)
        assert answer.returncode == 0, answer.stderr
        listed = re.findall(r"^(\w+) +(\d+)$", answer.stdout.partition("\ntotal")[0], re.MULTILINE)
        return [job for job in listed if job[0] not in ("all", "everything")]

    assert ("train", "3") in planned()
    assert planned() == planned("--snakefile", "workflow/Snakefile")
