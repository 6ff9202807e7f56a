"""What auditors that others wrote say of this repository and of a paper's crate: written to docs/audit.md.

`make audit` brings them and runs it. Ends with status 1 if one finds an error that REASONS does not explain.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import rocrate

REPOSITORY = Path(__file__).parents[1]
RUN_TERMS = "https://w3id.org/ro/terms/workflow-run#"

REASONS = {
    "R-ENV-001": "`envs/constraints.txt` pins every package; `pyproject.toml` has the ranges that work",
    "R-ENV-002": "the same: the lock file has another name than those that are looked for",
    "R-ENV-003": "they lie in `envs`: `poselift.yaml` for conda, `poselift.def` for Apptainer",
    "R-DEP-010": "modules of the tests, and packages that the few programs run by hand need",
    "R-DATA-003": "`data.sha256` in `config.yaml` is that of the raw data; receipts have all others",
    "R-VER-002": "of a checkout between releases",
    "R-VER-003": "there is no release yet",
    "R-ARC-001": "there is no DOI yet; Zenodo gives one to the deposit of the first release",
    "R-ARC-003": "`make deposit` makes `zenodo.json` from `CITATION.cff`",
    "R-EXEC-003": "`poselift trace` names what each number was made from, and by what",
    "R-ENV-005": "the record of each run and the paper's appendix name CUDA, driver and GPU",
    "R-DEP-001": "`envs/constraints.txt` pins them",
    "R-DEP-002": "the same",
    "R-DEP-011": "plugins, and what figures that users add may need",
    "R-DATA-001": "the data are licensed: `docs/human36m.md` says where they come from",
    "R-DATA-002": "nothing of them may be fetched by a script",
    "R-DATA-005": "`data.sha256` and `data.expected_clips` are checked before anything is trained",
    "R-DOC-001": "its sections have other names: to try it, and a table of what users want to do",
    "R-DOC-003": "it shows the demonstration's; on the licensed data nothing has been run",
    "R-DET-001": "Python's `random` is not used",
    "R-DET-003": "nothing depends on the order of sets; cuBLAS reads its setting when CUDA starts, later",
    "R-PREC-001": "`docs/training.md` says the precision of each part; TF32 is switched off",
    "R-PREC-002": "the same; the paper's text names the precision of the recipe",
    "R-PREC-004": "the same",
    "R-RES-003": "`experiment.seeds` in `config.yaml`",
    "R-RUN-001": "`poselift trace`, as above",
    "R-CKPT-002": "the learning rate is a function of the step, which is saved",
    "R-CKPT-004": "random numbers are seeded by the number of the step: there is no state to save",
    "R-PORT-001": "examples of commands in the documentation",
    "RRD002": "`make demo`, the first command of the README, installs",
    "RRD012": "a research project without a service; faults are reported as issues",
    "RRD034": "names of imports that differ from those of packages, or that come with a declared package",
    "RRD081": "the workflows call `make lint` and `make test`",
}
"""Why what an auditor finds is no error here, by its own name for it."""

NOT_RUN = {
    "claims-cli": "it checks numbers that a manifest binds to files by hand; here numbers are generated, and "
    "`poselift prose` and `snakemake certificate` check them",
    "actionlint": "its package fetches a program from elsewhere; `tests/unit/test_github.py` holds the "
    "workflows to their schema",
    "roc-validator, availability": "it asks the web whether addresses answer",
}
"""Auditors that are not run, with the reason."""


@dataclass(frozen=True)
class Finding:
    """What one auditor said: in a few words, and what it takes for a fault, by names."""

    auditor: str
    said: str
    faults: tuple[str, ...] = ()
    in_part: tuple[str, ...] = ()
    """what it takes for done in part"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the same environment as this one, or of the project."""
    program = Path(sys.executable).with_name(command[0])
    words = [str(program) if program.exists() else command[0], *command[1:]]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@contextmanager
def in_a_clone() -> Iterator[None]:
    """Work in a clone of the last commit, which has none of the folders that git ignores."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), folder], check=True)
        with chdir(folder):
            yield


def plain(auditor: str, *command: str) -> Finding:
    """An auditor that says by its exit status whether all is well."""
    answer = run(*command)
    return Finding(auditor, "no fault", () if answer.returncode == 0 else (answer.stdout + answer.stderr,))


def written(*command: str) -> dict:
    """The report that an auditor writes as JSON into the file whose name is added."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        answer = run(*command, str(report))
        if not report.is_file():
            raise SystemExit(f"{command[0]}: {answer.stdout}{answer.stderr}")
        return json.loads(report.read_text(encoding="utf-8"))


