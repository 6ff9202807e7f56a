"""Devices by name; GPUs that no other job of this machine holds.

Snakemake bounds how many GPUs its jobs use at once but hands out no device numbers, so each job takes its own
by lock. Inside a SLURM job the pool is what the job was given.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from poselift.errors import PoseliftError
from poselift.machine.gpu_slots import held_slots


@contextmanager
def reserved_devices(name: str, count: int) -> Iterator[list[torch.device]]:
    """Reserve `count` devices called `name` for as long as the block lasts.

    `auto` are GPUs that no other job holds, waiting for them if necessary, or the CPU (`count` times) on a
    machine without; `cuda` are GPUs in any case; a name with a number is that very device, whoever uses it.
    Raises `PoseliftError` if there is no such device, or fewer than `count`.
    """
    # cuBLAS is deterministic only with a workspace of its own, fixed before it starts
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if name in ("auto", "cuda") and (instances := _instances()):
        with _pinned(instances, count) as device:
            yield [device]
        return
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        _require_cuda()
        with held_slots(_pool(), count, _origin()) as slots:
            yield [torch.device("cuda", index) for index in slots]
    elif name == "cpu" or count == 1:
        yield [_named(name)] * count
    else:
        raise PoseliftError(f"{count} devices are requested, but '{name}' is one; use cuda or auto")


def _require_cuda() -> None:
    if not torch.cuda.is_available():
        why = f"torch {torch.__version__} finds no GPU; `poselift doctor` says why"
        raise PoseliftError(f"device 'cuda': {why}")


def _instances() -> list[str]:
    """The parts of GPUs (MIG) that CUDA_VISIBLE_DEVICES lists; empty if it lists none."""
    names = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    return list(filter(None, names)) if any(name.startswith("MIG-") for name in names) else []


@contextmanager
def _pinned(instances: list[str], count: int) -> Iterator[torch.device]:
    """Reserve one of the parts of GPUs and let this process see it alone, before it first asks CUDA for
    devices: CUDA shows a process no more than one, the first that is listed."""
    if count > 1:
        raise PoseliftError(
            f"{count} GPUs are requested, but a process sees one part of a GPU (MIG) only; set processes to 1"
        )
    listed = os.environ["CUDA_VISIBLE_DEVICES"]
    with held_slots(instances, 1, _origin()) as (slot,):
        os.environ["CUDA_VISIBLE_DEVICES"] = instances[slot]
        try:
            _require_cuda()
            yield torch.device("cuda", 0)
        finally:
            os.environ["CUDA_VISIBLE_DEVICES"] = listed


@contextmanager
def reserved_device(name: str) -> Iterator[torch.device]:
    """As `reserved_devices`, for one."""
    with reserved_devices(name, 1) as devices:
        yield devices[0]


def _named(name: str) -> torch.device:
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise PoseliftError(f"device '{name}': {str(error).splitlines()[0]}") from None
    return torch.device(name)


def _pool() -> list[str]:
    """Names that the devices which this process may use have on the whole machine, in torch's order."""
    return [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]


def _origin() -> str:
    """Where the pool comes from, for people."""
    visible, job = os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("SLURM_JOB_ID")
    origin = f"SLURM job {job}" if job else "this machine"
    return origin if visible is None else f"{origin} (CUDA_VISIBLE_DEVICES={visible})"
