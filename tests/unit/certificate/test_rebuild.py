"""What is made again is made of the files that are taken as given alone, and in the form of the paper."""

import fnmatch
import json
import re
from pathlib import Path

import pytest

from builds import PLAN, R
from poselift.certificate import rebuild
from poselift.config.submission import Submission
from poselift.files import write_text
from poselift.paper import submission

RULES = Path(__file__).parents[3] / "workflow/rules"
FIRST_TAKEN = {
    "synthetic": "data", "synthetic_third": "data", "raw": "data", "frames": "data", "clips": "data",
    "train": "weights", "trial": "weights",
    "outcome": "evaluations", "evaluate": "evaluations", "references": "evaluations", "cost": "evaluations",
    "shown_clips": "", "results": "", "table": "", "figure": "", "numbers": "",
}  # fmt: skip
"""By rule the first stage up to which what it makes is taken as given."""

PARTS = [f"{R}/tables/main.tex", f"{R}/figures/curves.pdf", f"{R}/numbers.tex"]


@pytest.mark.parametrize("rule", FIRST_TAKEN)
def test_what_a_rule_makes_is_taken_from_its_stage_on(rule):
    stages = list(rebuild.STAGES)
    first = stages.index(FIRST_TAKEN[rule]) if FIRST_TAKEN[rule] else len(stages)
    assert [rebuild.is_taken(rule, stage) for stage in stages] == [i >= first for i in range(len(stages))]


def test_the_rules_that_are_taken_are_those_of_the_workflow():
    text = "".join(path.read_text() for path in RULES.glob("*.smk"))
    names = re.findall(r"^ *(?:rule|checkpoint) (\w+):", text, re.MULTILINE)
    names += ["synthetic", "synthetic_third"]  # by data set
    assert set(names) >= FIRST_TAKEN.keys()
    assert all(fnmatch.filter(names, each) for patterns in rebuild.STAGES.values() for each in patterns)


def test_a_paper_is_made_again_of_what_is_taken_and_in_its_form(build, monkeypatch):
    record = json.loads((build("stated", PLAN) / "generated/provenance.json").read_text())
    write_text(Path("paper/main.tex"), "Text.\n")
    seen = []

    def snakemake(project: Path, options: list[str]) -> None:
        seen.extend(path.relative_to(project).as_posix() for path in (project / R).rglob("*.*"))
        seen.append(options[options.index("--allowed-rules") + 1 :])
        for part in PARTS:
            write_text(project / part, f"{part}, made again\n")

    monkeypatch.setattr(rebuild, "_snakemake", snakemake)
    form = {"anonymous": True, "page_limit": 8}
    workflow = {"config": {"paper": {"title": "A title", **form}}, "rules": ["frames", "train", "evaluate"]}
    with rebuild.rebuilt(record, "weights", workflow, PARTS, cores=1) as paper:
        made = {part: (paper / "generated" / Path(part).relative_to(R)).read_text() for part in PARTS}
        shown = (paper / "generated/submission.tex").read_text()
    assert seen[-1] == ["evaluate"]
    taken = [path for path in seen[:-1] if not path.startswith((f"{R}/receipts/", f"{R}/code/"))]
    weights = {f"{R}/runs/{run}/weights.bin" for run in PLAN["runs"]}
    assert set(taken) == {f"{R}/data/frames.json", *weights}
    receipts = {f"{R}/receipts/{name}.json" for name in ("frames", *(f"train/{run}" for run in PLAN["runs"]))}
    assert {path for path in seen[:-1] if path.startswith(f"{R}/receipts/")} == receipts
    assert made == {part: f"{part}, made again\n" for part in PARTS}
    assert shown == submission.text(Submission(**form), Path("paper"))
