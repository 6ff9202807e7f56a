"""The chain of jobs from a PDF, table, figure, run or number back to the sha256 of the raw file."""

import argparse
import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from poselift.errors import PoseliftError
from poselift.files import reading
from poselift.latex import defined_numbers
from poselift.program import run, visible
from poselift.provenance import chain
from poselift.provenance.chain import RECORD, SHORT, Chain, Job, Made, Volatile, absolute
from poselift.provenance.hashing import sha256
from poselift.provenance.receipts import FOLDER

SHOWN = 3
"""Names that an error message lists."""

ALIKE = 3
"""Jobs of one rule behind a job that are listed one by one; of more, the first stands for all."""

RAN = ("torch", "gpu")
"""What is shown of a job's environment."""

_RUN = re.compile(
    r"(?:^results/[^/]+/(?P<data>[^/]+))?/(?:runs|evaluation)/(?P<run>\w+-\w+-(?:\w+-)?s\d+)|/cost/(?P<model>[\w-]+)\.csv"
)


POOLED = ("interval", "detectable", "verdict")
"""What depends on the variance over the seeds of all models, and on the correction for all comparisons."""


class History:
    """The chain of a results folder or of a paper folder, and what is known of each file in it."""

    def __init__(self, folder: Path) -> None:
        """`folder` is `results/<dataset>` or a paper folder. Raises `PoseliftError` if it is neither."""
        recorded = Chain({})
        self.sources: dict[str, str] = {}
        self.older: dict[str, list[str]] = {}  # what changed since, by frozen run
        for path in filter(Path.is_file, (folder / "provenance.json", folder / RECORD)):
            with reading(path, "a record of what was made from what", "build it again"):
                record = json.loads(path.read_text(encoding="utf-8"))
                recorded = _with_pdf(
                    chain.recorded_chain(record), record["core"]["parts"], folder / "main.pdf"
                )
                self.sources = {name: str(digest) for name, digest in record["core"]["sources"].items()}
                for run_name, facts in record["frozen"].items():
                    self.older[run_name] = list(map(str, facts["changed"] or ["not known what differs"]))
        if not (folder / FOLDER).is_dir() and not recorded.jobs:
            known = f"results of the workflow ({FOLDER}/) nor a paper folder ({RECORD})"
            raise PoseliftError(f"{folder}: neither {known}")
        self.results = folder if (folder / FOLDER).is_dir() else None
        self.chain = chain.read_chain(folder) if self.results else recorded
        macros = (folder / "numbers.tex", folder / "generated" / "numbers.tex")
        texts = (path.read_text(encoding="utf-8", errors="replace") for path in macros if path.is_file())
        self.numbers = defined_numbers(next(texts, ""))

    def digest(self, path: str) -> str:
        """The sha256 of a file: what its job made, or what a source holds."""
        if job := self.chain.makers.get(path):
            return job.outputs[path].sha256
        if path in self.chain.outside:
            return self.chain.outside[path]
        if self.results and (source := self.results.parent.parent / path).is_file():
            return sha256(source)
        return self.sources.get(path, "unknown")

    def find(self, target: str) -> str:
        """The recorded file that a path, its end, a run or a number means. Raises `PoseliftError`."""
        made = list(self.chain.makers)
        wanted = "numbers.tex" if target in self.numbers else target
        wanted = wanted.replace("table:", "tables/").replace("figure:", "figures/")
        wanted = wanted.rpartition("generated/")[2]  # the copy in a paper folder
        tests: tuple[Callable[[str], bool], ...] = (
            lambda path: path == wanted,
            lambda path: path.split("/", 2)[-1] == f"runs/{wanted}/history.json",
            lambda path: path.endswith(f"/runs/{wanted}/history.json"),
            lambda path: path.endswith(f"/{wanted}"),
            lambda path: path.rpartition(".")[0].endswith(f"/{wanted}"),
        )
        for test in tests:
            if found := sorted(filter(test, made)):
                if len({self.chain.makers[path].name for path in found}) > 1:
                    raise PoseliftError(f"'{target}' may mean {' or '.join(found[:SHOWN])}; say which")
                return found[0]
        if close := difflib.get_close_matches(wanted, [*self.numbers, *made], n=1):
            raise PoseliftError(f"'{target}': did you mean {close[0]}?")
        raise PoseliftError(
            f"'{target}': no build made it; name a file below results/<dataset>, a table or figure "
            "(tables/main), a run (full-base-s0) or a number (full.base.mpjpe)"
        )


def _with_pdf(recorded: Chain, parts: tuple[str, ...], pdf: Path) -> Chain:
    """The chain of a paper folder and its PDF, which was made of its `parts` after the record."""
    if not pdf.is_file():
        return recorded
    made = {"paper/main.pdf": Made(sha256(pdf), pdf.stat().st_size)}
    return Chain({**recorded.jobs, "main.pdf": Job("main.pdf", "pdf", "", {}, parts, made, Volatile("", ""))})


def runs_of_number(key: str, numbers: dict[str, str], made: Iterable[str]) -> Callable[[str], bool]:
    """Which of the files `made` a number comes from: those of its own model and of the base model that
    it is compared with; of `POOLED` numbers all models of the grid; all files for a number of no model."""
    parts = key.removeprefix("detail.").split(".")
    if key.startswith("detail."):
        parts.insert(1, numbers.get("detail.size", ""))

    def model_of(path: str) -> tuple[str | None, str] | None:
        """The further data set, if it is one, and the model of a run or of a cost."""
        found = _RUN.search(path)
        return found and (found["data"], found["model"] or found["run"].rpartition("-s")[0])

    models = {found for path in made if (found := model_of(path))}
    data = parts.pop(0) if parts[0] in {of for of, _ in models} else None
    wanted = {(data, "-".join(parts[:2]))}
    if not wanted <= models:
        return lambda path: True
    if parts[-1] in POOLED:
        wanted = {(of, model) for of, model in models if of == data and model.count("-") == 1}
    elif "change" in parts:
        wanted.add((data, f"{numbers.get('setup.base', 'baseline')}-{parts[1]}"))
    return lambda path: model_of(path) in {None, *wanted}


