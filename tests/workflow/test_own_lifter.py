"""A paper with a lifter of the user's own: one file and one key, through to the PDF and the trace."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from own_lifter import write_lifter
from project import Project

pytestmark = pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs LaTeX")

CHANGES = """
architectures: {mlp: lifters/mlp.py}
experiment: {architectures: [baseline, mlp]}
models: {mlp: {mlp_dropout: 0.1}}
ablation:
  - {name: gelu, architecture: mlp, size: pico, model: {mlp_activation: gelu}}
search:
  stages:
    - {name: width, architecture: mlp, size: pico, grid: {mlp_dropout: [0.0, 0.2]}}
"""
CLAIM = """
- claim: Frames alone improve on the baseline.
  test: improvement(mlp over baseline, pico) > 1 %
"""


@pytest.fixture(scope="module")
def own(built_once: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The built project with such a lifter in place of two of its own, its paper built again."""
    project = Project(tmp_path_factory.mktemp("own") / "project")
    shutil.copytree(built_once.folder, project.folder, symlinks=True)
    write_lifter(project.folder / "lifters")
    claims = project.folder / "paper/claims.yaml"
    claims.write_text(claims.read_text() + CLAIM)
    answer = project.snakemake(changes=CHANGES)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return project


def results(project: Project) -> Path:
    return project.folder / "results/tiny"


def command(project: Project, module: str, *arguments: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=project.folder, env=project.environment, capture_output=True, text=True,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_it_is_in_the_paper(own: Project) -> None:
    paper = results(own) / "paper"
    assert (paper / "main.pdf").exists()
    assert "My MLP" in (paper / "generated/tables/main.tex").read_text()
    assert r"\defnum{mlp.pico.mpjpe}" in (paper / "generated/numbers.tex").read_text()
    judged = json.loads((results(own) / "claims.json").read_text())
    assert "improvement(mlp over baseline, pico) > 1 %" in [claim["test"] for claim in judged]


def test_a_number_is_traced_to_the_lifters_file(own: Project) -> None:
    chain = command(own, "poselift.provenance.trace", "mlp.pico.mpjpe", "--in", "results/tiny")
    assert "runs/mlp-pico-s0/" in chain
    assert "runs/baseline-pico-s0/" not in chain
    record = json.loads((results(own) / "provenance.json").read_text())
    manifest = record["code"][record["core"]["jobs"]["train/mlp-pico-s0"]["code"]]
    assert {"lifters/mlp.py", "lifters/layers.py"} <= manifest["modules"].keys()


def test_its_trials_are_searched(own: Project) -> None:
    answer = own.snakemake("search", changes=CHANGES)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "mlp_dropout" in (results(own) / "search/winner.yaml").read_text()


def test_only_its_code_retrains_it(own: Project) -> None:
    path, text = own.folder / "lifters/mlp.py", (own.folder / "lifters/mlp.py").read_text()
    try:
        path.write_text(text.replace("A residual MLP", "An MLP") + "# why\n")
        assert "train" not in own.stale(CHANGES)
        path.write_text(text.replace("y + block(y)", "block(y)"))
        assert own.stale(CHANGES)["train"] == 2  # the main run and the ablation's
        (own.folder / "changes.yaml").write_text(CHANGES)
        why = command(own, "poselift.provenance.why", "--configfile", "tiny.yaml", "changes.yaml")
        assert "runs/mlp-pico-gelu-s0, runs/mlp-pico-s0: code of lifters/mlp.py changed" in why
    finally:
        path.write_text(text)


def test_moving_its_file_makes_nothing_again(own: Project) -> None:
    (own.folder / "lifters").rename(own.folder / "ours")
    try:
        changes = CHANGES.replace("lifters/mlp.py", "ours/mlp.py")
        assert own.stale(changes) == {}
        answer = own.snakemake("results/tiny/evaluation/mlp-pico-s0.json", "--force", changes=changes)
        assert answer.returncode == 0, answer.stdout + answer.stderr
    finally:
        (own.folder / "ours").rename(own.folder / "lifters")


def test_a_fault_in_its_file_is_one_line(own: Project) -> None:
    path, text = own.folder / "lifters/mlp.py", (own.folder / "lifters/mlp.py").read_text()
    try:
        path.write_text("\n" + text.replace("def build(", "def built("))
        answer = own.snakemake("--dry-run", changes=CHANGES)
        assert answer.returncode != 0
        assert (
            "lifters/mlp.py: expected a function build(size, n_frames, settings), found none" in answer.stderr
        )
    finally:
        path.write_text(text)
