"""What is stale, for what cause, and what rebuilding it costs.

Snakemake's dry run says which jobs it would run and which parameters changed; the receipts and the manifests
of code hashes say what that means: which module, which version, which option, which file. Costs are those
that the jobs' benchmarks recorded when they last ran, or the mean of the same rule's where a job never ran.
"""

import argparse
import ast
import csv
import re
import shlex
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from poselift.errors import PoseliftError, run
from poselift.provenance.chain import Chain, Job, read_chain
from poselift.provenance.code_hash import MANIFESTS, code_manifest, differences, kept_manifest, read_pins

PINS = Path("envs/constraints.txt")
WITHOUT_NAME = "parameter"
"""What a word that follows no option belongs to."""

CONTENT = re.compile(r"(?P<name>.+)@sha256:[0-9a-f]{64}")
"""A parameter that says what a file from outside holds."""

SHOWN = 4
"""Names that are listed of many."""


# Snakemake gives its reasons as sentences alone, to logger plugins as on the console: so its text is read.
# The staleness tests hold this to what the installed Snakemake says.
_BLOCK = re.compile(r"^(?:local)?(?:rule|checkpoint) (?P<rule>\w+):\n(?P<body>(?:    .*\n?)*)", re.MULTILINE)
_FIELD = re.compile(r"^    (?P<name>\w+): (?P<value>.*)$", re.MULTILINE)
_PARAMS = re.compile(r"Params have changed since last execution: .*?before: (?P<before>.*) now: (?P<now>.*)")
_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_GPU = re.compile(r"\bgpu=(\d+)")

MISSING, UPDATED = "Missing output files: ", "Updated input files: "
OTHER_INPUTS = "Set of input files has changed since last execution"
IN_WORDS = {
    "Incomplete output files: ": "its last build was interrupted",
    "Code has changed since last execution": "the command of its rule changed",
    "Software environment definition has changed": "the description of its environment changed",
    "Forced execution": "asked for by force",
}
"""Snakemake's other reasons in plain words. That inputs are updated by another job is no cause."""


@dataclass(frozen=True)
class Planned:
    """A job that would run."""

    rule: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    benchmark: str
    gpus: int
    reasons: tuple[str, ...]
    """as Snakemake puts them, but for changed parameters"""
    before: tuple[str, ...]
    now: tuple[str, ...]
    """parameters that the job had when it last ran and has no more, and those that are new"""


def dry_run(options: Sequence[str]) -> list[Planned]:
    """The jobs that Snakemake would run with these options. Raises `PoseliftError` with its complaint."""
    # a profile may silence the reasons, hence --quiet
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1", *options, "--quiet", "host"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        lines = (answer.stderr.strip() or answer.stdout.strip()).splitlines()
        fault = next((line for line in lines if "rror" in line), lines[-1] if lines else "no answer")
        raise PoseliftError(f"snakemake --dry-run: {fault.removeprefix('error: ')}")
    return parse(answer.stdout)


def parse(text: str) -> list[Planned]:
    """The jobs in the output of a dry run; rules that make no file are left out."""
    jobs = []
    for block in _BLOCK.finditer(text):
        fields = defaultdict(str, _FIELD.findall(block["body"]))
        if not fields["output"]:
            continue
        params = _PARAMS.search(fields["reason"])
        gpus = _GPU.search(fields["resources"])
        jobs.append(
            Planned(
                rule=block["rule"],
                inputs=_listed_files(fields["input"]),
                outputs=_listed_files(fields["output"]),
                benchmark=fields["benchmark"],
                gpus=int(gpus[1]) if gpus else 0,
                reasons=tuple(_PARAMS.sub("", fields["reason"]).split("; ")),
                before=_literals(params["before"]) if params else (),
                now=_literals(params["now"]) if params else (),
            )
        )
    return jobs


def _listed_files(listed: str) -> tuple[str, ...]:
    return tuple(file.removesuffix(" (update)") for file in listed.split(", ") if file)


