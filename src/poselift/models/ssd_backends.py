"""Which implementation of the SSD layer runs: the kernels in Triton, those of mamba_ssm, or torch.

What fails in a small layer, or comes to something else than torch, is not used, and the reason is told.
"""

import functools
import importlib
from collections.abc import Callable
from importlib import metadata
from typing import Any, Literal

import torch
from torch import Tensor

from poselift.errors import PoseliftError, one_line
from poselift.models.kernel_choice import Choice, require_equal

Backend = Literal["auto", "triton", "mamba_ssm", "torch"]


@functools.cache
def choose(
    layer: Callable[..., Any], backend: Backend, headdim: int, d_state: int, d_conv: int,
    device: torch.device, deterministic: bool,
) -> Choice:  # fmt: skip
    """What a `layer` of these widths runs on `device`, a GPU; `auto` is Triton where it works, or else torch.

    Raises `PoseliftError` where Triton or mamba_ssm was asked for and cannot be had.
    """
    if backend == "torch":
        return Choice("torch")
    try:
        if backend == "mamba_ssm":
            return Choice("mamba_ssm", _mamba_ssm(deterministic))
        return Choice("triton", _triton(layer, headdim, d_state, d_conv, device))
    except Exception as error:  # what was built for another torch, CUDA or GPU fails in many ways
        reason = one_line(error) or type(error).__name__
    if backend == "auto":
        return Choice("torch", reason=f"triton cannot be used here: {reason}")
    raise PoseliftError(f"ssm_backend: {backend} cannot be used here: {reason}; choose auto or torch")


def _mamba_ssm(deterministic: bool) -> Callable[..., Tensor]:
    if deterministic:
        raise RuntimeError("its kernels are not deterministic, as the run is to be")
    module = importlib.import_module("mamba_ssm.ops.triton.ssd_combined")
    version = metadata.version("mamba_ssm")
    if tuple(map(int, version.split(".")[:2])) < (2, 3):
        raise RuntimeError(f"expected version 2.3 or later, found {version}")
    kernel: Callable[..., Tensor] = module.mamba_chunk_scan_combined
    return kernel


def _triton(
    make: Callable[..., Any], headdim: int, d_state: int, d_conv: int, device: torch.device
) -> Callable[..., Tensor]:
    """The operator of `ssd_triton`, once it has been seen to do what torch does, in a small layer."""
    from poselift.models import ssd_triton  # imports Triton, which not every machine has

    ssd_triton.require(headdim, d_conv, device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = make(2 * headdim, d_state, d_conv, expand=1, headdim=headdim, backend="torch").to(device)
        u = torch.randn(1, ssd_triton.CHUNK + 1, 2 * headdim).to(device)
    layer.backend = "auto"  # whichever it is given
    choices = Choice("torch"), Choice("triton", ssd_triton.mix)
    for half, tolerance in ((False, 1e-2), (True, 0.3)):  # torch's own products may be in TF32
        values = []
        for layer.choice in choices:
            with torch.enable_grad(), torch.autocast(device.type, torch.bfloat16, enabled=half):
                y = layer(u).float() + 2 * layer(u, reverse=True).float()
            values.append([y, *torch.autograd.grad(y.square().sum(), [*layer.parameters()])])
        require_equal(values[1], values[0], tolerance)
    return ssd_triton.mix