def crate(folder: Path) -> Finding:
    """The crate of a paper. Its context, which would be fetched, is put into a copy of it."""
    with tempfile.TemporaryDirectory() as temporary:
        copy = shutil.copytree(folder, Path(temporary, "paper"))
        path = copy / "ro-crate-metadata.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        known = Path(rocrate.__file__).with_name("data") / "ro-crate.jsonld"
        content["@context"] = json.loads(known.read_text(encoding="utf-8"))["@context"]
        content["@context"] |= {name: f"{RUN_TERMS}{name}" for name in ("environment", "sha256")}
        path.write_text(json.dumps(content), encoding="utf-8")
        profile = ["-p", "process-run-crate", "-l", "required", "--skip-availability-check"]
        found = written("rocrate-validator", "-y", "validate", str(copy), *profile, "-f", "json", "-o")
    faults = tuple(issue["message"] for issue in found["issues"])
    counted = found["statistics"]
    passed = f"{counted['total_passed_checks']} of {counted['total_checks']}"
    said = f"{passed} required checks of Process Run Crate 0.5"
    return Finding(f"roc-validator {version('roc-validator')}", said, faults)


def adduce(profile: str) -> Finding:
    """What adduce finds by the profile of a conference; a failed check is a fault."""
    found = written("adduce", "check", ".", "--profile", profile, "--format", "json", "-o")
    faults, in_part = (
        tuple(each["rule_id"] for each in found["findings"] if each["status"] == status)
        for status in ("fail", "partial")
    )
    counts = Counter(each["status"] for each in found["findings"])
    checks = f"{counts['pass']} checks passed, {counts['partial']} in part, {counts['fail']} failed"
    said = f"{found['total']:g} of 100 points: {checks}"
    return Finding(f"adduce {version('adduce')}, {profile}", said, faults, in_part)


def rrdoctor() -> Finding:
    """What rrdoctor finds; a warning is a fault."""
    found = written("rrdoctor", "scan", ".", "--profile", "neurips", "--format", "json", "--output")
    faults = tuple(each["rule_id"] for each in found["findings"] if each["severity"] != "info")
    counts = Counter(each["severity"] for each in found["findings"])
    said = f"{found['score']} of 100 points: {counts['error']} errors, {counts['warning']} warnings, "
    said += f"{counts['info']} hints"
    return Finding(f"rrdoctor {version('rrdoctor')}, neurips", said, faults)


def names(found: tuple[str, ...]) -> str:
    """Names for a cell of a table."""
    return ", ".join(found) or "–"


def page(found: list[Finding], of_crate: str) -> str:
    """The results as a page of docs/."""
    rows = [
        f"| {each.auditor} | {each.said} | {names(each.faults)} | {names(each.in_part)} |" for each in found
    ]
    named = dict.fromkeys(name for each in found for name in (*each.faults, *each.in_part))
    lines = [
        "# What auditors say",
        "",
        "Written by `make audit` (`tests/audit.py`), which brings the auditors and runs them on a clone of",
        f"the last commit and on the crate of {of_crate}.",
        "What they find and is no error here has its reason below. Points are theirs: they look for names of",
        "files and words, and know nothing of receipts or of `envs`.",
        "",
        "| auditor | what it says | what it finds | done in part |",
        "|---|---|---|---|",
        *rows,
        "",
        "| finding | why it is no error here |",
        "|---|---|",
        *(f"| {name} | {REASONS.get(name, '**an error**')} |" for name in named),
        "",
        "| not run | why |",
        "|---|---|",
        *(f"| {name} | {why} |" for name, why in NOT_RUN.items()),
    ]
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> None:
    """Run all auditors and write what they say."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--crate", type=Path, default=Path("results/demo/paper"), help="paper folder")
    parser.add_argument("--words", default="the demonstration's paper", help="what the crate is of")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs/audit.md")
    given = parser.parse_args(argv)
    if not (given.crate / "ro-crate-metadata.json").is_file():
        sys.exit(f"error: {given.crate}: no crate; run make demo first")
    of_crate = given.crate.resolve()
    demo = ["--profile", "workflow/profiles/demo", "--lint"]
    checks: list[Callable[[], Finding]] = [
        lambda: plain("snakemake --lint", "snakemake", *demo),
        lambda: plain(
            f"cffconvert {version('cffconvert')}", "cffconvert", "--validate", "-i", "CITATION.cff"
        ),
        lambda: crate(of_crate),
        lambda: adduce("neurips"),
        lambda: adduce("acm"),
        rrdoctor,
    ]
    with in_a_clone():
        found = [check() for check in checks]
    given.out.write_text(page(found, given.words), encoding="utf-8")
    print(given.out)
    if left := [fault for each in found for fault in (*each.faults, *each.in_part) if fault not in REASONS]:
        sys.exit("\n".join(["error: not explained:", *left]))


if __name__ == "__main__":
    main()