def _literals(text: str) -> tuple[str, ...]:
    return tuple(str(ast.literal_eval(found)) for found in _LITERAL.findall(text))


@dataclass
class Cost:
    """What running some jobs takes, in seconds; `unknown` jobs are of rules that never ran."""

    gpu: float = 0.0
    cpu: float = 0.0
    estimated: int = 0
    unknown: int = 0


def causes(job: Planned, last: Job | None, results: Path, pins: dict[str, str]) -> Iterator[str]:
    """Why a job, which ran as `last`, is stale by itself; nothing if it only follows other jobs."""
    if job.before or job.now:
        yield from _changed_params(job, last, results, pins)
    for reason in job.reasons:
        if reason.startswith(MISSING):
            missing = _short(_listed_files(reason.removeprefix(MISSING))[0])
            yield f"{missing} is missing" if last else "never built"
        elif reason.startswith(UPDATED):
            yield from (f"{_short(path)} changed" for path in _listed_files(reason.removeprefix(UPDATED)))
        elif reason.startswith(OTHER_INPUTS):
            yield _changed_inputs(job, last)
        yield from (words for start, words in IN_WORDS.items() if reason.startswith(start))


def _changed_params(job: Planned, last: Job | None, results: Path, pins: dict[str, str]) -> Iterator[str]:
    before, now = list(job.before), list(job.now)
    if last and last.code in before:
        before.remove(last.code)
        code = next((each for each in now if len(each) == len(last.code) and " " not in each), None)
        if code:
            now.remove(code)
        manifest = kept_manifest(results / MANIFESTS, last.code)
        if manifest is None:
            yield "its code changed (in which module is not known)"
        else:
            yield from _changed_code(manifest, pins)
    for found in filter(None, map(CONTENT.fullmatch, now)):
        yield f"content of {found['name']} changed"
    before, now = ([text for text in texts if not CONTENT.fullmatch(text)] for texts in (before, now))
    for name, change in _changed_options(before, now):
        # folders that are read are named as changed inputs
        if name != WITHOUT_NAME or not any(reason.startswith(OTHER_INPUTS) for reason in job.reasons):
            yield f"{name} {change}"


def _changed_code(before: dict[str, Any], pins: dict[str, str]) -> Iterator[str]:
    try:
        names = differences(before, code_manifest(*before["entries"], pins=pins))
    except ModuleNotFoundError:
        names = ["other modules"]
    modules = [name for name in names if " -> " not in name]
    if modules:
        yield f"code of {_listed(modules)} changed"
    for package in sorted(set(names) - set(modules)):
        yield f"version of {package}"


