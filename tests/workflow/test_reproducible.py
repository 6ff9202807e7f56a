"""Two builds from the same sources give the same bytes, whatever folder, time zone, locale and cores.

Every file of the results is compared. The few that say when and how fast they were made are listed in
`volatile`; what is left of them without that is compared as well.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from project import Project
from volatile import MEASURED, is_volatile, lasting

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


def files(project: Project) -> dict[str, Path]:
    """All files of the results by their path in them."""
    folder = project.folder / RESULTS
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def test_the_same_files_come_out(built_once, rebuilt):
    assert set(files(built_once)) == set(files(rebuilt))


def test_files_are_the_same_bytes(built_once, rebuilt):
    first, second = files(built_once), files(rebuilt)
    compared = [name for name in first if not is_volatile(name)]
    assert [name for name in compared if first[name].read_bytes() != second[name].read_bytes()] == []
    parts = {"paper/main.pdf", "numbers.tex", "results.csv", "tables/main.tex", "figures/curves.pdf",
             "figures/curves.png", "figures/animation.gif", "runs/full-pico-s0/last_model.safetensors",
             "data/frames/train/inputs.npy"}  # fmt: skip
    assert parts <= set(compared)


def test_the_rest_differs_in_times_alone(built_once, rebuilt):
    first, second = files(built_once), files(rebuilt)
    kept = [
        {name: lasting(name, path.read_bytes()) for name, path in each.items()} for each in (first, second)
    ]
    assert [name for name in first if kept[0][name] != kept[1][name]] == []


def test_what_is_measured_is_found_in_the_page(built_once):
    """Else a page whose form has changed differs only on a machine that is slow enough."""
    page = (built_once.folder / RESULTS / "report.html").read_text()
    assert [len(re.findall(pattern, page, re.DOTALL)) for pattern in MEASURED] == [1] * len(MEASURED)
    hours = re.search(MEASURED[0], page, re.DOTALL)
    assert {"Models", "Together", "GPU-hours"} <= set(re.findall(r">([A-Z][\w-]+)<", hours[0]))


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
        if not re.match(r"(.*/)?(logs|(runs|finished)/[^/]+/(state|history|provenance|training\.log))", name)
        and any(spot in path.read_bytes() for spot in spots)
    ]
    assert told == []
