"""Names that the shell or LaTeX would make something of: refused in a line, or printed as they are."""

import pickle
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from faults.campaign import EXPERIMENT, settled
from project import Project

ODD = "$(touch executed) `touch executed`; touch executed & $PATH \"2\" '1' %_#~^\\\\ Übung 骨 > executed"
"""What the shell would run, and what LaTeX would trip over."""

AUTHOR = "$(touch executed) & O'Übung_#%"

SMALL = {"depth": 1, "dim": 8}
MODEL = {"architecture": "baseline", "size": "pico"}
NAMED = {
    "variant": {"ablation": [{"name": ODD, **MODEL}]},
    "experiment": {"experiments": [{"name": "a/../b", **MODEL}]},
    "dataset": {"dataset": "../x"},
    "size": {"sizes": {ODD: SMALL}, "experiment": {"sizes": [ODD]}, "paper": {"per_action_size": ODD}},
    "raw file": {"data": {"raw": "data/{x}.pkl", "synthetic": None}},
    "title": {"data": {"title": "a {title}"}},
    "stage": {"search": {"stages": [{"name": ODD, **MODEL, "grid": {"lr": [0.1]}}]}},
}
"""What becomes part of a path, or that Snakemake would take for a wildcard."""


def executed(project: Project) -> list[Path]:
    return list(project.folder.parent.rglob("executed"))


def plain(text: str) -> str:
    """Text without breaks of lines and words, quotes as typewriters have them, and what LaTeX has for 骨."""
    typed = text.translate(str.maketrans("‘’“”", '`\'""')).replace("骨", "[U+9AA8]")
    return re.sub(r"[\s-]", "", typed)


@pytest.mark.parametrize("kind", NAMED)
def test_refused(project, kind):
    answer = project.snakemake("--dry-run", changes=yaml.safe_dump(NAMED[kind]))
    assert answer.returncode != 0
    assert answer.stderr.strip().splitlines()[-1].startswith("error: ")
    assert "Traceback" not in answer.stderr
    assert not executed(project)
    assert not (project.folder / "results").exists()


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs LaTeX and poppler")
def test_titles_actions_and_paths_are_printed_as_they_are(undisturbed, tmp_path):
    """Titles are free text; so are the actions of a raw file and where it lies."""
    raw = pickle.loads((undisturbed.folder / "results/tiny/data/raw.pkl").read_bytes())
    actions = dict.fromkeys(raw["test"]["action"])
    first = next(iter(actions))
    raw["test"]["action"] = [
        f"{ODD} {{x}}" if action == first else action for action in raw["test"]["action"]
    ]
    project = settled(tmp_path / "project")
    path = tmp_path / f"{ODD}.pkl"
    path.write_bytes(pickle.dumps(raw))
    changes = yaml.safe_load(EXPERIMENT) | {
        "data": {"title": f"Motion {ODD}", "raw": str(path), "synthetic": None},
        "ablation": [
            {
                "name": "flat",
                "title": f"Flat {ODD}",
                "architecture": "baseline",
                "size": "pico",
                "n_frames": 5,
            }
        ],
        "paper": {"title": f"Title {ODD}", "authors": [AUTHOR, "B"]},
    }
    project.settle(yaml.safe_dump(changes))
    answer = project.snakemake(experiment=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert not executed(project)
    pdf = project.folder / "results/tiny/paper/main.pdf"
    text = subprocess.run(["pdftotext", pdf, "-"], capture_output=True, text=True, check=True).stdout
    printed = plain(text)
    for words in (f"Title {ODD}", AUTHOR, f"Motion {ODD}", f"Flat {ODD}", f"{ODD} {{x}}"):
        assert plain(words) in printed
