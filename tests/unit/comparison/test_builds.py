"""Planted changes are named with their cause, and nothing else is; equal builds give an empty page."""

import copy
import hashlib
import json
import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from builds import PLAN
from poselift.comparison.builds import cells, changes, main, marked_pdf, read_build, whole_text, with_values
from poselift.config.submission import Submission
from poselift.errors import PoseliftError
from poselift.figures import style
from poselift.paper import submission


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


def test_a_text_that_one_build_has_is_listed_whichever_it_is(build, capsys):
    less = PLAN | {"text": {"main.tex": PLAN["text"]["main.tex"]}}
    both = [build("whole", PLAN), build("less", less)]
    for pair in (both, both[::-1]):
        assert compared(capsys, *pair) == {"intro.tex": "text: paper/intro.tex"}


def test_twenty_changes_are_planted():
    assert len(PLANTED) == 20


@pytest.fixture
def no_latexdiff(monkeypatch):
    """The page alone: what is written in these builds is no LaTeX."""
    monkeypatch.setattr("poselift.comparison.builds.shutil.which", lambda name: None)


@pytest.mark.usefixtures("no_latexdiff")
def test_equal_builds_give_an_empty_page(build, capsys, tmp_path):
    before, after = build("before", PLAN), build("after", copy.deepcopy(PLAN))
    assert compared(capsys, before, after, "--out", str(tmp_path / "out")) == {}
    page = (tmp_path / "out/changes.html").read_text()
    assert "<p>Nothing changed.</p>" in page
    assert "<table>" not in page


def replace(name: str, old: bytes, new: bytes):
    def change(folder: Path) -> None:
        assert old in (folder / name).read_bytes()
        (folder / name).write_bytes((folder / name).read_bytes().replace(old, new))

    return change


def put_file(name: str, content: bytes):
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return change


def edited(name: str) -> str:
    return f"edited: generated/{name} is not as it was built"


CAPTION = b"\\caption{Errors. Less than 9~mm.}\n\\label{x}\n"

