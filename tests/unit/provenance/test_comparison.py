"""Planted changes are named with their cause, and nothing else is; equal builds give an empty page.

A build is made up: what each job writes is a hash of its own facts and of what it reads, as it would be.
"""

import copy
import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from poselift.comparison import cells, main, with_numbers
from poselift.errors import PoseliftError
from poselift.provenance.code_hash import keep_manifest
from poselift.provenance.crate import write_crate
from poselift.provenance.receipts import write_receipt
from poselift.provenance.record import paper_record

R = "results/toy"

PLAN = {
    "code": {
        "frames": "poselift.data.prepare", "train": "poselift.training.losses", "numbers": "poselift.latex",
        "evaluate": "poselift.evaluation.metrics", "results": "poselift.analysis.results",
        "table": "poselift.tables.main", "figure": "poselift.figures.curves",
        "claims": "poselift.analysis.claims",
    },
    "edited": {},  # modules that are not as they were: by rule the hash
    "quiet": (),  # rules whose edit changes no output
    "pins": {"torch": "2.0", "pandas": "2.0"},
    "options": {
        "frames": "--width 1000", "train": "--epochs 1 --lr 0.1", "evaluate": "--flip true", "results": "",
        "numbers": "--decimals 1 --title 'A title'", "table": "--decimals 1", "figure": "--epochs-shown 3",
        "claims": "--confidence 0.95",
    },
    "options of full": "",
    "ran": {"torch": "2.0", "gpu": "H100", "python": "3.11"},
    "ran full": {},
    "raw": "motion", "held": "raw@sha256:" + "a" * 64, "claims.yaml": "- claim\n", "template": "a template\n",
    "runs": ("baseline-base-s0", "baseline-base-s1", "full-base-s0", "full-base-s1"),
    "text": {"main.tex": "\\input{intro}\n", "intro.tex": "It works.\nWell, \\num{full.base.mpjpe}.\n"},
}  # fmt: skip


class Made:
    """The project of a plan, in the working folder; `folder` is its paper."""

    def __init__(self, plan: dict) -> None:
        self.plan = plan
        for name, key in (("raw.pkl", "raw"), ("paper/claims.yaml", "claims.yaml"), ("src/t.j2", "template")):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(plan[key])
        frames = self.job("frames", "frames", ["raw.pkl"], f"{R}/data/frames.json", content=plan["held"])
        runs = []
        for run in plan["runs"]:
            trained = self.job(f"train/{run}", "train", [frames], f"{R}/runs/{run}/weights.bin")
            runs.append(self.job(f"evaluate/{run}", "evaluate", [trained], f"{R}/evaluation/{run}.json"))
        results = self.job("paper/results", "results", runs, f"{R}/results.csv")
        values = {of: self.number(run for run in runs if f"/{of}-" in run) for of in ("baseline", "full")}
        digits = self.option("numbers", "--decimals")
        defined = [f"\\defnum{{{of}.base.mpjpe}}{{{value}.{digits}}}" for of, value in values.items()]
        defined.append(f"\\defnum{{paper.title}}{{{self.option('numbers', '--title')}}}")
        numbers = self.job("paper/numbers", "numbers", runs, f"{R}/numbers.tex", "\n".join(defined) + "\n")
        digits = self.option("table", "--decimals")
        rows = "".join(f"base & {of} & {value}.{digits} \\\\\n" for of, value in values.items())
        table = "\\toprule\nSize & Model & MPJPE \\\\\n\\midrule\n" + rows + "\\bottomrule\n"
        table = self.job("paper/table", "table", [results, "src/t.j2"], f"{R}/tables/main.tex", table)
        judged = self.job("paper/claims", "claims", [results, "paper/claims.yaml"], f"{R}/tables/claims.tex")
        figure = self.job("paper/curves", "figure", [results], f"{R}/figures/curves.pdf")
        record = paper_record(Path(R), [numbers, table, judged, figure], [], {})
        self.folder = Path(R, "paper")
        for name, text in plan["text"].items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        for part in (numbers, table, judged, figure):
            target = self.folder / "generated" / Path(part).relative_to(R)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(part, target)
        (self.folder / "generated/provenance.json").write_text(json.dumps(record))
        write_crate(self.folder)

    def option(self, rule: str, name: str) -> str:
        return self.plan["options"][rule].partition(f"{name} ")[2].partition(" --")[0].strip("'")

    def number(self, runs) -> int:
        return int(hashlib.sha256(b"".join(Path(run).read_bytes() for run in runs)).hexdigest()[:4], 16)

    def job(self, name: str, rule: str, inputs: list[str], output: str, text: str = "", **params: str) -> str:
        """A job that ran; returns its output."""
        plan = self.plan
        module = plan["code"][rule]
        edit = plan["edited"].get(rule, "0")
        manifest = {"entries": [module], "modules": {module: edit}, "pins": plan["pins"]}
        options, ran = plan["options"][rule], dict(plan["ran"])
        if "/full-" in name and rule == "train":
            options, ran = f"{options} {plan['options of full']}".strip(), ran | plan["ran full"]
        effective = [options, "0" if rule in plan["quiet"] else edit]
        effective += [sorted(ran.items()) if rule in ("train", "evaluate") else ""]
        read = [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in inputs]
        made = hashlib.sha256(json.dumps([name.split("/")[-1], effective, read]).encode()).hexdigest()
        if rule == "claims":
            text = f"\\toprule\nClaim & Verdict \\\\\n\\midrule\nIt holds. & {made[:6]} \\\\\n\\bottomrule\n"
        Path(output).parent.mkdir(parents=True, exist_ok=True)
        Path(output).write_text(text or made)
        code = keep_manifest(Path(R, "code"), manifest)
        given = {"code": code, "options": options, **params}
        write_receipt(f"{R}/logs/{name}.log", rule, given, inputs, [output], environment=ran)
        return output


