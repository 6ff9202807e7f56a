"""The chain of jobs behind the artefacts of `results/<dataset>`, read from the receipts of the jobs."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from poselift.errors import PoseliftError
from poselift.files import reading
from poselift.provenance.hashing import LARGE, json_hash, sha256
from poselift.provenance.receipts import FOLDER, seal

SHORT = 12
"""Digits of a hash that people see."""

RECORD = "generated/provenance.json"
"""The record of a paper in its folder."""


@dataclass(frozen=True)
class Made:
    """A file as its job left it; its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Volatile:
    """What two equal builds differ in."""

    ended: str
    host: str


@dataclass(frozen=True)
class Job:
    """A job that ran: what made its outputs, from what. Paths are as the workflow writes them."""

    name: str
    rule: str
    code: str
    params: dict[str, str]
    inputs: tuple[str, ...]
    outputs: dict[str, Made]
    volatile: Volatile
    outside: dict[str, str] = Field(default_factory=dict)
    """of the inputs those from outside of the project, which not everybody has, with their sha256"""
    environment: dict[str, str] = Field(default_factory=dict)
    """installed versions and hardware that it ran with; older receipts have none"""


@dataclass(frozen=True)
class Chain:
    """Jobs by name, in an order in which each comes after those whose outputs it read."""

    jobs: dict[str, Job]

    @cached_property
    def makers(self) -> dict[str, Job]:
        """The job that made each file; a source has none."""
        return {path: job for job in self.jobs.values() for path in job.outputs}

    @property
    def sources(self) -> list[str]:
        """What is read and no job made: the raw file, templates, what people write."""
        return sorted({path for job in self.jobs.values() for path in job.inputs} - set(self.makers))

    @property
    def outside(self) -> dict[str, str]:
        """Of the sources those from outside of the project, with their sha256 when they were read."""
        return {path: digest for job in self.jobs.values() for path, digest in job.outside.items()}

    def behind(self, paths: Iterable[str]) -> "Chain":
        """The part of the chain that the files `paths` come from."""
        before: dict[str, list[str]] = {}  # the jobs whose outputs each job read
        waiting = [job for path in paths if (job := self.makers.get(path))]
        for job in waiting:
            if job.name not in before:
                makers = [maker for path in job.inputs if (maker := self.makers.get(path))]
                before[job.name] = [maker.name for maker in makers]
                waiting += makers
        try:
            return Chain({name: self.jobs[name] for name in TopologicalSorter(before).static_order()})
        except CycleError as error:
            made = next(iter(self.jobs[error.args[1][0]].outputs))
            raise PoseliftError(
                f"{made}: the receipts say that it was made from itself; build it again"
            ) from None


def absolute(path: Path) -> Path:
    """The absolute path without dots, with links kept: `results` may be a link to another disk."""
    return Path(os.path.abspath(path))  # noqa: PTH100


def results_folder(path: Path) -> Path | None:
    """The `results/<dataset>` that a file lies in, if a workflow built there."""
    built = (folder for folder in absolute(path).parents if (folder / FOLDER).is_dir())
    return next((folder for folder in built if folder.parent.name == "results"), None)


def read_chain(results: Path) -> Chain:
    """All jobs with a receipt below `results`; of two that wrote the same file, the later one made it.

    Raises `PoseliftError` for a folder without receipts and for a receipt that was changed.
    """
    folder = results / FOLDER
    # hidden ones are being written by other jobs
    read = [_read(path, folder) for path in sorted(folder.rglob("[!.]*.json"))]
    if not read:
        raise PoseliftError(f"{folder}: no receipts of jobs; build the paper with snakemake first")
    by_time = sorted(read, key=lambda job: (job.volatile.ended, job.name))
    makers = {path: job.name for job in by_time for path in job.outputs}
    jobs = {}
    for job in by_time:
        outputs = {path: made for path, made in job.outputs.items() if makers[path] == job.name}
        if outputs:
            jobs[job.name] = replace(job, outputs=outputs)
    return Chain(jobs)


def recorded_chain(record: Mapping[str, Any]) -> Chain:
    """The chain in a `provenance.json`, for a paper folder, which has no receipts."""
    jobs = {}
    for name, job in record["core"]["jobs"].items():
        facts = {key: job[key] for key in ("rule", "code", "params", "inputs")}
        ran = {name: str(value) for name, value in job.get("environment", {}).items() if value is not None}
        made = {path: record["outputs"][path] for path in job["outputs"]}
        volatile = record["volatile"]["jobs"][name]
        jobs[name] = Job(name=name, **facts, outputs=made, volatile=volatile, environment=ran)
    return Chain(jobs)


def frozen_code(results: Path, run: str) -> str:
    """The hash of the code that trained a run. Raises `PoseliftError` if it has not been trained."""
    path = results / FOLDER / "train" / f"{run}.json"
    if not path.is_file():
        raise PoseliftError(f"frozen: run '{run}' has not been trained yet; train it first, then freeze it")
    return _read(path, results / FOLDER).code


def _read(path: Path, folder: Path) -> Job:
    what = "the receipt that its job wrote"
    with reading(path, what, "build again", "remove it and what it lists, build again"):
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("seal") != seal(content):
            raise ValueError("its seal does not fit")
        return Job(name=path.relative_to(folder).with_suffix("").as_posix(), **content)
    raise AssertionError  # `reading` lets no error pass


def short_hash(paths: Iterable[Path]) -> str | None:
    """Short hash of what files below `results/<dataset>` were made from; None if no workflow made them.

    It covers rules, code, options and sources of all jobs behind them, so two builds from the same sources
    give the same. A source that is large or from outside counts by the hash among its job's options.
    """
    files = [absolute(path) for path in paths]
    results = results_folder(files[0]) if files else None
    if results is None:
        return None
    root = results.parent.parent
    names = [file.relative_to(root).as_posix() for file in files if file.is_relative_to(root)]
    chain = read_chain(results).behind(names)
    inside = (name for name in chain.sources if name not in chain.outside)
    small = [name for name in inside if (root / name).stat().st_size <= LARGE]
    return json_hash(
        {
            "jobs": [
                [job.rule, job.code, job.params, sorted(job.outputs)] for _, job in sorted(chain.jobs.items())
            ],
            "sources": {name: sha256(root / name) for name in small},
        }
    )[:SHORT]


def faults(chain: Chain, results: Path) -> Iterator[str]:
    """What is no longer as its job left it, or has no job: a sentence each. Every byte is read again."""
    root = results.parent.parent
    for job in chain.jobs.values():
        for name, made in job.outputs.items():
            path = root / name
            if not path.exists():
                yield f"{name}: missing, though rule {job.rule} made it"
            elif path.stat().st_size != made.size or sha256(path) != made.sha256:
                yield f"{name}: not as rule {job.rule} made it (edited by hand?)"
    inside = absolute(results).relative_to(absolute(root)).as_posix() + "/"
    for name in chain.sources:
        if name.startswith(inside):
            yield f"{name}: nothing says what made it"
        elif name not in chain.outside and not (root / name).exists():
            yield f"{name}: missing"
