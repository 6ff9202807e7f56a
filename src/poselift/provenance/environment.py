"""What jobs ran with: the versions that were installed, not those that are pinned.

This file needs nothing but Python's standard library: another interpreter, of a job's conda environment, runs
it to say what that one has (`python environment.py PACKAGE ...`).
"""

import json
import platform
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

COMPARED = ("python", "torch", "numpy", "cuda", "driver", "gpu", "device", "ssm_backend", "kernels")
"""Of what a job ran with that which can change a number, and is compared between jobs."""

Ran = dict[str, str]
"""Version or name by what it is of."""


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


def counted(environments: Iterable[Mapping[str, Any]]) -> dict[str, Counter[str]]:
    """What jobs ran with: by what it is of the versions or names, each with the number of jobs."""
    found: dict[str, Counter[str]] = {}
    for environment in environments:
        for key, value in environment.items():
            if value is not None:
                found.setdefault(key, Counter())[str(value)] += 1
    return found


def listed(counts: Mapping[str, int]) -> str:
    """Versions or names in words: one as it is, of several each with its number."""
    words = (f"{value} ({count})" if len(counts) > 1 else value for value, count in sorted(counts.items()))
    return ", ".join(words)


if __name__ == "__main__":
    print(json.dumps(installed(tuple(sys.argv[1:]))))
