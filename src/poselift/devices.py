"""Distinct GPUs for jobs that run side by side on one machine.

Snakemake bounds how many run at once but hands out no device numbers, so each job takes a free device by a
lock file. The kernel releases the lock when its holder dies, however it dies.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from poselift.errors import PoseliftError

POLL_SECONDS = 1.0


@contextmanager
def reserved_device(name: str) -> Iterator[torch.device]:
    """The device called `name`; `auto` is a GPU that no other job holds, waiting for one if need be, or the
    CPU on a machine without. Raises `PoseliftError` if there is no such device."""
    # cuBLAS is deterministic only with a workspace of its own, fixed before it starts
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if name != "auto":
        yield _named(name)
    elif not torch.cuda.is_available():
        yield torch.device("cpu")
    elif "SLURM_JOB_ID" in os.environ:  # the cluster has given this job devices of its own
        yield torch.device("cuda")
    else:
        with free_slot(_pool()) as index:
            yield torch.device("cuda", index)


def _named(name: str) -> torch.device:
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise PoseliftError(f"device '{name}': {str(error).splitlines()[0]}") from None
    return torch.device(name)


def _pool() -> list[str]:
    """The machine's names of the devices that this process may use, in the order torch numbers them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",") if visible else [str(i) for i in range(torch.cuda.device_count())]


@contextmanager
def free_slot(pool: list[str]) -> Iterator[int]:
    """Hold the lock of one device of the pool; its position in the pool."""
    folder = Path(tempfile.gettempdir(), f"poselift-gpus-{os.getuid()}")
    folder.mkdir(exist_ok=True)
    locks = [FileLock(folder / f"{device}.lock") for device in pool]
    while True:
        for index, lock in enumerate(locks):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            try:
                yield index
            finally:
                lock.release()
            return
        time.sleep(POLL_SECONDS)
