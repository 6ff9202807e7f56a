"""Planted deviations of a paper, and of what is made again, turn the right answers and no others."""

import copy
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from builds import PLAN, R
from poselift.certificate import certify
from poselift.certificate.answers import SAME
from poselift.certificate.documents import BLANK, checklist_items
from poselift.errors import PoseliftError

KINDS = {"numbers", "table cells", "claims", "figures"}
MADE = {"complete", *KINDS, "captions", *SAME}
"""Answers that need the paper made again."""

QUESTIONS = {
    "as its record says": "recorded", "what the record names": "taken", "all runs": "complete",
    "made again?": "remade",
}  # fmt: skip


class Certified:
    """What a certificate says: its answers by name, its reasons, its last word, and the folder."""

    def __init__(self, printed: str, error: str, folder: Path) -> None:
        lines = re.findall(r"^(\S.*\?) (yes|no|not checked)$", printed, re.MULTILINE)
        self.said = {self.name(question): said for question, said in lines}
        self.because = [line.strip() for line in printed.splitlines() if line.startswith("  ")]
        self.verdict = re.search(r"(not reproduced|reproduced [\w ]+);", error or printed)[1]
        self.folder = folder

    @staticmethod
    def name(question: str) -> str:
        known = next((name for words, name in QUESTIONS.items() if words in question), None)
        names = (*KINDS, "captions", *SAME)
        return known or next(name for name in names if re.search(rf"\b{name}\b", question))

    def those(self, answer: str) -> set[str]:
        return {name for name, said in self.said.items() if said == answer}


@pytest.fixture
def certified(build, capsys, monkeypatch):
    """Certify a build after `planted` was done to it, where another build is what comes out again."""

    def run(
        change: Callable = lambda plan: None,
        planted: Callable = lambda paper: None,
        came_out: Callable = lambda paper: None,
        taken: str = "weights",
        given: str = "paper",
        configfiles: tuple[str, ...] = (),
    ) -> Certified:
        plan = copy.deepcopy(PLAN)
        change(plan)
        again = build("again", plan)
        came_out(again)

        @contextmanager
        def rebuilt(*_):
            yield again

        monkeypatch.setattr(certify, "rebuilt", rebuilt)
        stated = build("stated", PLAN)
        planted(stated)
        if given.endswith(".zip"):
            with zipfile.ZipFile(given, "w") as archive:
                for path in stated.rglob("*"):
                    archive.write(path, path.relative_to(stated))
        error = ""
        paper = given if given != "paper" else f"{R}/paper"
        workflow = json.dumps({"configfiles": [str(Path(each).absolute()) for each in configfiles]})
        options = ["--taken", taken, "--workflow", workflow, "--parts", "x", "--cores", "1", "--out", "out"]
        try:
            certify.main([paper, *options])
        except PoseliftError as raised:
            error = str(raised)
        return Certified(capsys.readouterr().out, error, Path("out").absolute())

    return run


def put(key: str, value) -> Callable:
    return lambda plan: plan.update({key: value})


def replaced(name: str, old: str, new: str) -> Callable:
    """Edit a file of the paper folder, or of the project that it lies in."""

    def edit(paper: Path) -> None:
        path = next(folder / name for folder in (paper, paper.parents[2]) if (folder / name).exists())
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return edit


def option(rule: str, old: str, new: str) -> Callable:
    return lambda plan: plan["options"].update({rule: plan["options"][rule].replace(old, new)})


def other_torch(paper: Path) -> None:
    path = paper / "generated/provenance.json"
    record = json.loads(path.read_text())
    for job in record["core"]["jobs"].values():
        job["environment"]["torch"] = "2.1"
    path.write_text(json.dumps(record))


def swapped(paper: Path) -> None:
    weights = [paper.parent / f"runs/{run}-base-s0/weights.bin" for run in ("baseline", "full")]
    shutil.copy(*weights)


def without_a_seed(paper: Path) -> None:
    (paper.parent / "runs/full-base-s1/weights.bin").unlink()


EDITED_TABLE = replaced("generated/tables/main.tex", "base & full & ", "base & full & 1")
WORKFLOW = '{"configfiles": []}'
NOT_BEGUN = {"taken", "remade"}

