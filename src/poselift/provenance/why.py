"""What is stale, for what cause, and what rebuilding it costs.

Snakemake's dry run says which jobs it would run and which parameters changed; the receipts and the manifests
of code hashes say what that means: which module, which version, which option, which file. Costs are those
that the jobs' benchmarks recorded when they last ran, or the mean of the same rule's where a job never ran.
"""

import argparse
import ast
import csv
import os
import re
import shlex
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from poselift.errors import PoseliftError, one_line
from poselift.program import run, visible
from poselift.provenance.chain import Chain, Job, read_chain
from poselift.provenance.code_hash import MANIFESTS, differences, kept_manifest, manifest_now, read_pins
from poselift.provenance.hashing import LARGE, sha256
from poselift.provenance.receipts import FOLDER, NOTES

PINS = Path("envs/constraints.txt")
WITHOUT_NAME = "parameter"
"""What a word that follows no option belongs to."""

CODE = re.compile(r"[0-9a-f]{16}")
"""A parameter that is the hash of a job's code."""

CONTENT = re.compile(r"(?P<name>.+)@sha256:(?P<digest>[0-9a-f]{64})")
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
COPIED = "has a new date and its old content (copied without dates or results/.snakemake?)"

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

    @cached_property
    def own_seconds(self) -> float | None:
        """How long it took when it last ran."""
        return _mean_seconds([Path(self.benchmark)])

    @cached_property
    def seconds(self) -> float | None:
        """How long it takes: as last time, or as the model with other seeds, or as others of its rule."""
        path = Path(self.benchmark)
        model = path.stem.rpartition("-s")[0]
        alike = path.parent.glob(f"{model}-s*.tsv") if model else ()
        return self.own_seconds or _mean_seconds(alike) or _mean_seconds(path.parent.glob("*.tsv"))


def _mean_seconds(benchmarks: Iterable[Path]) -> float | None:
    times = []
    for path in benchmarks:
        with suppress(OSError, KeyError, ValueError), path.open(newline="", encoding="utf-8") as file:
            times += [float(row["s"]) for row in csv.DictReader(file, delimiter="\t")]
    return sum(times) / len(times) if times else None


def dry_run(options: Sequence[str]) -> list[Planned]:
    """The jobs that Snakemake would run with these options. Raises `PoseliftError` with its complaint."""
    # a profile may silence the reasons, hence --quiet
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1", *options, "--quiet", "host"]
    with _writable_project() as folder:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if answer.returncode != 0:
        raise PoseliftError(f"snakemake --dry-run: {complaint(answer)}")
    return parse(answer.stdout)


def complaint(answer: subprocess.CompletedProcess[str]) -> str:
    """What Snakemake says is wrong; an error of ours first, which it shows among its own."""
    lines = f"{answer.stderr.strip()}\n{answer.stdout.strip()}".strip().splitlines()
    ours = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    errors = [line for line in lines if "rror" in line]
    return one_line([*ours, *errors, *lines[-1:], "no answer"][0], limit=1000)


@contextmanager
def _writable_project() -> Iterator[Path]:
    """The project's folder, where Snakemake makes notes in a dry run, too. Of one that is only to be read, a
    temporary folder with links to what is in it."""
    here = Path.cwd()
    if all(os.access(path, os.W_OK) for path in (here, here / NOTES) if path.exists()):
        yield here
        return
    with TemporaryDirectory() as name:
        Path(name, NOTES).mkdir()
        notes = (here / NOTES / kind for kind in ("metadata", "incomplete"))
        for path in (*here.iterdir(), *filter(Path.is_dir, notes)):
            if path.name != NOTES:
                Path(name, path.relative_to(here)).symlink_to(path)
        yield Path(name)


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
    return tuple(filter(None, listed.split(", ")))


def _literals(text: str) -> tuple[str, ...]:
    return tuple(str(ast.literal_eval(found)) for found in _LITERAL.findall(text))


def causes(job: Planned, chain: Chain, results: Path, pins: dict[str, str]) -> Iterator[str]:
    """Why a job is stale by itself; nothing if it only follows other jobs."""
    last = chain.makers.get(job.outputs[0])
    if job.before or job.now:
        yield from _changed_params(job, results, pins)
    for reason in job.reasons:
        if reason.startswith(MISSING):
            missing = _short(_listed_files(reason.removeprefix(MISSING))[0])
            yield f"{missing} is missing" if last else "never built"
        elif reason.startswith(UPDATED):
            for path in _listed_files(reason.removeprefix(UPDATED)):
                same = last and _is_as_read(path, chain.makers.get(path), last)
                yield f"{_short(path)} {COPIED if same else 'changed'}"
        elif reason.startswith(OTHER_INPUTS):
            yield _changed_inputs(job, last)
        yield from (words for start, words in IN_WORDS.items() if reason.startswith(start))


def _is_as_read(path: str, maker: Job | None, reader: Job) -> bool:
    """Whether a file has the bytes that it had when a job read it. Of large files that is not known."""
    if maker is None or maker.volatile.ended >= reader.volatile.ended or not Path(path).is_file():
        return False
    return Path(path).stat().st_size <= LARGE and sha256(Path(path)) == maker.outputs[path].sha256


