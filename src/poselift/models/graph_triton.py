"""The kernels of `graph_kernels` as operators of torch, for autograd, torch.compile and FLOP counters."""

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from poselift.models.kernel_launch import cdiv, launch, power_of_two

MAX_FRAMES = 1024
MAX_DIM = 128
BLOCK = 64
"""Frames of a block where they are summed."""


def _kernels() -> Any:
    from poselift.models import graph_kernels  # imports Triton, which not every machine has

    return graph_kernels


_launch = partial(launch, _kernels)


def link_options(frames: int, dim: int) -> dict[str, Any]:
    """Constants of the kernel that links; blocks such that no register is spilled."""
    width = power_of_two(frames, least=32)
    return {
        "dim": dim, "ROWS": 32 if width <= 256 else 16, "FRAMES": width, "WORDS": width // 32, "CHANNELS": 16,
        "num_warps": 8, "num_stages": 1,
    }  # fmt: skip


def sum_options(frames: int, dim: int, transposed: bool) -> dict[str, Any]:
    """Constants of the kernel that sums."""
    words = power_of_two(frames, least=32) // 32
    return {
        "dim": dim, "ROWS": BLOCK, "COLUMNS": 32, "DIM": power_of_two(dim, least=16), "WORDS": words,
        "TRANSPOSED": transposed, "num_warps": 8, "num_stages": 1,
    }  # fmt: skip


def _summed(values: Tensor, links: Tensor, scale: Tensor, transposed: bool) -> Tensor:
    values = values.contiguous()
    sequences, frames, dim = values.shape
    out = torch.empty_like(values)
    _launch(
        "sum_over_links", (sequences, cdiv(frames, BLOCK)), values, links, scale, out, frames,
        **sum_options(frames, dim, transposed),
    )  # fmt: skip
    return out


@torch.library.custom_op("poselift::similar_frames", mutates_args=())
def similar_frames(x: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """D^-1/2 A D^-1/2 `values` (b, t, dim), where A links a frame to those most similar in `x` (b, t, dim).

    Also the links, in bits, and the D^-1/2, which the backward pass needs. No gradient goes to `x`.
    """
    x = x.contiguous()
    sequences, frames, dim = x.shape
    options = link_options(frames, dim)
    links = x.new_empty(sequences, frames, options["WORDS"], dtype=torch.int32)
    scale = x.new_empty(sequences, frames, dtype=torch.float32)
    _launch("link_similar", (sequences, cdiv(frames, options["ROWS"])), x, links, scale, frames, **options)
    return _summed(values, links, scale, transposed=False), links, scale


@torch.library.custom_op("poselift::similar_frames_backward", mutates_args=())
def similar_frames_backward(d_out: Tensor, links: Tensor, scale: Tensor) -> Tensor:
    """The gradient with respect to `values`."""
    return _summed(d_out, links, scale, transposed=True)


@similar_frames.register_fake
def _(x: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    sequences, frames, dim = x.shape
    return (
        torch.empty_like(values, memory_format=torch.contiguous_format),
        x.new_empty(sequences, frames, link_options(frames, dim)["WORDS"], dtype=torch.int32),
        x.new_empty(sequences, frames, dtype=torch.float32),
    )


@similar_frames_backward.register_fake
def _(d_out: Tensor, links: Tensor, scale: Tensor) -> Tensor:
    return torch.empty_like(d_out, memory_format=torch.contiguous_format)


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    _, *kept = output
    ctx.mark_non_differentiable(*kept)
    ctx.save_for_backward(*kept)


def _backward(ctx: Any, d_out: Tensor, *_: Any) -> tuple[None, Tensor]:
    return None, similar_frames_backward(d_out, *ctx.saved_tensors)


similar_frames.register_autograd(_backward, setup_context=_save)

aggregate = torch.ops.poselift.similar_frames.default
"""`similar_frames` as something that can be copied with the model that holds it."""


@register_flop_formula(torch.ops.poselift.similar_frames)
def _(x: torch.Size, values: torch.Size, **_: Any) -> int:
    return 4 * x.numel() * x[1]


@register_flop_formula(torch.ops.poselift.similar_frames_backward)
def _(d_out: torch.Size, *_: Any, **__: Any) -> int:
    return 2 * d_out.numel() * d_out[1]