@pytest.fixture
def build(tmp_path, monkeypatch):
    """A function that makes the build of a plan in a folder of its own; returns its paper folder."""

    def built(name: str, plan: dict) -> Path:
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        return Made(plan).folder.absolute()

    return built


def compared(capsys, before: Path, after: Path, *more: str) -> dict[str, str]:
    """The causes that `poselift diff` names, by what changed."""
    main([str(before), str(after), *more])
    lines = [line for line in capsys.readouterr().out.splitlines() if line != "nothing changed"]
    return {line.partition(": ")[0] if line.count(": ") < 3 and "main" not in line else line.split(" -> ")[0]
            .rpartition(": ")[0]: line.rpartition("  (")[2].removesuffix(")") for line in lines}  # fmt: skip


NUMBERS = {"baseline.base.mpjpe", "full.base.mpjpe"}
CELLS = {"main: base, baseline, MPJPE", "main: base, full, MPJPE"}
SHOWN = {"curves", "claims: It holds., Verdict"}
ALL = NUMBERS | CELLS | SHOWN
FULL = {"full.base.mpjpe", "main: base, full, MPJPE"} | SHOWN


def edit(rule: str):
    return lambda plan: plan["edited"].update({rule: "1"})


def option(rule: str, old: str, new: str):
    def change(plan):
        assert old in plan["options"][rule]
        plan["options"][rule] = plan["options"][rule].replace(old, new)

    return change


def put(key: str, value):
    return lambda plan: plan.update({key: value})


