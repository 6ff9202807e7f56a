"""Two builds from the same sources give the same bytes, whatever folder, time zone, locale and cores.

Every file of the results is compared. The few that say when and how fast they were made are listed here; what
is left of them without that is compared as well.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from project import Project

pytestmark = pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs LaTeX")

RESULTS = "results/tiny"


def other_locale() -> str:
    """A locale with another decimal sign and order if there is one, else the plainest."""
    known = subprocess.run(["locale", "-a"], capture_output=True, text=True).stdout.split()
    return next((name for name in ("de_DE.utf8", "fr_FR.utf8", "cs_CZ.utf8") if name in known), "C")


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The paper built once more, with everything different that should not matter."""
    folder = tmp_path_factory.mktemp("rebuilt") / "of" / "somebody"
    project = Project.copied(folder, machine=("--cores", "1"))
    elsewhere = {
        "TZ": "Pacific/Chatham", "LC_ALL": other_locale(), "LANG": "C", "HOME": str(folder), "COLUMNS": "61",
        "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1000000000",
    }  # fmt: skip
    answer = project.snakemake(env=elsewhere, umask=0o077)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return project


def without(content: Any, *names: str) -> Any:
    """JSON without the keys `names`, wherever they are."""
    if isinstance(content, dict):
        return {key: without(value, *names) for key, value in content.items() if key not in names}
    if isinstance(content, list):
        return [without(value, *names) for value in content]
    return content


def keys_dropped(*names: str) -> Callable[[str], Any]:
    """What a JSON file says without these keys."""
    return lambda text: without(json.loads(text), *names)


SPEED = ("seconds", "train_seconds", "clips_per_second", "gpu_hours", "peak_memory_bytes")

# by path below the results: what has to be the same of a file that is not the same bytes; None for nothing
VOLATILE: dict[str, Callable[[str], Any] | None] = {
    r"(.*/)?(logs|benchmarks)/.*": None,
    r"(.*/)?runs/[^/]+/(state/.*|training\.log)": None,
    r"(.*/)?runs/[^/]+/metrics\.json": keys_dropped(*SPEED),
    # hashes of the files above, and the times of all jobs
    r"(.*/)?runs/[^/]+/provenance\.json": keys_dropped("volatile", "outputs"),
    r"(.*/)?evaluation/[^/]+\.json": keys_dropped("volatile"),
    r"receipts/.*": keys_dropped("volatile", "sha256", "size", "seal"),
    r"(paper/generated/|report_)?provenance\.json": keys_dropped("volatile", "outputs"),
    r"paper/ro-crate-metadata\.json": keys_dropped("sha256", "contentSize", "endTime", "datePublished"),
    r"paper/SHA256SUMS": lambda text: re.findall(r"  (.*)", text),
    # the hours that trainings took
    r"setup\.json": lambda text: json.loads(text)[:-1],
    r"setup\.md": lambda text: text.partition("**Time spent.**")[0],
    r"report\.html": lambda text: re.sub(r'<tr><td class="text">(Models|Together)<.*', "", text),
}


def volatile(name: str) -> list[Callable[[str], Any] | None]:
    """How a file is compared if not by its bytes: one way or none."""
    return [compared for pattern, compared in VOLATILE.items() if re.fullmatch(pattern, name)]


def files(project: Project) -> dict[str, Path]:
    """All files of the results by their path in them."""
    folder = project.folder / RESULTS
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def test_the_same_files_come_out(built_once, rebuilt):
    assert set(files(built_once)) == set(files(rebuilt))


def test_files_are_the_same_bytes(built_once, rebuilt):
    first, second = files(built_once), files(rebuilt)
    compared = [name for name in first if not volatile(name)]
    assert [name for name in compared if first[name].read_bytes() != second[name].read_bytes()] == []
    parts = {"paper/main.pdf", "numbers.tex", "results.csv", "tables/main.tex", "figures/curves.pdf",
             "figures/curves.png", "figures/animation.gif", "runs/full-pico-s0/last_model.safetensors",
             "data/frames/train/inputs.npy"}  # fmt: skip
    assert parts <= set(compared)


def test_the_rest_differs_in_times_alone(built_once, rebuilt):
    first, second = files(built_once), files(rebuilt)
    different = [
        name
        for name in first
        for compared in volatile(name)
        if compared and compared(first[name].read_text()) != compared(second[name].read_text())
    ]
    assert different == []


def test_the_core_of_the_record_is_the_same(built_once, rebuilt):
    records = [
        json.loads((project.folder / RESULTS / "provenance.json").read_text())
        for project in (built_once, rebuilt)
    ]
    assert records[0]["core"] == records[1]["core"]
    assert records[0]["hash"] == records[1]["hash"]


def test_no_file_tells_where_it_was_made(rebuilt):
    """But for logs and the command line among what is volatile."""
    spots = [os.fsencode(str(rebuilt.folder)), b"Chatham"]
    told = [
        name
        for name, path in files(rebuilt).items()
        if not re.match(r"(.*/)?(logs|runs/[^/]+/(state|provenance\.json|training\.log))", name)
        and any(spot in path.read_bytes() for spot in spots)
    ]
    assert told == []
