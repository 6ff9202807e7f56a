"""Odd places, users and clocks: the paper comes out with the same bytes.

Each build has several oddities at once, as one build is a minute's work.
"""

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import sleep

import pytest

from faults.campaign import artefacts, digests, settled
from project import PARTS, Project

NOBODY = 65534
# nobody, who may read as root does: what counts is where others may not write, and the interpreter that runs
# these tests may lie in root's home
AS_NOBODY = (
    "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
    "--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search",
)  # fmt: skip

as_root = pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("setpriv") is None, reason="only root can become another user"
)


def sources(project: Project) -> dict[Path, bytes]:
    """What lies in the project's folders of code and text."""
    found = [project.folder / part for part in PARTS]
    files = [path for part in found for path in ([part] if part.is_file() else part.rglob("*"))]
    return {path: path.read_bytes() for path in files if path.is_file()}


def assert_nothing_to_do(project: Project, **options: object) -> None:
    answer = project.snakemake("--dry-run", experiment=False, **options)
    assert "Nothing to be done" in answer.stdout + answer.stderr, answer.stdout + answer.stderr


@pytest.fixture
def passable(tmp_path: Path) -> Iterator[None]:
    """Let everybody into `tmp_path`: what asks whether a file may be written (access(2)) goes by the user
    alone, not by the capability to read."""
    folders = [tmp_path, *tmp_path.parents][: -len(Path(tempfile.gettempdir()).parts)]
    modes = {folder: folder.stat().st_mode for folder in folders}
    for folder, mode in modes.items():
        folder.chmod(mode | 0o011)
    yield
    for folder, mode in modes.items():
        folder.chmod(mode)


@as_root
@pytest.mark.usefixtures("passable")
def test_somebody_else_in_an_odd_folder_with_sources_to_read_only(tmp_path, expected):
    """Another user than the one who owns the code, without a home, with a umask of 077, in a folder of an odd
    name, `results` being a link to another odd one."""
    project = settled(tmp_path / "it's; a $(touch executed) földer")
    project.prefix = AS_NOBODY
    elsewhere = tmp_path / "large disk; $(touch executed) ü"
    elsewhere.mkdir()
    (project.folder / "results").symlink_to(elsewhere)
    (tmp_path / "cache").mkdir()
    for folder in (elsewhere, project.folder, tmp_path / "cache"):  # .snakemake lies in the project's
        os.chown(folder, NOBODY, NOBODY)
    before = sources(project)
    for path in (project.folder / part for part in PARTS):
        subprocess.run(["chmod", "--recursive", "a-w", str(path)], check=True)
    somebody = {"umask": 0o077, "env": {"HOME": "/nonexistent", "XDG_CACHE_HOME": str(tmp_path / "cache")}}

    answer = project.snakemake(experiment=False, **somebody)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert digests(elsewhere) == expected
    assert sources(project) == before
    assert_nothing_to_do(project, **somebody)
    made = list(elsewhere.rglob("*"))
    assert made
    assert {path.stat().st_uid for path in made} == {NOBODY}
    # Snakemake gives each of its notes to the group, whatever the umask; the folder of them is shut
    others_too = {path for path in made if path.stat().st_mode & 0o077}
    assert {path.parent for path in others_too} <= {elsewhere / ".snakemake/metadata"}
    assert not list(tmp_path.rglob("executed"))


def shift(folder: Path, hours: int) -> None:
    """Give all files a later time."""
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # a job may just be moving it into place
            later = path.stat(follow_symlinks=False).st_mtime_ns + hours * 3600 * 10**9
            os.utime(path, ns=(later, later), follow_symlinks=False)


def test_a_clock_that_jumps_and_a_umask_of_nothing(project, expected, tmp_path):
    """The clock goes back by three days while the training runs: all that is there then is of the future.
    When the paper is done it goes back by one more."""
    results = project.folder / "results"
    output = tmp_path / "output"
    with (
        output.open("w") as log,
        project.start(experiment=False, stdout=log, stderr=log, umask=0) as snakemake,
    ):
        while snakemake.poll() is None and not (results / "tiny/logs/train/baseline-pico-s0.log").exists():
            sleep(0.05)
        shift(project.folder, hours=72)
        assert snakemake.wait() == 0, output.read_text()
    assert digests(results) == expected
    assert_nothing_to_do(project)
    assert {stat.S_IMODE(path.stat().st_mode) for path in artefacts(results)} == {0o666}

    shift(results, hours=24)
    assert_nothing_to_do(project)
    project.edit("paper/sections/introduction.tex", "\\section{", "% edited\n\\section{")
    answer = project.snakemake(experiment=False)
    assert answer.returncode == 0, answer.stderr
    assert_nothing_to_do(project)
