"""The kernels of `mlp_kernels` as an operator of torch, for autograd, torch.compile and FLOP counters."""

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from poselift.models.kernel_launch import cdiv, launch, power_of_two

MAX_DIM = 128

ROWS, ROWS_OF_WEIGHTS = 64, 32
"""Tokens of a block, and of one where the gradients of the weights are summed."""
PARTS = 32
"""At most so many programs share the tokens that the gradient of a weight is the sum over."""


def _kernels() -> Any:
    from poselift.models import mlp_kernels  # imports Triton, which not every machine has

    return mlp_kernels


_launch = partial(launch, _kernels)


def options(dim: int, hidden: int, rows: int = ROWS) -> dict[str, Any]:
    """Constants of the kernels; blocks and warps such that no register is spilled."""
    width = power_of_two(dim, least=16)
    return {
        "dim": dim, "hidden": hidden, "ROWS": rows, "DIM": width, "SLICE": max(32, width // 2),
        "num_warps": 8, "num_stages": 1,
    }  # fmt: skip


def _parts(rows: int) -> tuple[int, int]:
    """How many parts the rows are cut into, and the blocks of each."""
    blocks = cdiv(rows, ROWS_OF_WEIGHTS)
    each = cdiv(blocks, PARTS)
    return cdiv(blocks, each), each


@torch.library.custom_op("poselift::residual_mlp", mutates_args=())
def residual_mlp(
    x: Tensor, norm_weight: Tensor, norm_bias: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor,
    scale: Tensor, eps: float, half: torch.dtype,
) -> Tensor:  # fmt: skip
    """x + scale MLP(LN(x)), (..., dim) -> (..., dim) in float32, its products in `half` precision.

    The backward pass keeps nothing but x.
    """
    hidden, dim = w1.shape
    x, rows = x.contiguous(), x.numel() // dim
    y = torch.empty_like(x)
    given = (x, norm_weight, norm_bias, w1.to(half), b1, w2.to(half), b2, scale, y)
    _launch("mlp_forward", (cdiv(rows, ROWS),), *given, rows, eps, **options(dim, hidden))
    return y


@torch.library.custom_op("poselift::residual_mlp_backward", mutates_args=())
def residual_mlp_backward(
    d_y: Tensor, x: Tensor, norm_weight: Tensor, norm_bias: Tensor, w1: Tensor, b1: Tensor, w2: Tensor,
    b2: Tensor, scale: Tensor, eps: float, half: torch.dtype,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """The gradients with respect to the tensors that `residual_mlp` is given, in its order."""
    hidden, dim = w1.shape
    x, d_y, rows = x.contiguous(), d_y.contiguous(), x.numel() // dim
    blocks, (parts, each) = cdiv(rows, ROWS), _parts(rows)
    d_x, d_norm = torch.empty_like(x), x.new_empty(blocks, 2, dim)
    sizes = 2 * [hidden * dim] + [hidden, dim]
    sums = x.new_empty(sum(sizes) * parts).split([parts * size for size in sizes])
    given = (d_y, x, norm_weight, norm_bias, w1.to(half), b1, w2.to(half), scale)
    _launch("mlp_backward_input", (blocks,), *given, d_x, d_norm, rows, eps, **options(dim, hidden))
    constants = options(dim, hidden, ROWS_OF_WEIGHTS)
    grid = parts, cdiv(hidden, constants["SLICE"])
    _launch("mlp_backward_weights", grid, *given, *sums, rows, eps, BLOCKS=each, **constants)
    d_w1, outer, d_b1, sum_d_y = (each.view(parts, -1).sum(0) for each in sums)
    outer = outer.view(dim, hidden)
    # y = x + scale (W2 h + b2): all three gradients come from the sums of h d_y and d_y over the rows
    d_scale = (w2 * outer).sum(1) + b2 * sum_d_y
    return (
        d_x, d_norm[:, 0].sum(0), d_norm[:, 1].sum(0), d_w1.view(hidden, dim), d_b1,
        scale[:, None] * outer, scale * sum_d_y, d_scale,
    )  # fmt: skip


@residual_mlp.register_fake
def _(x: Tensor, *parameters: Any) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)


@residual_mlp_backward.register_fake
def _(d_y: Tensor, *tensors: Any) -> tuple[Tensor, ...]:
    return tuple(torch.empty_like(tensor, memory_format=torch.contiguous_format) for tensor in tensors[:8])


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, ctx.eps, ctx.half = inputs
    ctx.save_for_backward(*tensors)


def _backward(ctx: Any, d_y: Tensor) -> tuple[Tensor | None, ...]:
    return (*residual_mlp_backward(d_y, *ctx.saved_tensors, ctx.eps, ctx.half), None, None)


residual_mlp.register_autograd(_backward, setup_context=_save)

mlp = torch.ops.poselift.residual_mlp.default
"""`residual_mlp` as something that can be copied with the model that holds it."""


@register_flop_formula(torch.ops.poselift.residual_mlp)
def _(x: torch.Size, *shapes: Any, **_: Any) -> int:
    return 4 * x.numel() * shapes[2][0]


@register_flop_formula(torch.ops.poselift.residual_mlp_backward)
def _(d_y: Any, x: torch.Size, *shapes: Any, **_: Any) -> int:
    return 2 * 7 * x.numel() * shapes[2][0]  # three products for the input, four for the weights