PLANTED = {
    "code of the data": (edit("frames"), ALL, "code: poselift.data.prepare"),
    "code of the loss": (edit("train"), ALL, "code: poselift.training.losses"),
    "code of the metrics": (edit("evaluate"), ALL, "code: poselift.evaluation.metrics"),
    "code of the results": (edit("results"), SHOWN, "code: poselift.analysis.results"),
    "code of a figure": (edit("figure"), {"curves"}, "code: poselift.figures.curves"),
    "code of the claims": (edit("claims"), {"claims: It holds., Verdict"}, "code: poselift.analysis.claims"),
    "epochs": (option("train", "--epochs 1", "--epochs 2"), ALL, "option: --epochs 1 -> 2"),
    "a rate of one model": (put("options of full", "--warmup 5"), FULL, "option: --warmup not set -> 5"),
    "the width of images": (option("frames", "1000", "900"), ALL, "option: --width 1000 -> 900"),
    "mirrored evaluation": (option("evaluate", "true", "false"), ALL, "option: --flip true -> false"),
    "decimals of numbers": (
        option("numbers", "--decimals 1", "--decimals 2"), NUMBERS, "option: --decimals 1 -> 2",
    ),
    "decimals of the table": (option("table", "1", "3"), CELLS, "option: --decimals 1 -> 3"),
    "the title": (
        option("numbers", "A title", "Another"), {"paper.title"}, "option: --title A title -> Another",
    ),
    "confidence": (
        option("claims", "0.95", "0.99"), {"claims: It holds., Verdict"}, "option: --confidence 0.95 -> 0.99",
    ),
    "the raw data": (put("raw", "other motion"), ALL, "data: raw.pkl"),
    "the text of a claim": (put("claims.yaml", "- other\n"), {"claims: It holds., Verdict"},
                            "text: paper/claims.yaml"),
    "the GPU": (put("ran", PLAN["ran"] | {"gpu": "H200"}), ALL, "versions: gpu H100 -> H200"),
    "torch of one model": (put("ran full", {"torch": "2.1"}), FULL, "versions: torch 2.0 -> 2.1"),
    "a seed less": (
        put("runs", PLAN["runs"][:3]), FULL, "seed: no longer evaluation/full-base-s1",
    ),
    "a sentence": (
        put("text", PLAN["text"] | {"intro.tex": "It works.\nOr, \\num{full.base.mpjpe}.\n"}),
        {"intro.tex"}, "text: paper/intro.tex",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_change_is_named_with_its_cause_and_no_other(build, capsys, name):
    change, changed, cause = PLANTED[name]
    plan = copy.deepcopy(PLAN)
    change(plan)
    found = compared(capsys, build("before", PLAN), build("after", plan))
    assert found == dict.fromkeys(changed, cause)


def test_twenty_changes_are_planted():
    assert len(PLANTED) == 20


@pytest.fixture
def no_latexdiff(monkeypatch):
    """The page alone: what is written in these builds is no LaTeX."""
    monkeypatch.setattr("poselift.comparison.shutil.which", lambda name: None)


@pytest.mark.usefixtures("no_latexdiff")
def test_equal_builds_give_an_empty_page(build, capsys, tmp_path):
    before, after = build("before", PLAN), build("after", copy.deepcopy(PLAN))
    assert compared(capsys, before, after, "--out", str(tmp_path / "out")) == {}
    page = (tmp_path / "out/changes.html").read_text()
    assert "<p>Nothing changed.</p>" in page
    assert "<table>" not in page


def test_an_edit_that_changed_nothing_is_no_cause(build, capsys):
    plan = copy.deepcopy(PLAN) | {"edited": {"evaluate": "1"}, "quiet": ("evaluate",)}
    option("numbers", "--decimals 1", "--decimals 2")(plan)
    found = compared(capsys, build("before", PLAN), build("after", plan))
    assert found == dict.fromkeys(NUMBERS, "option: --decimals 1 -> 2")


def test_a_receipt_of_old_that_has_no_versions_is_no_cause(build, capsys):
    plan = copy.deepcopy(PLAN) | {"ran": {}}
    found = compared(capsys, build("before", plan), build("after", PLAN))
    assert set(found.values()) == {"not known: code, options, data and versions are the same"}


def test_of_two_changes_each_number_has_its_own(build, capsys):
    plan = copy.deepcopy(PLAN) | {"options of full": "--warmup 5"}
    option("numbers", "--decimals 1", "--decimals 2")(plan)
    found = compared(capsys, build("before", PLAN), build("after", plan))
    assert found["baseline.base.mpjpe"] == "option: --decimals 1 -> 2"
    assert found["full.base.mpjpe"] == "option: --decimals 1 -> 2; option: --warmup not set -> 5"


@pytest.mark.usefixtures("no_latexdiff")
def test_the_page_has_old_and_new_values_and_hand_overs_are_compared_as_well(build, capsys, tmp_path):
    plan = copy.deepcopy(PLAN)
    option("numbers", "A title", "B <b>")(plan)
    before, after = build("before", PLAN), build("after", plan)
    archive = tmp_path / "handed.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in before.rglob("*"):
            file.write(path, Path("paper", path.relative_to(before)))
    assert set(compared(capsys, archive, after.parent, "--out", str(tmp_path / "out"))) == {"paper.title"}
    page = (tmp_path / "out/changes.html").read_text()
    cause = "option: --title A title -&gt; B &lt;b&gt;"
    assert f"<tr><td>paper.title</td><td>A title</td><td>B &lt;b&gt;</td><td>{cause}</td>" in page


def test_cells_have_the_names_of_their_row_and_column():
    tex = (
        "\\toprule\n& & \\multicolumn{4}{c}{Last epoch} \\\\\n\\cmidrule(lr){3-6}\n"
        "Size & Model & \\heading{MPJPE} & \\heading{P-MPJPE} \\\\\n\\midrule\n"
        "base & Baseline & \\textbf{40.3}&\\spread{0.3}\\significant & 39.9& \\\\\n"
        " & Full & 39.5&\\spread{0.2} & --& \\\\\n"
        "\\bottomrule\n"
    )
    assert cells(tex) == {
        "base, Baseline, Size": "base", "base, Baseline, Model": "Baseline",
        "base, Baseline, Last epoch MPJPE": "40.3 ±0.3*", "base, Baseline, Last epoch P-MPJPE": "39.9",
        "base, Full, Model": "Full", "base, Full, Last epoch MPJPE": "39.5 ±0.2",
        "base, Full, Last epoch P-MPJPE": "--",
    }  # fmt: skip


def test_what_cannot_be_compared_is_said(tmp_path):
    with pytest.raises(PoseliftError, match="no such file or folder"):
        main([str(tmp_path / "a"), str(tmp_path / "b")])
    with pytest.raises(PoseliftError, match="not a folder that was handed over"):
        main([str(tmp_path), str(tmp_path)])


def test_numbers_stand_in_the_text_that_latexdiff_sees():
    text = "By \\num{a.b}\\,mm, \\num{gone}, \\bfseries\\num{a.b}.\n"
    assert with_numbers(text, {"a.b": "low"}) == "By low\\,mm, \\num{gone}, \\bfseries low.\n"


TEXT = {
    "main.tex": "\\documentclass{article}\n\\newcommand{\\missing}{--}\n\\input{generated/numbers}\n"
    "\\begin{document}\n\\input{intro}\n\\end{document}\n",
    "intro.tex": "It works.\n\nThe error is \\csname num:full.base.mpjpe\\endcsname.\n",
    "latexmkrc": "$pdf_mode = 1;\n@default_files = ('main.tex');\n",
}


@pytest.mark.skipif(
    shutil.which("latexmk") is None or shutil.which("latexdiff") is None, reason="needs LaTeX and latexdiff"
)
def test_the_pdf_marks_what_was_removed_and_added(build, tmp_path):
    defined = "\\newcommand{\\defnum}[2]{\\expandafter\\def\\csname num:#1\\endcsname{#2}}\n"
    folders = []
    for name, text in (("before", "It works."), ("after", "It works well.")):
        folder = build(name, PLAN | {"text": TEXT | {"intro.tex": f"{text} \\num{{full.base.mpjpe}}\n"}})
        numbers = folder / "generated/numbers.tex"
        numbers.write_text(defined + numbers.read_text())
        folders.append(str(folder))
    main([*folders, "--out", str(tmp_path / "out")])
    assert (tmp_path / "out/changes.pdf").read_bytes().startswith(b"%PDF")
    assert os.path.getsize(tmp_path / "out/changes.pdf") > 1000  # noqa: PTH202
