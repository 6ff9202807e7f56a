"""Faults of files, disks and habits: handled, and nothing is lost."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.campaign import EXPERIMENT, digests
from project import Project

TARGET = "results/tiny/evaluation/baseline-pico-s0.json"
TRAINED = "results/tiny/runs/baseline-pico-s0/provenance.json"
CLIPS = "results/tiny/data/clips-9/manifest.json"


@pytest.fixture(scope="session")
def evaluated_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project up to one evaluated run."""
    project = Project.copied(tmp_path_factory.mktemp("evaluated") / "project")
    build(project)
    return project


@pytest.fixture
def evaluated(evaluated_once: Project, tmp_path: Path) -> Project:
    shutil.copytree(evaluated_once.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.copied(tmp_path / "project")


def build(project: Project, *targets: str, changes: str = "") -> None:
    answer = project.snakemake(*(targets or (TARGET,)), changes=EXPERIMENT + changes)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def results(project: Project) -> dict[str, str]:
    return digests(project.folder / "results")


@pytest.fixture
def mount() -> Iterator:
    """Mount file systems, and take them away in the end."""
    mounted: list[Path] = []

    def do(folder: Path, *options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.which("mount") is None or os.getuid() != 0:
            pytest.skip("needs the right to mount a file system")
        if subprocess.run(["mount", *options, str(folder)], capture_output=True).returncode:
            pytest.skip("needs the right to mount a file system")
        mounted.append(folder)

    yield do
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_deleted_intermediate_is_made_anew_with_all_that_comes_after(evaluated):
    before = results(evaluated)
    (evaluated.folder / CLIPS).unlink()
    (evaluated.folder / TARGET).unlink()
    build(evaluated)
    assert results(evaluated) == before


@pytest.fixture
def truncated(evaluated) -> Path:
    """An array of the store, cut short behind Snakemake's back: its time of change is the old one."""
    path = evaluated.folder / "results/tiny/data/frames/train/inputs.npy"
    before = path.stat()
    with path.open("r+b") as file:
        file.truncate(before.st_size // 2)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return path


def test_truncated_intermediate_with_an_old_time_stops_the_stage_that_reads_it(evaluated, truncated):
    shutil.rmtree(evaluated.folder / "results/tiny/runs")
    answer = evaluated.snakemake(TRAINED, changes=EXPERIMENT)
    assert answer.returncode != 0
    assert "frames/train/inputs.npy" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not list(evaluated.folder.glob("results/tiny/runs/*/*.safetensors"))


def test_truncated_intermediate_with_an_old_time_is_found_by_verify(evaluated, truncated):
    command = [sys.executable, "-m", "poselift.provenance.verify", "results/tiny"]
    answer = subprocess.run(command, cwd=evaluated.folder, capture_output=True, text=True)
    assert answer.returncode != 0
    assert "frames/train/inputs.npy" in answer.stdout + answer.stderr


def test_two_snakemakes_at_once(project, evaluated_once):
    with (
        (project.folder / "first.log").open("w") as log,
        project.start(TARGET, changes=EXPERIMENT, stdout=log, stderr=log) as first,
    ):
        while first.poll() is None and not list(project.folder.glob(".snakemake/locks/*")):
            pass
        second = project.snakemake(TARGET, changes=EXPERIMENT)
        assert second.returncode != 0
        assert "Directory cannot be locked" in second.stderr
        assert first.wait() == 0, (project.folder / "first.log").read_text()
    assert results(project) == results(evaluated_once)


def test_read_only_raw_file(project, evaluated_once, tmp_path, mount):
    source = tmp_path / "source"
    source.mkdir()
    shutil.copy(evaluated_once.folder / "results/tiny/data/raw.pkl", source)
    mount(tmp_path / "locked", "--bind", "--options", "ro", str(source))
    build(project, CLIPS, changes=f"data: {{raw: {tmp_path}/locked/raw.pkl, synthetic: null}}\n")
    expected = results(evaluated_once)
    found = {name: digest for name, digest in results(project).items() if name.endswith(".npy")}
    assert found
    assert found == {name: expected[name] for name in found}


def test_full_disk_loses_nothing_and_the_build_goes_on(project, evaluated_once, mount):
    """The disk holds the raw file, and not the frames made of it."""
    disk = project.folder / "results"
    mount(disk, "--types", "tmpfs", "--options", "size=600k", "tmpfs")
    answer = project.snakemake(TARGET, changes=EXPERIMENT)
    assert answer.returncode != 0
    assert "No space left on device" in answer.stderr
    expected = results(evaluated_once)
    there = results(project)
    assert there
    assert there == {name: expected[name] for name in there}
    subprocess.run(["mount", "--options", "remount,size=100m", str(disk)], check=True)
    build(project)
    assert results(project) == expected
