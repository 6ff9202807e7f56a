"""The tiny project, built once; each test works on a copy of its own."""

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from project import Project


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
            answer = project.snakemake("--logger", "poselift")
            assert answer.returncode == 0, answer.stdout + answer.stderr
            (target / "shown.txt").write_text(answer.stdout + answer.stderr)
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
