"""A cluster for all tests of this folder, and a project whose jobs run there."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from project import Project
from slurm.cluster import Cluster, missing, obstacle
from slurm.training import EXPERIMENT, ODD_NAME, PROFILE


@pytest.fixture(scope="session")
def running_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if reason := obstacle():
        pytest.skip(reason)
    if names := missing():
        pytest.skip(f"{', '.join(names)} missing: `make test-slurm` installs SLURM on Debian")
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def cluster(running_cluster: Cluster) -> Iterator[Cluster]:
    """The cluster, idle before and after."""
    yield running_cluster
    running_cluster.cancel_all()


@pytest.fixture(scope="session")
def paper(running_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The tiny paper, built through the cluster without a disturbance, in a folder that needs quoting."""
    project = Project.copied(tmp_path_factory.mktemp("paper") / ODD_NAME, PROFILE)
    answer = project.snakemake("--slurm-keep-successful-logs", changes=EXPERIMENT)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return project


@pytest.fixture
def untrained(paper: Project, tmp_path: Path) -> Project:
    """A copy of the project with all but the trainings, those that are kept included."""
    shutil.copytree(paper.folder, tmp_path / "project", symlinks=True)
    project = Project(tmp_path / "project", PROFILE)
    for folder in ("runs", "finished"):
        shutil.rmtree(project.folder / "results/tiny" / folder)
    return project
