"""What `snakemake --dry-run` says: the jobs that it would run, and its reasons."""

import ast
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from poselift.errors import PoseliftError

_BLOCK = re.compile(r"^(?:local)?(?:rule|checkpoint) (?P<rule>\w+):\n(?P<body>(?:    .*\n?)*)", re.MULTILINE)
_FIELD = re.compile(r"^    (?P<name>\w+): (?P<value>.*)$", re.MULTILINE)
_PARAMS = re.compile(r"Params have changed since last execution: .*?before: (?P<before>.*) now: (?P<now>.*)")
_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_GPU = re.compile(r"\bgpu=(\d+)")

REASONS = {
    "missing": "Missing output files: ",
    "incomplete": "Incomplete output files: ",
    "updated": "Updated input files: ",
    "follows": "Input files updated by another job: ",
    "inputs": "Set of input files has changed since last execution",
    "command": "Code has changed since last execution",
    "environment": "Software environment definition has changed since last execution",
    "forced": "Forced execution",
}


@dataclass(frozen=True)
class Planned:
    """A job that would run."""

    rule: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    log: str
    benchmark: str
    gpus: int
    reasons: dict[str, tuple[str, ...]]
    """those of `REASONS` that hold, with the files that they name"""
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
        said = next((line for line in lines if "rror" in line), lines[-1] if lines else "no answer")
        raise PoseliftError(f"snakemake --dry-run: {said.removeprefix('error: ')}")
    return parse(answer.stdout)


def parse(text: str) -> list[Planned]:
    """The jobs in the output of a dry run; rules that make no file are left out."""
    jobs = []
    for block in _BLOCK.finditer(text):
        fields = {found["name"]: found["value"] for found in _FIELD.finditer(block["body"])}
        if "output" not in fields:
            continue
        reason = fields.get("reason", "")
        params = _PARAMS.search(reason)
        stated = reason[: params.start()] if params else reason
        gpus = _GPU.search(fields.get("resources", ""))
        jobs.append(
            Planned(
                rule=block["rule"],
                inputs=_files(fields.get("input", "")),
                outputs=_files(fields["output"]),
                log=fields.get("log", ""),
                benchmark=fields.get("benchmark", ""),
                gpus=int(gpus[1]) if gpus else 0,
                reasons={
                    name: _files(part.removeprefix(start))
                    for part in (reason if params is None else stated + reason[params.end() :]).split("; ")
                    for name, start in REASONS.items()
                    if part.startswith(start)
                },
                before=_literals(params["before"]) if params else (),
                now=_literals(params["now"]) if params else (),
            )
        )
    return jobs


def _files(listed: str) -> tuple[str, ...]:
    return tuple(filter(None, listed.split(", ")))


def _literals(text: str) -> tuple[str, ...]:
    return tuple(str(ast.literal_eval(found)) for found in _LITERAL.findall(text))
