"""What is made again is made of the files that are taken as given alone, and in the form of the paper."""

import json
from pathlib import Path

from builds import PLAN, R
from poselift.certificate import rebuild
from poselift.config.submission import Submission
from poselift.files import write_text
from poselift.paper import submission

PARTS = [f"{R}/tables/main.tex", f"{R}/figures/curves.pdf", f"{R}/numbers.tex"]


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