IN_THE_FOLDER = {
    "a number": (
        replace("generated/numbers.tex", b"{A title}", b"{B}"), {"paper.title": edited("numbers.tex")},
    ),
    "a figure": (put_file("generated/figures/curves.pdf", b"%PDF"), {"curves": edited("figures/curves.pdf")}),
    "a caption": (
        replace("generated/tables/main.tex", b"9~mm", b"8~mm"),
        {"caption of tables/main": edited("tables/main.tex")},
    ),
    "a caption of a figure": (
        replace("generated/figures/curves.tex", b"9~mm", b"8~mm"),
        {"caption of figures/curves": edited("figures/curves.tex")},
    ),
    "the form": (
        replace("generated/submission.tex", b"anonymousfalse", b"anonymoustrue"),
        {"generated/submission.tex": "option: paper.anonymous"},
    ),
    "the length": (
        replace("generated/submission.tex", b"{9999}", b"{8}"),
        {"generated/submission.tex": "option: paper.page_limit"},
    ),
    "the style": (
        replace("generated/submission.tex", b"{article}", b"{ieee}"),
        {"generated/submission.tex": "option: paper.style"},
    ),
    "a picture": (put_file("photo.png", b"\x89PNG\xff\x00"), {"photo.png": "text: paper/photo.png"}),
    "line ends": (replace("main.tex", b"\n", b"\r\n"), {}),
    "line ends of a table": (replace("generated/tables/main.tex", b"\n", b"\r\n"), {}),
    "a line end at the end": (put_file("main.tex", b"\\input{intro}"), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_THE_FOLDER)
def test_what_people_change_in_a_built_folder_is_named_as_that(build, tmp_path, name):
    change, causes = IN_THE_FOLDER[name]
    before = build("before", PLAN)
    for part in ("tables/main", "figures/curves"):
        tex = before / f"generated/{part}.tex"
        tex.write_bytes(CAPTION + (tex.read_bytes() if tex.is_file() else b""))
    (before / "generated/submission.tex").write_text(submission.text(Submission(), tmp_path))
    record = before / "generated/provenance.json"
    made = json.loads(record.read_text())
    for part in ("tables/main.tex", "figures/curves.tex"):
        digest = hashlib.sha256((before / "generated" / part).read_bytes()).hexdigest()
        made["outputs"][f"results/toy/{part}"] = {"sha256": digest, "size": 1}
    record.write_text(json.dumps(made))
    after = tmp_path / "edited"
    shutil.copytree(before, after)
    change(after)
    found = changes(read_build(before), read_build(after))
    assert [(each.name, each.causes) for each in found] == [
        (changed, [cause]) for changed, cause in causes.items()
    ]
    if name == "a caption":
        assert (found[0].old, found[0].new) == ("Less than 9 mm.", "Less than 8 mm.")
    assert all(each.old != each.new for each in found)


def test_an_edit_that_changed_nothing_is_no_cause(build, capsys):
    plan = copy.deepcopy(PLAN) | {"edited": {"evaluate": "1"}, "quiet": ("evaluate",)}
    option("numbers", "--decimals 1", "--decimals 2")(plan)
    found = compared(capsys, build("before", PLAN), build("after", plan))
    assert found == dict.fromkeys(NUMBERS, "option: --decimals 1 -> 2")


def test_a_figure_changes_with_what_it_draws_not_with_its_note_of_what_is_behind_it(build, monkeypatch):
    drawn = (("0123456789ab", [1, 2]), ("fedcba987654", [1, 2]), ("fedcba987654", [2, 1]))
    builds = []
    for number, (behind, line) in enumerate(drawn):
        folder = build(f"build{number}", PLAN)
        figure, axes = style.plt.subplots()
        axes.plot(line)
        monkeypatch.setattr(style, "short_hash", lambda paths, behind=behind: behind)
        style.save(figure, folder / "generated/figures/curves.pdf")
        builds.append(read_build(folder))
    assert [each.name for each in changes(builds[0], builds[1])] == []
    assert [each.name for each in changes(builds[1], builds[2])] == ["curves"]


def test_the_seeds_that_a_part_is_told_are_no_cause_beside_its_runs(build, capsys):
    plan = copy.deepcopy(PLAN)
    option("numbers", "--decimals 1", "--decimals 2 --seeds 0 1")(plan)
    found = compared(capsys, build("before", PLAN), build("after", plan))
    assert found == dict.fromkeys(NUMBERS, "option: --decimals 1 -> 2")


def test_a_receipt_of_old_that_has_no_versions_is_no_cause(build, capsys):
    plan = copy.deepcopy(PLAN) | {"ran": {}}
    found = compared(capsys, build("before", plan), build("after", PLAN))
    assert set(found.values()) == {"not known: code, options, data and versions are the same"}


def test_another_folder_below_results_is_no_change_and_hides_no_cause(build):
    """Two experiments of one checkout have to have one each; options name its files."""
    plan = copy.deepcopy(PLAN)
    option("numbers", "--decimals 1", "--decimals 2")(plan)
    before, other, same = build("before", PLAN), build("after", plan), build("same", PLAN)
    for folder in (other, same):
        record = folder / "generated/provenance.json"
        record.write_text(record.read_text().replace("results/toy", "results/toy_2"))
    assert changes(read_build(before), read_build(same)) == []
    found = changes(read_build(before), read_build(other))
    assert {each.name: each.causes for each in found} == {
        key: ["option: --decimals 1 -> 2"] for key in NUMBERS
    }


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
    plan["text"]["intro.tex"] = "It works.\nOr, \\num{full.base.mpjpe}.\n"
    before, after = build("before", PLAN), build("after", plan)
    archive = tmp_path / "handed.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in before.rglob("*"):
            file.write(path, Path("paper", path.relative_to(before)))
    assert set(compared(capsys, archive, after.parent, "--out", str(tmp_path / "out"))) == {
        "paper.title",
        "intro.tex",
    }
    page = (tmp_path / "out/changes.html").read_text()
    cause = "option: --title A title -&gt; B &lt;b&gt;"
    assert f"<tr><td>paper.title</td><td>A title</td><td>B &lt;b&gt;</td><td>{cause}</td>" in page
    words = [f"<td>{word}, \\num{{full.base.mpjpe}}.</td>" for word in ("Well", "Or")]
    assert f"<tr><td>intro.tex</td>{''.join(words)}<td>text: paper/intro.tex</td>" in page


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


def test_a_cell_is_read_as_it_is_printed():
    change = r"\ensuremath{-}0.7 \interval{[\ensuremath{-}11.4, \ensuremath{+}10.1]}"
    tex = f"Model & Change \\\\\n\\midrule\nlr \\textless{{}} 5 \\#1 & {change} \\\\\n\\bottomrule\n"
    assert cells(tex)["lr < 5 #1, Change"] == "-0.7 [-11.4, +10.1]"


def test_what_cannot_be_compared_is_said(tmp_path):
    with pytest.raises(PoseliftError, match="no such file or folder"):
        main([str(tmp_path / "a"), str(tmp_path / "b")])
    with pytest.raises(PoseliftError, match="not a folder that was handed over"):
        main([str(tmp_path), str(tmp_path)])


def test_numbers_stand_in_the_text_that_latexdiff_sees():
    text = "By \\num{a.b}\\,mm, \\num{gone}, \\bfseries\\num{a.b}.\n"
    found = with_values(text, "\\defnum{a.b}{low}\n")
    assert found == "By low\\,mm, \\num{gone}, \\bfseries low.\n"


def test_of_what_depends_on_the_architectures_latexdiff_sees_what_is_printed():
    """It marks nothing in the arguments of a command that it does not know."""
    text = "A\\ifarchitecture{full}{ by \\num{a}\\ifarchitecture{gone}{ x}{ \\emph{y}}}{ z}."
    text += "\\ifarchitecture{gone}{x}{}\n"
    defined = "\\expandafter\\def\\csname architecture:full\\endcsname{}\n\\defnum{a}{5}\n"
    assert with_values(text, defined) == "A by 5 \\emph{y}.\n"


def test_the_text_is_whole_but_for_what_is_generated(tmp_path):
    (tmp_path / "generated").mkdir()
    (tmp_path / "generated/numbers.tex").write_text("made\n")
    (tmp_path / "a.tex").write_text("A\n\\include{b.tex}\n")
    (tmp_path / "b.tex").write_text("B\n")
    text = "\\input{generated/numbers}\n% \\input{a}\n\\input{./a}\\input{gone}\n"
    (tmp_path / "main.tex").write_text(text)
    said = "\\input{generated/numbers}\n% \\input{a}\nA\nB\n\n\\input{gone}\n"
    assert whole_text(tmp_path) == said


TEXT = {
    "main.tex": "\\documentclass{article}\n\\newcommand{\\missing}{--}\n\\input{generated/numbers}\n"
    "\\begin{document}\n\\input{intro}\n\\end{document}\n",
    "intro.tex": "It works.\n\nThe error is \\csname num:full.base.mpjpe\\endcsname.\n",
    "latexmkrc": "$pdf_mode = 1;\n@default_files = ('main.tex');\n",
}


@pytest.mark.skipif(shutil.which("latexdiff") is None, reason="needs latexdiff")
def test_signs_of_numbers_and_sections_of_one_build_are_marked(build, tmp_path, monkeypatch):
    written = {}
    monkeypatch.setattr(
        "poselift.comparison.builds.typeset",
        lambda folder, _: written.update(tex=(folder / "main.tex").read_text()),
    )
    monkeypatch.setattr("poselift.comparison.builds.copy_file", lambda *_: None)
    folders = []
    main = TEXT["main.tex"].replace("\\input{intro}", "Change: \\num{change}.\n\\input{SECTION}\n")
    for sign, section, words in (("-", "one", "It was so."), ("+", "two", "All is new.")):
        text = {"main.tex": main.replace("SECTION", section), f"{section}.tex": f"{words}\n"}
        folder = build(section, PLAN | {"text": text})
        with (folder / "generated/numbers.tex").open("a") as numbers:
            numbers.write(f"\\defnum{{change}}{{\\ensuremath{{{sign}}}5}}\n")
        folders.append(folder)
    marked_pdf(*folders, tmp_path / "changes.pdf")
    removed, added = (
        re.findall(rf"\\DIF{kind}\{{(.*)\}}\\DIF{kind}end", written["tex"]) for kind in ("del", "add")
    )
    assert any(r"\ensuremath{-}" in each for each in removed)
    assert any(r"\ensuremath{+}" in each for each in added)
    assert "was so" in " ".join(removed)
    assert "new" in " ".join(added)


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
