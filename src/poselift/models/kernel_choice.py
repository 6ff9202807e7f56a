"""Whether kernels of the project run or torch does. None is taken on trust: Triton compiles on the machine
that it runs on, for its GPU, so kernels are tried once, in small, against torch."""

import os
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

Implementation = Literal["triton", "mamba_ssm", "torch"]

MIN_CAPABILITY = (8, 0)
"""Compute capability of the oldest GPUs that the kernels are compiled for in the tests (A100)."""


class Choice(NamedTuple):
    """An implementation, the kernel that it calls, and why it is torch where that was not asked for."""

    name: Implementation
    kernel: Callable[..., Tensor] | None = None
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.reason})" if self.reason else self.name


def require_capability(device: torch.device) -> None:
    """Raise `RuntimeError` for a GPU that is older than what the kernels are for."""
    if device.type == "cuda" and (capability := torch.cuda.get_device_capability(device)) < MIN_CAPABILITY:
        found, needed = (".".join(map(str, version)) for version in (capability, MIN_CAPABILITY))
        raise RuntimeError(f"its kernels need compute capability {needed}, the GPU has {found}")


def require_equal(found: Sequence[Tensor], expected: Sequence[Tensor], tolerance: float) -> None:
    """Raise `RuntimeError` where kernels came to something else than torch, by the norm of each tensor."""
    pairs = zip(found, expected, strict=True)
    if not all((ours - theirs).norm() <= tolerance * theirs.norm() for ours, theirs in pairs):
        raise RuntimeError("it gives other results than torch does; please report this")


def interpreted() -> bool:
    """Whether Triton's kernels run on the CPU, for tests."""
    return os.environ.get("TRITON_INTERPRET") == "1"
