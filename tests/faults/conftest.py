"""One build without a disturbance, which all others are compared with."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faults.campaign import built, digests, settled
from project import Project


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The paper of a tiny experiment."""
    return built(tmp_path_factory.mktemp("undisturbed") / "project")


@pytest.fixture(scope="session")
def expected(undisturbed: Project) -> dict[str, str]:
    """Hash of each of its artefacts."""
    return digests(undisturbed.folder / "results")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The same experiment, nothing built."""
    return settled(tmp_path / "project")


@pytest.fixture
def mount() -> Iterator[Callable[..., None]]:
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