def _changed_params(job: Planned, results: Path, pins: dict[str, str]) -> Iterator[str]:
    both = (job.before, job.now)
    codes = [list(filter(CODE.fullmatch, params)) for params in both]
    contents = [list(filter(None, map(CONTENT.fullmatch, params))) for params in both]
    others = (
        [text for text in params if not (CODE.fullmatch(text) or CONTENT.fullmatch(text))] for params in both
    )
    if codes != [[], []]:
        yield from _changed_code(kept_manifest(results / MANIFESTS, codes[0][0]) if codes[0] else None, pins)
    names = {found["digest"]: found["name"] for found in contents[0]}
    for found in contents[1]:
        was = names.get(found["digest"])
        yield f"{was} is called {found['name']} now" if was else f"content of {found['name']} changed"
    for name, change in changed_options(*others):
        # folders that are read are named as changed inputs
        if name != WITHOUT_NAME or not any(reason.startswith(OTHER_INPUTS) for reason in job.reasons):
            yield f"{name} {change}"


def _changed_code(before: dict[str, Any] | None, pins: dict[str, str]) -> Iterator[str]:
    names = differences(before, manifest_now(before, pins)) if before else []
    modules = [name for name in names if " -> " not in name]
    if modules:
        yield f"code of {_listed(modules)} changed"
    yield from (f"version of {package}" for package in names[len(modules) :])
    if not names:
        yield "its code changed (in which module is not known)"


def changed_options(before: Iterable[str], now: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Options of a command line that differ, as (`--decimals`, `1 -> 2`)."""
    old, new = _options(before), _options(now)
    for name in old | new:
        if old.get(name) != new.get(name):
            yield name, f"{old.get(name, 'not set')} -> {new.get(name, 'not set')}"


def _options(texts: Iterable[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for text in texts:
        name = WITHOUT_NAME
        try:
            words = shlex.split(text)
        except ValueError:  # no part of a command line: a name with an apostrophe
            words = [text]
        for word in words:
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


def explain(jobs: list[Planned], results: Path, pins: dict[str, str]) -> Iterator[str]:
    """The lines of the answer: causes with what they touch, the costliest first; what follows; the cost."""
    try:
        chain = read_chain(results)
    except PoseliftError:
        chain = Chain({})
    if gone := sorted(_overlooked(jobs, chain)):
        yield f"{_listed(map(_short, gone))}: missing, and Snakemake sees no reason to act"
        yield f"to make them again, and what depends on them: snakemake --forcerun {shlex.join(gone)}"
    elif not jobs:
        yield "nothing is stale"
    if not jobs:
        return
    by_cause: dict[tuple[str, tuple[str, ...]], list[Planned]] = defaultdict(list)
    for job in jobs:
        found = tuple(causes(job, chain, results, pins))
        by_cause[(job.rule if found else "", found)].append(job)
    following = Counter(job.rule for job in by_cause.pop(("", ()), []))
    stale = [
        (-sum((job.seconds or 0) * job.gpus for job in those), sorted(map(_label, those)), found)
        for (_, found), those in by_cause.items()
    ]
    for _, names, found in sorted(stale):
        yield f"{_listed(names)}: {'; '.join(found)}"
    if following:
        counted = (f"{rule} ({count})" if count > 1 else rule for rule, count in following.items())
        yield f"and what depends on that: {', '.join(counted)}"
    yield cost(jobs)


def _overlooked(jobs: Iterable[Planned], chain: Chain) -> set[str]:
    """Files that are missing though what was made of them is there, such as Snakemake deletes after a job
    that failed and does not make again by itself: the paper would stay as it was."""
    planned = {path for job in jobs for path in job.outputs}
    there = (job for job in chain.jobs.values() if any(Path(path).exists() for path in job.outputs))
    read = {path for job in there for path in job.inputs if path in chain.makers}
    return {path for path in read - planned if not Path(path).exists()}


def cost(jobs: Sequence[Planned]) -> str:
    """What the jobs take, in a sentence."""
    parts = []
    if on_gpu := [job for job in jobs if job.gpus]:
        known = [job.seconds * job.gpus / 3600 for job in on_gpu if job.seconds is not None]
        parts.append(f"{sum(known):.1f} GPU-hours" if known else "GPU-hours not known (poselift plan)")
    if others := [job for job in jobs if not job.gpus]:
        seconds = sum(known := [job.seconds for job in others if job.seconds is not None])
        time = f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds:.0f} s"
        parts.append(f"{time} without a GPU" if known else "time without a GPU not known")
    unknown = sum(job.seconds is None for job in jobs)
    estimated = sum(job.own_seconds is None for job in jobs) - unknown
    notes = [f"{estimated} estimated from others"] if estimated else []
    notes += [f"{unknown} not known"] if unknown else []
    count = f"{len(jobs)} job{'' if len(jobs) == 1 else 's'}"
    return f"rebuilding: {count}, {', '.join(parts)}" + (f" ({'; '.join(notes)})" if notes else "")


def main(argv: list[str] | None = None) -> None:
    """Say what is stale, for what cause, and what rebuilding takes; further options go to snakemake."""
    example = "e.g. poselift why --profile workflow/profiles/demo"
    parser = argparse.ArgumentParser(prog="poselift why", description=main.__doc__, epilog=example)
    _, options = parser.parse_known_args(argv)
    jobs = dry_run(options)
    # Snakemake does not say for which data set there is nothing to be done
    made = [jobs[0].outputs[0]] if jobs else map(str, Path("results").glob(f"*/{FOLDER}"))
    folders = sorted(Path(*PurePosixPath(path).parts[:2]) for path in made) or [Path("results")]
    pins = read_pins(PINS)
    for line in dict.fromkeys(line for results in folders for line in explain(jobs, results, pins)):
        print(visible(line))


if __name__ == "__main__":
    run(main)
