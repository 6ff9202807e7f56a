"""A line of the report on an installation; the checks of the machine: Python, packages, GPUs, programs.

The modules of the checks import only the standard library at the top: they have to work without the packages.
"""

import importlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from poselift.errors import one_line
from poselift.machine.nvidia import driver_version

CONSTRAINTS = Path("envs/constraints.txt")
MAKE = "run `make environment` in the project's folder"


@dataclass(frozen=True)
class Check:
    """One line of the report. Only what is essential can be `missing`."""

    name: str
    state: Literal["ok", "warning", "missing"]
    found: str
    advice: str = ""


def python() -> Iterator[Check]:
    found = ".".join(map(str, sys.version_info[:3]))
    fits = sys.version_info >= (3, 11)
    yield Check("python", "ok" if fits else "missing", found, "" if fits else "3.11 or newer is needed")


def packages() -> Iterator[Check]:
    """The direct dependencies, against the pinned versions where there are any."""
    try:
        required = [line for line in metadata.requires("poselift") or [] if "extra ==" not in line]
    except metadata.PackageNotFoundError:
        yield Check("packages", "missing", "poselift itself is not installed", MAKE)
        return
    names = [re.split(r"[^A-Za-z0-9_.-]", line)[0].lower() for line in required]
    pins: dict[str, set[str]] = defaultdict(set)
    if CONSTRAINTS.exists():
        for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines():
            name, _, version = line.split(";")[0].strip().partition("==")
            pins[name.lower()].add(version)
    absent, other = [], []
    for name in names:
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            absent.append(name)
            continue
        if pins[name] and version.split("+")[0] not in pins[name]:
            other.append(f"{name} {version} (pinned: {' or '.join(sorted(pins[name]))})")
    if absent:
        yield Check("packages", "missing", f"not installed: {', '.join(absent)}", MAKE)
    elif other:
        yield Check("packages", "warning", f"other versions than pinned: {', '.join(other)}", MAKE)
    else:
        pinned = f", versions as in {CONSTRAINTS}" if CONSTRAINTS.exists() else ""
        yield Check("packages", "ok", f"all {len(names)} installed{pinned}")


def torch_version() -> Iterator[Check]:
    try:
        import torch
    except Exception as error:  # a wheel for another machine fails in many ways
        yield Check("torch", "missing", one_line(f"cannot be imported: {error}"), MAKE)
        return
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU build"
    yield Check("torch", "ok", f"{torch.__version__} ({build}), {torch.get_num_threads()} CPU threads")


def gpus(synthetic: bool) -> Iterator[Check]:
    """Driver and devices; the demonstration needs none."""
    driver = driver_version()
    import torch

    if torch.cuda.is_available():
        devices = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        kinds = Counter(f"{device.name}, {device.total_memory / 2**30:.0f} GiB" for device in devices)
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        limited = "" if visible is None else f" (CUDA_VISIBLE_DEVICES={one_line(visible)})"
        found = "; ".join(f"{count} x {kind}" for kind, count in kinds.items())
        found += f"{limited}; driver {driver or 'unknown'}"
        try:
            for index in range(len(devices)):
                _compute_on(index)
        except Exception as error:  # a GPU newer or older than the build of torch, or one that is full
            fault = f"{found}; torch {torch.__version__} cannot compute on GPU {index}: {one_line(error)}"
            yield Check("GPU", "missing", fault, "install a build of torch that has kernels for this GPU")
        else:
            yield Check("GPU", "ok", found)
    elif driver:
        yield Check(
            "GPU", "warning", f"driver {driver}, but torch {torch.__version__} finds no device",
            "install torch's CUDA build for this driver, and see that CUDA_VISIBLE_DEVICES is not empty",
        )  # fmt: skip
    elif synthetic:
        yield Check("GPU", "ok", "none; the demonstration runs on the CPU")
    else:
        advice = "train on a machine with a GPU, or wait long"
        yield Check("GPU", "warning", "none, and no NVIDIA driver", advice)


def _compute_on(index: int) -> None:
    import torch

    torch.ones(1, device=f"cuda:{index}").add_(1).item()


def ssm_kernel() -> Iterator[Check]:
    import torch

    if not torch.cuda.is_available():
        yield Check("SSM", "ok", "torch implementation (the fused kernels need a GPU)")
        return
    try:
        # by name: the machine's room knows no models
        choice = importlib.import_module("poselift.models.ssd").Mamba2(64).cuda().choice
        reason = choice.reason
    except Exception as error:  # a GPU that is full, or another's
        reason = str(error)
    if reason:
        yield Check(
            "SSM", "warning", one_line(f"torch implementation; {reason}"),
            "see that Triton (it comes with torch's CUDA builds) and a C compiler are installed",
        )  # fmt: skip
    else:
        yield Check("SSM", "ok", f"fused kernels, triton {metadata.version('triton')}")


def latex() -> Iterator[Check]:
    absent = [name for name in ("latexmk", "pdflatex") if shutil.which(name) is None]
    if absent:
        yield Check("LaTeX", "missing", f"not installed: {', '.join(absent)}", "run `make latex`")
    else:
        yield Check("LaTeX", "ok", "latexmk and pdflatex")


def slurm() -> Iterator[Check]:
    absent = [name for name in ("sbatch", "sinfo") if shutil.which(name) is None]
    if len(absent) == 2:
        yield Check("SLURM", "ok", "not installed; only a cluster needs it")
    elif absent:
        yield Check("SLURM", "warning", f"{absent[0]} is missing", "install SLURM's client commands")
    else:
        command = ["sinfo", "--noheader", "--format", "%P"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10)
        if answer.returncode:
            yield Check("SLURM", "warning", one_line(answer.stderr), "is the cluster's controller up?")
        else:
            yield Check("SLURM", "ok", f"partitions {one_line(', '.join(answer.stdout.split()))}")
