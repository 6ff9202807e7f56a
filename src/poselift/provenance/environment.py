"""What jobs ran with: the versions that were installed, not those that are pinned.

This file needs nothing but Python's standard library: another interpreter, of a job's conda environment, runs
it to say what that one has (`python environment.py PACKAGE ...`).
"""

import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

SHOWN = ("python", "torch", "numpy", "cuda", "driver", "gpu", "device", "ssm_backend")
"""Of what a job ran with that which can change a number, and is compared between jobs."""

PINNED = ("torch",)
"""Packages of which it is said wherever a number is shown that another version than the pinned one ran."""

Ran = dict[str, str]
"""Version or name by what it is of."""
Counts = dict[str, dict[str, int]]
"""By what it is of the versions or names, each with the number of jobs."""


def ran_with(packages: Iterable[str], conda: str | None = None, container: str | None = None) -> Ran:
    """What a job that uses these packages runs with: in this Python, in the environment at `conda`, or in a
    container, into which nobody looks."""
    if container:
        return {"container": Path(container).name}
    if not conda:
        return installed(tuple(sorted(packages)))
    command = [str(Path(conda, "bin", "python")), "-I", __file__, *sorted(packages)]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return {"conda": Path(conda).name}
    found: Ran = json.loads(answer)
    return found


@cache
def installed(packages: tuple[str, ...]) -> Ran:
    """The version of this Python and of those of the packages that it has; with torch, CUDA and GPU, too."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = distribution(name).version
        except PackageNotFoundError:
            continue
    if "torch" in found:
        # torch says it in a file: importing it would take seconds
        text = Path(str(distribution("torch").locate_file("torch/version.py"))).read_text(encoding="utf-8")
        cuda = re.search(r"^cuda.*?= *'([\d.]+)'", text, re.MULTILINE)
        found |= ({"cuda": cuda[1]} if cuda else {}) | _gpus()
    return found


def _gpus() -> Ran:
    """Driver and names of the NVIDIA GPUs of this machine; nothing without any."""
    try:
        pynvml = import_module("pynvml")  # by a computed name: its version makes no output stale
        pynvml.nvmlInit()
        handles = map(pynvml.nvmlDeviceGetHandleByIndex, range(pynvml.nvmlDeviceGetCount()))
        names = sorted({str(pynvml.nvmlDeviceGetName(each)) for each in handles})
        return {"driver": str(pynvml.nvmlSystemGetDriverVersion()), "gpu": ", ".join(names)}
    except Exception:  # no package, no driver, no device: all the same here
        return {}


def behind(record: Mapping[str, Any], part: str) -> list[str]:
    """The jobs of a record that a file comes from, by name."""
    jobs = record["core"]["jobs"]
    makers = {path: name for name, job in jobs.items() for path in job["outputs"]}
    found = dict.fromkeys([makers[part]] if part in makers else [])
    waiting = list(found)
    for name in waiting:
        new = [maker for path in jobs[name]["inputs"] if (maker := makers.get(path)) and maker not in found]
        found |= dict.fromkeys(new)
        waiting += dict.fromkeys(new)
    return list(found)


def counted(record: Mapping[str, Any], names: Iterable[str], keys: Iterable[str]) -> Counts:
    """What jobs of a record noted of their environment."""
    counts: Counts = {}
    for name in names:
        ran = record["core"]["jobs"][name].get("environment") or {}
        for key in keys:
            if ran.get(key) is not None:
                values = counts.setdefault(key, {})
                values[str(ran[key])] = values.get(str(ran[key]), 0) + 1
    return {key: dict(sorted(values.items())) for key, values in counts.items()}


def mixed(record: Mapping[str, Any]) -> dict[str, str]:
    """Of the parts of a record those whose jobs of one kind ran with unlike things: by part in which, and in
    how many jobs each, `train: torch 2.6.0 (4), 2.7.0 (2)`."""
    found = {}
    for part in record["core"]["parts"]:
        by_rule: dict[str, list[str]] = {}
        for name in behind(record, part):
            by_rule.setdefault(record["core"]["jobs"][name]["rule"], []).append(name)
        unlike = [
            f"{rule}: {key} {', '.join(f'{value} ({count})' for value, count in values.items())}"
            for rule, names in sorted(by_rule.items())
            for key, values in counted(record, names, SHOWN).items()
            if len(values) > 1
        ]
        if unlike:
            found[part] = "; ".join(unlike)
    return found


def unpinned(record: Mapping[str, Any]) -> dict[str, str]:
    """Of the parts of a record those behind which another version ran than was pinned: by part which,
    `torch 2.7.0 instead of 2.6.0`. Suffixes of a version (`+cpu`) say how it was built and do not count."""
    found = {}
    for part in record["core"]["parts"]:
        said = dict.fromkeys(_unpinned(record, behind(record, part)))
        if said:
            found[part] = "; ".join(said)
    return found


def _unpinned(record: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    for name in names:
        job = record["core"]["jobs"][name]
        pins = (record["code"].get(job["code"]) or {}).get("pins") or {}
        for package in PINNED:
            ran = str((job.get("environment") or {}).get(package) or "")
            if ran and package in pins and ran.partition("+")[0] != pins[package].partition("+")[0]:
                yield f"{package} {ran} instead of {pins[package]}"


if __name__ == "__main__":
    print(json.dumps(installed(tuple(sys.argv[1:]))))