def _changed_options(before: Iterable[str], now: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Options of a command line that differ, as (`--decimals`, `1 -> 2`)."""
    old, new = _options(before), _options(now)
    for name in [*old, *(name for name in new if name not in old)]:
        if old.get(name) != new.get(name):
            yield name, f"{old.get(name, 'not set')} -> {new.get(name, 'not set')}"


def _options(texts: Iterable[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for text in texts:
        name = WITHOUT_NAME
        for word in shlex.split(text):
            if word.startswith("--"):
                name = word
                found.setdefault(name, [])
            else:
                found.setdefault(name, []).append(word)
    return {name: " ".join(words) or "set" for name, words in found.items()}


def _changed_inputs(job: Planned, last: Job | None) -> str:
    if last is None:
        return "reads other files than before"
    now, before = set(job.inputs), set(last.inputs)
    changed = {"also reads": sorted(now - before), "no longer reads": sorted(before - now)}
    words = [f"{verb} {_listed(map(_short, paths))}" for verb, paths in changed.items() if paths]
    return " and ".join(words) or "reads other files than before"


def _short(path: str) -> str:
    """A path below `results/<dataset>`."""
    parts = PurePosixPath(path).parts
    return "/".join(parts[2:] if parts[:1] == ("results",) and len(parts) > 2 else parts)


def _label(job: Planned) -> str:
    """What a job makes: the run, or its first file."""
    first = _short(job.outputs[0])
    return first.rpartition("/")[0] if "runs/" in first else first


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def cost(jobs: Iterable[Planned]) -> Cost:
    """What the jobs take, by the benchmarks of their last runs."""
    total = Cost()
    for job in jobs:
        seconds = _seconds(Path(job.benchmark))
        if seconds is None:
            seconds = _estimate(Path(job.benchmark))
            total.estimated += seconds is not None
            total.unknown += seconds is None
        total.gpu += (seconds or 0) * job.gpus
        total.cpu += (seconds or 0) * (job.gpus == 0)
    return total


def _estimate(benchmark: Path) -> float | None:
    """The mean of the benchmarks of the same model with other seeds, or else of all that lie there."""
    model = benchmark.stem.rpartition("-s")[0]
    same = list(benchmark.parent.glob(f"{model}-s*.tsv")) if model else []
    known = [seconds for path in same or benchmark.parent.glob("*.tsv") if (seconds := _seconds(path))]
    return sum(known) / len(known) if known else None


def _seconds(path: Path) -> float | None:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [float(row["s"]) for row in csv.DictReader(file, delimiter="\t")]
    except (OSError, KeyError, ValueError):
        return None
    return sum(rows) / len(rows) if rows else None


def explain(jobs: list[Planned], results: Path, pins: dict[str, str]) -> Iterator[str]:
    """The lines of the answer: causes with what they touch, the costliest first; what follows; the cost."""
    if not jobs:
        yield "nothing is stale"
        return
    try:
        chain = read_chain(results)
    except PoseliftError:
        chain = Chain({})
    by_cause: dict[tuple[str, tuple[str, ...]], list[Planned]] = {}
    following: Counter[str] = Counter()
    for job in jobs:
        last = chain.makers.get(job.outputs[0])
        if found := tuple(causes(job, last, results, pins)):
            by_cause.setdefault((job.rule, found), []).append(job)
        else:
            following[job.rule] += 1
    stale = [(sorted(map(_label, those)), found, cost(those).gpu) for (_, found), those in by_cause.items()]
    for names, found, _ in sorted(stale, key=lambda one: (-one[2], one[0])):
        yield f"{_listed(names)}: {'; '.join(found)}"
    if following:
        counted = (f"{rule} ({count})" if count > 1 else rule for rule, count in following.items())
        yield f"and what depends on that: {', '.join(counted)}"
    yield in_words(cost(jobs), len(jobs))


def in_words(found: Cost, n_jobs: int) -> str:
    """The cost in a sentence."""
    parts = [f"{found.gpu / 3600:.1f} GPU-hours"] if found.gpu else []
    hours = found.cpu >= 3600
    parts.append(f"{found.cpu / 3600:.1f} hours" if hours else f"{found.cpu:.0f} s")
    parts[-1] += " without a GPU"
    notes = [f"{found.estimated} estimated from others"] if found.estimated else []
    notes += [f"{found.unknown} not known"] if found.unknown else []
    jobs = f"{n_jobs} job{'' if n_jobs == 1 else 's'}"
    return f"rebuilding: {jobs}, {', '.join(parts)}" + (f" ({'; '.join(notes)})" if notes else "")


def main(argv: list[str] | None = None) -> None:
    """Say what is stale, for what cause, and what rebuilding takes; further options go to snakemake."""
    example = "e.g. poselift why --profile workflow/profiles/demo"
    parser = argparse.ArgumentParser(prog="poselift why", description=main.__doc__, epilog=example)
    _, options = parser.parse_known_args(argv)
    jobs = dry_run(options)
    results = Path(*PurePosixPath(jobs[0].outputs[0]).parts[:2]) if jobs else Path("results")
    print("\n".join(explain(jobs, results, read_pins(PINS))))


if __name__ == "__main__":
    run(main)
