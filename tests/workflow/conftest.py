"""A copy of the project with a tiny experiment, built once; each test works on a copy of its own."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

REPOSITORY = Path(__file__).parents[2]
PARTS = ("Snakefile", "config.yaml", "workflow", "envs", "paper", "src")

TINY = """
dataset: tiny
data:
  title: Synthetic motion
  raw: null
  sha256: null
  expected_clips: null
  synthetic: {n_actions: 2, n_cameras: 1, train_frames: 30, test_frames: 30}
n_frames: 9
sizes: {pico: {depth: 1, dim: 8}}
experiment: {sizes: [pico], seeds: [0]}
training: {epochs: 1, batch_size: 32}
models: {mamba_gcn: {mamba_gcn_dim: 16, mamba_gcn_layers: 1}, full: {mamba_gcn_dim: 16}}
paper: {per_action_size: pico, published: null}
"""


@dataclass
class Project:
    """A checkout in a folder of its own."""

    folder: Path

    @classmethod
    def copied(cls, folder: Path) -> "Project":
        folder.mkdir()
        for part in PARTS:
            source = REPOSITORY / part
            if source.is_dir():
                shutil.copytree(
                    source, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
                )
            else:
                shutil.copy(source, folder)
        (folder / "tiny.yaml").write_text(TINY)
        return cls(folder)

    def snakemake(
        self, *arguments: str, changes: str = "", experiment: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run Snakemake here, with this folder's code; `changes` is YAML laid over the tiny experiment."""
        (self.folder / "changes.yaml").write_text(changes or "{}")
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [
                sys.executable, "-m", "snakemake", "--cores", "2",
                *arguments, *(("--configfile", "tiny.yaml", "changes.yaml") if experiment else ()),
            ],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder / "src"), "PATH": path},
            capture_output=True,
            text=True,
        )  # fmt: skip

    def stale(self, changes: str = "") -> dict[str, int]:
        """What Snakemake would run after `changes` of the configuration: number of jobs by rule."""
        answer = self.snakemake("--dry-run", changes=changes)
        assert answer.returncode == 0, answer.stderr
        table = answer.stdout.partition("Job stats:")[2].partition("\n\n")[0]
        jobs = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}
        return {rule: count for rule, count in jobs.items() if rule not in ("all", "total")}

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace `old`, which has to be there, by `new`."""
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project with its paper built; shared by the workers of pytest-xdist."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with FileLock(folder / "built.lock"):
        target = folder / "built"
        if not (target / "results").exists():
            project = Project.copied(target)
            answer = project.snakemake()
            assert answer.returncode == 0, answer.stdout + answer.stderr
    return Project(target)


@pytest.fixture
def built(built_once: Project, tmp_path: Path) -> Project:
    """A copy of the built project, under another path."""
    shutil.copytree(built_once.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh copy of the project, nothing built."""
    return Project.copied(tmp_path / "project")