def as_text(tex: str) -> str:
    """A number as a terminal shows it: `39.5 ± 0.3`."""
    bare = re.sub(r"\\ensuremath\{([^{}]*)\}", r"\1", tex)
    return bare.replace(r"\,", " ").replace(r"\pm", "±").replace(r"\times", "x").replace(r"\missing", "–")


def tree(history: History, target: str, relevant: Callable[[str], bool], every: bool) -> Iterator[str]:
    """The lines of the chain behind the file `target`; each job is shown in full where it first occurs."""
    shown: dict[str, str] = {}  # by job, the file under which it is shown
    waiting: list[tuple[str, str] | str] = [(target, "")]  # files with their indent, and lines; the next last
    while waiting:
        if isinstance(line := waiting.pop(), str):
            yield line
            continue
        path, indent = line
        job, digest = history.chain.makers.get(path), history.digest(path)
        if job is None or not job.inputs:  # here the chain ends
            yield f"{indent}{path}  sha256 {digest}"
        else:
            first = shown.get(job.name, "")
            above = f"  ({'see' if first == path else f'made with {first},'} above)" if first else ""
            yield f"{indent}{path}  {digest[:SHORT]}{above}"
        if job is None or job.name in shown:
            continue
        shown[job.name] = path
        when = f", {job.volatile.ended}" if job.volatile.ended else ""
        code = job.code and f", code {job.code}"
        yield f"{indent}  by {job.rule}{code}{when}{_with(job)}{_of_run(history, job)}"
        indent += "    "
        read = inputs(history.chain.makers, filter(relevant, job.inputs), every or job.rule == "pdf")
        for first, others in reversed(list(read)):
            waiting += [f"{indent}... and {others} more files of such jobs (--all)"] if others else []
            waiting.append((first, indent))


def inputs(makers: Mapping[str, Job], paths: Iterable[str], every: bool) -> Iterator[tuple[str, int]]:
    """One file for each job among `paths`; of many jobs of a rule only the first, and how many more."""
    kinds: dict[str, dict[str, str]] = {}
    for path in paths:
        rule, name = (job.rule, job.name) if (job := makers.get(path)) else (path, path)
        kinds.setdefault(rule, {}).setdefault(name, path)
    for first, *others in map(dict.values, kinds.values()):
        many = not every and len(others) >= ALIKE
        yield from [(first, len(others))] if many else [(path, 0) for path in (first, *others)]


def _with(job: Job) -> str:
    """The versions and the GPU that a job ran with, of those that a reader asks for."""
    return "".join(f", {key} {job.environment[key]}" for key in RAN if key in job.environment)


def _of_run(history: History, job: Job) -> str:
    """A note on a frozen training: what was changed since."""
    older = history.older.get(job.name.rpartition("/")[2])
    return f"; FROZEN, older code than now: {', '.join(older)}" if older and job.rule == "train" else ""


def folder_of(target: str) -> Path:
    """The results or paper folder that a path lies in, or else the one `results/<dataset>` that knows it."""
    if results := chain.results_folder(Path(target)):
        return results
    candidates = [folder for folder in absolute(Path(target)).parents if (folder / RECORD).is_file()][:1]
    candidates = candidates or sorted(path.parent for path in Path("results").glob(f"*/{FOLDER}"))
    if len(candidates) > 1:
        candidates = [folder for folder in candidates if _knows(folder, target)] or candidates
    if len(candidates) != 1:
        where = " or ".join(f"--in {folder}" for folder in candidates[:SHOWN])
        where = where or "--in results/<dataset> or --in the paper's folder"
        raise PoseliftError(f"'{target}': say where with {where}")
    return candidates[0]


def _knows(folder: Path, target: str) -> bool:
    try:
        return bool(History(folder).find(target))
    except PoseliftError:
        return False


def main(argv: list[str] | None = None) -> None:
    """Show what an artefact was made from, down to the raw file."""
    parser = argparse.ArgumentParser(prog="poselift trace", description=main.__doc__)
    targets = "a file, a table or figure (tables/main), a run, or a number (full.base.mpjpe)"
    folders = "results/<dataset> or a paper folder"
    parser.add_argument("target", help=targets)
    parser.add_argument("--in", dest="folder", type=Path, metavar="DIR", help=folders)
    parser.add_argument("--all", action="store_true", help="show each of many alike")
    given = parser.parse_args(argv)
    folder = absolute(given.folder or folder_of(given.target))
    history = History(folder)
    target, file = given.target, absolute(Path(given.target))
    if history.results and file.is_file() and file.is_relative_to(folder):
        target = file.relative_to(folder.parent.parent).as_posix()
    path = history.find(target)
    if target in history.numbers:
        print(visible(f"{target} = {as_text(history.numbers[target])}"))
    relevant = runs_of_number(target, history.numbers, history.chain.makers)
    for line in tree(history, path, relevant, given.all):
        print(visible(line))
    if history.results:
        for fault in chain.faults(history.chain.behind([path]), history.results):
            print(visible(f"warning: {fault}"))


if __name__ == "__main__":
    run(main)
