"""Faults of files, disks and habits: handled, and nothing is lost."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faults.campaign import EXPERIMENT, digests
from project import Project

TARGET = "results/tiny/evaluation/baseline-pico-s0.json"
TRAINED = "results/tiny/runs/baseline-pico-s0/provenance.json"
CLIPS = "results/tiny/data/clips-9/manifest.json"


@pytest.fixture
def built(undisturbed: Project, tmp_path: Path) -> Project:
    """A copy of what was built undisturbed."""
    shutil.copytree(undisturbed.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def build(project: Project, target: str = TARGET) -> None:
    answer = project.snakemake(target, experiment=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def results(project: Project) -> dict[str, str]:
    return digests(project.folder / "results")


def assert_part_of(expected: dict[str, str], project: Project, target: str = TARGET) -> None:
    """All that is there is what it has to be, and `target` is there."""
    found = results(project)
    assert found == {name: expected[name] for name in found}
    assert target.removeprefix("results/") in found


def test_deleted_intermediate_is_made_again_with_all_that_comes_after(built, expected):
    (built.folder / CLIPS).unlink()
    (built.folder / TARGET).unlink()
    build(built)
    assert results(built) == expected


@pytest.fixture
def truncated(built) -> Path:
    """An array of the store, cut short behind Snakemake's back: its time of change is the old one."""
    path = built.folder / "results/tiny/data/frames/train/inputs.npy"
    before = path.stat()
    with path.open("r+b") as file:
        file.truncate(before.st_size // 2)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return path


def test_truncated_intermediate_with_an_old_time_stops_the_stage_that_reads_it(built, truncated):
    shutil.rmtree(built.folder / "results/tiny/runs")
    answer = built.snakemake(TRAINED, experiment=False)
    assert answer.returncode != 0
    assert "frames/train/inputs.npy" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not list(built.folder.glob("results/tiny/runs/*/*.safetensors"))


def test_truncated_intermediate_with_an_old_time_is_found_by_verify(built, truncated):
    command = [sys.executable, "-m", "poselift.provenance.verify", "results/tiny"]
    answer = subprocess.run(command, cwd=built.folder, env=built.environment, capture_output=True, text=True)
    assert answer.returncode != 0
    assert "frames/train/inputs.npy" in answer.stdout + answer.stderr


def test_two_snakemakes_at_once(project, expected):
    with (
        (project.folder / "first.log").open("w") as log,
        project.start(TARGET, experiment=False, stdout=log, stderr=log) as first,
    ):
        while first.poll() is None and not list(project.folder.glob(".snakemake/locks/*")):
            time.sleep(0.01)
        second = project.snakemake(TARGET, experiment=False)
        assert second.returncode != 0
        assert "error: a build is running here since" in second.stderr
        assert "run `snakemake --unlock`" in second.stderr
        assert first.wait() == 0, (project.folder / "first.log").read_text()
    assert_part_of(expected, project)


def test_read_only_raw_file(project, undisturbed, expected, tmp_path, mount):
    source = tmp_path / "source"
    source.mkdir()
    shutil.copy(undisturbed.folder / "results/tiny/data/raw.pkl", source)
    mount(tmp_path / "locked", "--bind", "--options", "ro", str(source))
    project.settle(EXPERIMENT + f"data: {{raw: {tmp_path}/locked/raw.pkl, synthetic: null}}\n")
    build(project, CLIPS)
    arrays = {name: digest for name, digest in results(project).items() if name.endswith(".npy")}
    assert arrays
    assert arrays == {name: expected[name] for name in arrays}


def test_full_disk_loses_nothing_and_the_build_goes_on(project, expected, mount):
    """The disk holds the raw file, and not the frames made of it."""
    disk = project.folder / "results"
    mount(disk, "--types", "tmpfs", "--options", "size=600k", "tmpfs")
    answer = project.snakemake(TARGET, experiment=False)
    assert answer.returncode != 0
    assert "No space left on device" in answer.stderr
    there = results(project)
    assert there
    assert there == {name: expected[name] for name in there}
    subprocess.run(["mount", "--options", "remount,size=100m", str(disk)], check=True)
    build(project)
    assert_part_of(expected, project)