PLANTED = {
    "another torch, the same numbers": ({"came_out": other_torch}, {"versions"}, "exactly"),
    "another torch, other numbers": (
        {"change": put("ran", PLAN["ran"] | {"torch": "2.1"})}, {"versions"} | KINDS, "not",
    ),
    "an edited metric": ({"change": put("edited", {"evaluate": "1"})}, {"code"} | KINDS, "not"),
    "a seed whose weights are missing": ({"planted": without_a_seed}, NOT_BEGUN | {"complete"}, "not"),
    "a seed less in the configuration": (
        {"change": put("runs", PLAN["runs"][:3])}, {"complete"} | KINDS, "not",
    ),
    "a swapped checkpoint": ({"planted": swapped}, NOT_BEGUN, "not"),
    "an edited table": ({"planted": EDITED_TABLE}, {"recorded", "table cells"}, "not"),
    "an edited caption": (
        {"planted": replaced("generated/tables/main.tex", "\\toprule", "\\caption{9}\\label{x}\\toprule")},
        {"recorded", "captions"}, "not",
    ),
    "an edited figure": (
        {"planted": replaced("generated/figures/curves.pdf", "", "x")}, {"recorded", "figures"}, "not",
    ),
    "an edited number": (
        {"planted": replaced("generated/numbers.tex", "mpjpe}{", "mpjpe}{1")}, {"recorded", "numbers"}, "not",
    ),
    "changed raw data behind weights": (
        {"planted": replaced("raw.pkl", "motion", "other")}, NOT_BEGUN, "not",
    ),
    "changed raw data, made again": (
        {"change": put("raw", "other motion"), "taken": "nothing"}, {"data"} | KINDS, "not",
    ),
    "another option": (
        {"change": option("numbers", "--decimals 1", "--decimals 3")}, {"settings", "numbers"}, "not",
    ),
    "another seed": (
        {"change": option("train", "--lr 0.1", "--lr 0.1 --seed 7")}, {"settings"} | KINDS, "not",
    ),
    "another claim": (
        {"change": put("claims.yaml", "- other\n")}, {"text", "claims"}, "not",
    ),
    "an edited record": (
        {"planted": replaced("generated/provenance.json", '"torch": "2.0"', '"torch": "1.0"')},
        {"recorded", "versions"}, "not",
    ),
    "an edited sentence": ({"planted": replaced("intro.tex", "It works.", "!")}, {"recorded", "text"}, "not"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_deviation_turns_the_right_answers_and_no_others(certified, name):
    planted, wrong, verdict = PLANTED[name]
    found = certified(**planted)
    assert found.those("no") == wrong
    assert found.verdict.startswith(verdict if verdict == "not" else f"reproduced {verdict}")
    assert found.those("not checked") == (MADE - wrong if "remade" in wrong else set())


def test_a_paper_that_comes_out_as_stated_is_reproduced_exactly(certified):
    found = certified()
    assert set(found.said) == {"recorded", "taken", "remade", *MADE}
    assert (found.those("yes"), found.verdict) == (set(found.said), "reproduced exactly")


def test_a_last_decimal_is_within_the_tolerance_and_is_listed(certified):
    found = certified(change=option("numbers", "--decimals 1", "--decimals 2"))
    assert (found.those("no"), found.verdict) == ({"settings"}, "reproduced within the tolerance")
    assert any(line.startswith("within the tolerance: full.base.mpjpe: ") for line in found.because)


def test_an_answer_names_the_file_that_is_missing(certified):
    assert f"{R}/runs/full-base-s1/weights.bin: missing" in certified(planted=without_a_seed).because


def test_runs_that_one_side_has_are_named_with_the_side(certified):
    less, more = PLAN["runs"][:3], (*PLAN["runs"], "full-base-s2")
    assert "evaluate/full-base-s1: in the paper only" in certified(change=put("runs", less)).because
    shutil.rmtree("../again")
    shutil.rmtree("../stated")
    assert "evaluate/full-base-s2: not in the paper" in certified(change=put("runs", more)).because


def test_frames_that_are_missing_say_nothing_of_runs(certified):
    found = certified(planted=lambda paper: (paper.parent / "data/frames.json").unlink())
    assert found.those("no") == NOT_BEGUN
    assert found.said["complete"] == "not checked"


def test_raw_data_that_not_everybody_has_may_be_missing(certified):
    found = certified(planted=lambda paper: (paper.parents[2] / "raw.pkl").unlink())
    assert found.verdict == "reproduced exactly"


def test_an_edited_hand_over_is_found_as_well_with_the_file_and_the_cell(certified):
    found = certified(given="handed.zip", planted=EDITED_TABLE)
    assert found.those("no") == {"recorded", "table cells"}
    assert found.because[0].startswith("generated/tables/main.tex: ")
    assert any(line.startswith("main: base, full, MPJPE: ") for line in found.because)


def test_a_rebuild_that_fails_is_an_answer(certified, monkeypatch, build, capsys):
    certified()

    @contextmanager
    def fails(*_):
        raise PoseliftError("no space left")
        yield

    monkeypatch.setattr(certify, "rebuilt", fails)
    options = ["--taken", "weights", "--workflow", WORKFLOW, "--parts", "x", "--cores", "1", "--out", "out"]
    with pytest.raises(PoseliftError, match="not reproduced"):
        certify.main([f"{R}/paper", *options])
    assert "made again? no\n  no space left" in capsys.readouterr().out


def test_a_paper_that_was_not_built_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ["--taken", "weights", "--workflow", WORKFLOW, "--parts", "x", "--cores", "1", "--out", "out"]
    with pytest.raises(PoseliftError, match="no such file or folder"):
        certify.main([f"{R}/paper", *options])
    assert not list(tmp_path.iterdir())


def leaves(value) -> list[str]:
    """All texts in a YAML value."""
    if isinstance(value, dict | list):
        return [
            text for each in (value.values() if isinstance(value, dict) else value) for text in leaves(each)
        ]
    return [str(value)]


def test_codecheck_yml_has_what_version_2_demands(certified):
    """The rules of severity error in rules-2.0.yml of codecheckers/register, and nothing is made up."""
    folder = certified().folder
    text = (folder / "codecheck.yml").read_text(encoding="utf-8")
    assert text.startswith("%YAML 1.1\n---\n")
    content = yaml.safe_load(text)
    assert content["version"] == "https://codecheck.org.uk/spec/config/2.0/"
    files = [item["file"] for item in content["manifest"]]
    assert {"paper/generated/tables/main.tex", "paper/generated/figures/curves.pdf"} <= set(files)
    assert all((folder / file).is_file() and not file.startswith(("/", "..")) for file in files)
    assert content["paper"]["title"] == "A title"
    known = {"summary", "check_time"}
    assert content["summary"].startswith("The paper was reproduced exactly. Files up to the stage 'weights'")
    for key in ("codechecker", "report", "certificate", "summary"):
        assert content[key]
        if key not in known:
            assert all(leaf.startswith(BLANK) for leaf in leaves(content[key])), key
    assert all(leaf.startswith(BLANK) for leaf in leaves(content["paper"]["authors"][0]["ORCID"]))
    assert content["paper"]["reference"].startswith(BLANK)


def test_codecheck_yml_lists_the_authors_one_by_one(certified):
    names = "\\defnum{paper.authors}{Ada Lovelace \\nextauthor Emmy Noether \\& Co.}\n\\defnum"
    folder = certified(planted=replaced("generated/numbers.tex", "\\defnum", names)).folder
    authors = yaml.safe_load((folder / "codecheck.yml").read_text())["paper"]["authors"]
    assert [author["name"] for author in authors] == ["Ada Lovelace", "Emmy Noether & Co."]


def test_what_is_synthetic_is_said(certified):
    numbers = replaced("generated/numbers.tex", "\\defnum", "\\synthetictrue\n\\defnum")
    summary = yaml.safe_load((certified(planted=numbers).folder / "codecheck.yml").read_text())["summary"]
    assert "the rest was made again. All data are synthetic" in summary


def test_the_appendix_says_how_many_gigabytes_were_made(certified):
    def grown(paper: Path) -> None:
        path = paper / "generated/provenance.json"
        record = json.loads(path.read_text())
        record["outputs"][f"{R}/results.csv"]["size"] = 30_000_000_000
        path.write_text(json.dumps(record))

    text = (certified(planted=grown).folder / "codecheck/artifact_appendix.tex").read_text()
    assert "disk space is required (approximately)?} 30 GB" in text


def test_what_was_not_made_again_is_said(certified):
    folder = certified(planted=swapped).folder
    assert "It was not made again." in (folder / "codecheck/artifact_appendix.tex").read_text()
    assert yaml.safe_load((folder / "codecheck.yml").read_text())["manifest"] == []
    assert "the rest was made again" not in (folder / "codecheck/certificate.html").read_text()


@pytest.mark.parametrize(
    ("data", "scope"),
    [("synthetic", "Everything was made again, the motion too."), ("", "made again, from the raw data.")],
)
def test_each_document_says_what_was_made_again(certified, data, scope):
    switch = f"\\{data or 'draft'}true\n"
    folder = certified(
        planted=replaced("generated/numbers.tex", "\\defnum", f"{switch}\\defnum"), taken="nothing"
    ).folder
    assert scope in yaml.safe_load((folder / "codecheck.yml").read_text())["summary"]
    for name in ("certificate.html", "artifact_appendix.tex", "neurips_checklist.tex"):
        assert scope in (folder / "codecheck" / name).read_text()
    appendix = (folder / "codecheck/artifact_appendix.tex").read_text()
    assert r"certificate=\{taken: nothing\}" in appendix


@pytest.mark.parametrize(
    ("files", "options"),
    [
        (["config.yaml"], "-{}-cores all"),
        (["config.yaml", "profiles/a_b.yaml"], r"-{}-cores all -{}-configfile profiles/a\_b.yaml"),
    ],
)
def test_the_appendix_names_the_command_with_its_configuration(certified, files, options):
    folder = certified(configfiles=files).folder
    appendix = (folder / "codecheck/artifact_appendix.tex").read_text()
    assert rf"\item \textbf{{Experiments:}} \texttt{{snakemake {options}}};" in appendix
    assert f"{{snakemake certificate {options} -{{}}-config\n" in appendix


def test_the_checklist_says_nothing_of_reproduction_if_nothing_was_made_again(certified):
    text = (certified(planted=swapped).folder / "codecheck/neurips_checklist.tex").read_text()
    answered = text.partition("Experimental Result Reproducibility")[2].partition("Answer: ")[2]
    assert answered.startswith(r"\answerTODO")


def test_the_checklist_answers_what_files_prove_and_leaves_the_rest(certified):
    folder = certified().folder
    text = (folder / "codecheck/neurips_checklist.tex").read_text()
    items = re.findall(
        r"\\item \\textbf\{(.*?)\}\n.*?Answer: (\\answer\w+).*?Justification: (.*?)\n", text, re.DOTALL
    )
    answers = {name: answer for name, answer, _ in items}
    assert len(answers) == 16
    assert answers["Claims"] == r"\answerNo"  # their verdicts are hashes
    assert answers["Experimental Result Reproducibility"] == r"\answerYes"
    assert answers["Limitations"] == answers["Code Of Ethics"] == r"\answerTODO"  # no such section
    for _, answer, justification in items:
        proofs = re.findall(r"\\texttt\{(.*?)\}", justification)
        assert bool(proofs) == (answer != r"\answerTODO")
        assert bool(justification) == bool(proofs)
        assert all((folder / "codecheck" / proof.replace("\\_", "_")).is_file() for proof in proofs)


def test_the_checklist_says_yes_to_results_within_the_tolerance(certified):
    folder = certified().folder
    for said, answer in (("reproduced within the tolerance", "Yes"), ("not reproduced", "No")):
        marks = {item["name"]: item["mark"] for item in checklist_items(folder, said, "")}
        assert marks["Experimental Result Reproducibility"] == rf"\answer{answer}"


@pytest.mark.parametrize(
    ("verdicts", "answer"), [(("supported", "supported"), "Yes"), (("supported", "refuted"), "No")]
)
def test_the_checklist_says_yes_to_claims_if_all_are_supported(certified, verdicts, answer):
    folder = certified().folder
    claims = folder / "paper/generated/tables/claims.tex"
    rows = "".join(f"Claim {i}. & {said} \\\\\n" for i, said in enumerate(verdicts))
    claims.write_text(f"\\toprule\nClaim & Verdict \\\\\n\\midrule\n{rows}\\bottomrule\n")
    (first,) = [
        item for item in checklist_items(folder, "reproduced exactly", "") if item["name"] == "Claims"
    ]
    assert first["mark"] == rf"\answer{answer}"
