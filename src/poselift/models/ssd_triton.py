"""The kernels of `ssd_kernels` as operators of torch, for autograd, autocast, torch.compile, FLOP counters.

Triton comes with torch's CUDA builds. With TRITON_INTERPRET=1 in the environment it runs kernels on the CPU,
slowly, to be tested there.
"""

from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from poselift.models.kernel_choice import require_capability
from poselift.models.kernel_launch import cdiv, launch, power_of_two

MAX_HEADDIM = 64

CHUNK = 16
"""Steps of a chunk: what a program keeps of it fits into registers, at float32 as well."""
PART = 32
"""Most channels of the state that a program has."""


class Layout(NamedTuple):
    """The numbers that the shapes of a layer's tensors are made of, and how the kernels are cut."""

    sequences: int
    length: int
    heads: int
    p: int
    n: int

    @classmethod
    def of(cls, projected: Tensor, A_log: Tensor, norm_weight: Tensor) -> "Layout":
        sequences, length, width = projected.shape
        heads, inner = len(A_log), len(norm_weight)
        return cls(sequences, length, heads, inner // heads, (width - 2 * inner - heads) // 2)

    @property
    def inner(self) -> int:
        return self.heads * self.p

    @property
    def channels(self) -> int:
        """Those of x, B and C."""
        return self.inner + 2 * self.n

    @property
    def width(self) -> int:
        return self.inner + self.channels + self.heads

    @property
    def N(self) -> int:
        return min(PART, power_of_two(self.n, least=16))

    @property
    def parts(self) -> int:
        return cdiv(self.n, self.N)

    @property
    def chunks(self) -> int:
        return cdiv(self.length, CHUNK)


def _kernels() -> Any:
    from poselift.models import ssd_kernels  # imports Triton, which not every machine has

    return ssd_kernels


_launch = partial(launch, _kernels)


def convolution_options(of: Layout, taps: int, reverse: bool) -> dict[str, Any]:
    """Constants of the kernels of the convolution."""
    sizes = {"inner": of.inner, "channels": of.channels, "width": of.width}
    return sizes | {"REVERSE": reverse, "TAPS": taps, "STEPS": 16, "CHANNELS": 32}


def scan_options(of: Layout, dtype: torch.dtype, reverse: bool) -> dict[str, Any]:
    """Constants of the kernels of the scan; warps such that no register is spilled."""
    P = power_of_two(of.p, least=16)
    return {
        "heads": of.heads, "p": of.p, "n": of.n, "REVERSE": reverse, "L": CHUNK, "P": P, "N": of.N,
        "PRECISION": "ieee" if dtype == torch.float32 else "tf32", "num_stages": 1,
        "num_warps": max(4, P // 8),
    }  # fmt: skip


def norm_options(of: Layout) -> dict[str, Any]:
    """Constants of the kernels of the norm."""
    block = power_of_two(of.inner)
    return {"inner": of.inner, "width": of.width, "ROWS": max(1, 2048 // block), "INNER": block}


def _convolve(of: Layout, projected: Tensor, weight: Tensor, bias: Tensor, reverse: bool) -> Tensor:
    """x, B and C after convolution and SiLU, (b, t, channels)."""
    mixed = projected.new_empty(of.sequences, of.length, of.channels)
    options = convolution_options(of, weight.shape[-1], reverse)
    blocks = cdiv(of.length, options["STEPS"]), cdiv(of.channels, options["CHANNELS"])
    given = projected, weight, bias, mixed, of.length
    _launch("convolution_forward", (of.sequences, *blocks), *given, **options)
    return mixed


def _scan(
    of: Layout, projected: Tensor, mixed: Tensor, A_log: Tensor, D: Tensor, dt_bias: Tensor, reverse: bool,
    keep_states: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """y (b, t, inner), and the states at the starts of chunks if they are to be kept."""
    options = scan_options(of, projected.dtype, reverse)
    y = projected.new_empty(of.parts, of.sequences, of.length, of.inner)
    cut = (of.parts, of.sequences, of.heads, of.chunks, options["N"], options["P"])
    states = A_log.new_empty(cut if keep_states else 1, dtype=torch.float32)
    given = projected, mixed, A_log, D, dt_bias, y, states, of.length
    _launch("scan_forward", (of.sequences * of.heads, of.parts), *given, KEEP_STATES=keep_states, **options)
    return _added_up(y), states


def _added_up(parts: Tensor) -> Tensor:
    return parts[0] if len(parts) == 1 else parts.sum(0)


def require(headdim: int, d_conv: int, device: torch.device) -> None:
    """Raise `RuntimeError` for a layer or a device that the kernels cannot do."""
    if headdim > MAX_HEADDIM:
        raise RuntimeError(f"its kernels do heads of at most {MAX_HEADDIM} channels, found {headdim}")
    if d_conv & (d_conv - 1):
        raise RuntimeError(f"its kernels do convolutions over a power of two of steps, found {d_conv}")
    require_capability(device)


@torch.library.custom_op("poselift::ssd_mix", mutates_args=())
def ssd_mix(
    projected: Tensor, conv_weight: Tensor, conv_bias: Tensor, dt_bias: Tensor, A_log: Tensor, D: Tensor,
    norm_weight: Tensor, eps: float, reverse: bool,
) -> Tensor:  # fmt: skip
    """What a Mamba-2 layer does between its projections, (b, t, width) -> (b, t, inner).

    Parameters as in `ssd.Mamba2`; with `reverse` the sequences are read from their ends. Half precision is
    summed in float32. The backward pass keeps nothing but `projected`.
    """
    of = Layout.of(projected, A_log, norm_weight)
    projected = projected.contiguous()
    out = projected.new_empty(of.sequences, of.length, of.inner)
    rows, options = of.sequences * of.length, norm_options(of)
    mixed = _convolve(of, projected, conv_weight, conv_bias, reverse)
    y, _ = _scan(of, projected, mixed, A_log, D, dt_bias, reverse, keep_states=False)
    given = projected, y, norm_weight, out, rows, eps
    _launch("norm_forward", (cdiv(rows, options["ROWS"]),), *given, **options)
    return out


@torch.library.custom_op("poselift::ssd_mix_backward", mutates_args=())
def ssd_mix_backward(
    d_out: Tensor, projected: Tensor, conv_weight: Tensor, conv_bias: Tensor, dt_bias: Tensor, A_log: Tensor,
    D: Tensor, norm_weight: Tensor, eps: float, reverse: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """The gradients with respect to the tensors that `ssd_mix` is given, in its order."""
    of = Layout.of(projected, A_log, norm_weight)
    projected, d_out = projected.contiguous(), d_out.contiguous()
    like = A_log.new_empty(0, dtype=torch.float32)
    d_projected = torch.empty_like(projected)
    # what the forward pass did not keep
    mixed = _convolve(of, projected, conv_weight, conv_bias, reverse)
    y, states = _scan(of, projected, mixed, A_log, D, dt_bias, reverse, keep_states=True)

    rows, options = of.sequences * of.length, norm_options(of)
    programs = cdiv(rows, options["ROWS"])
    d_y, d_norm = torch.empty_like(y), like.new_empty(programs, of.inner)
    _launch(
        "norm_backward", (programs,), projected, y, norm_weight, d_out, d_projected, d_y, d_norm, rows, eps,
        **options,
    )  # fmt: skip

    d_mixed = like.new_empty(of.parts, of.sequences, of.length, of.channels)
    d_BC = like.new_empty(of.sequences, of.heads, of.length, 2 * of.n)
    d_dt = like.new_empty(of.parts, of.sequences, of.length, of.heads)
    d_A_log, d_D, d_dt_bias = like.new_empty(3, of.parts, of.sequences, of.heads)
    _launch(
        "scan_backward", (of.sequences * of.heads, of.parts),
        projected, mixed, A_log, D, dt_bias, states, d_y, d_mixed, d_BC, d_dt, d_A_log, d_D, d_dt_bias,
        of.length, **scan_options(of, projected.dtype, reverse),
    )  # fmt: skip
    d_projected[..., -of.heads :] = _added_up(d_dt)
    d_mixed = _added_up(d_mixed)
    torch.sum(d_BC, 1, out=d_mixed[..., of.inner :])

    options = convolution_options(of, conv_weight.shape[-1], reverse)
    d_conv = like.new_empty(of.sequences, *conv_weight.shape)
    d_conv_bias = like.new_empty(of.sequences, of.channels)
    _launch(
        "convolution_backward", (of.sequences, cdiv(of.channels, options["CHANNELS"])),
        projected, conv_weight, conv_bias, d_mixed, d_projected, d_conv, d_conv_bias, of.length, **options,
    )  # fmt: skip
    return (
        d_projected,
        d_conv.sum(0).to(conv_weight.dtype),
        d_conv_bias.sum(0).to(conv_bias.dtype),
        d_dt_bias.sum((0, 1)).to(dt_bias.dtype),
        d_A_log.sum((0, 1)).to(A_log.dtype),
        d_D.sum((0, 1)).to(D.dtype),
        d_norm.sum(0).to(norm_weight.dtype),
    )


@ssd_mix.register_fake
def _(projected: Tensor, *parameters: Any) -> Tensor:
    norm_weight = parameters[5]
    return projected.new_empty(*projected.shape[:2], len(norm_weight))


@ssd_mix_backward.register_fake
def _(d_out: Tensor, *tensors: Any) -> tuple[Tensor, ...]:
    return tuple(torch.empty_like(tensor, memory_format=torch.contiguous_format) for tensor in tensors[:7])


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, ctx.eps, ctx.reverse = inputs
    ctx.save_for_backward(*tensors)


def _backward(ctx: Any, d_out: Tensor) -> tuple[Tensor | None, ...]:
    return (*ssd_mix_backward(d_out, *ctx.saved_tensors, ctx.eps, ctx.reverse), None, None)


ssd_mix.register_autograd(_backward, setup_context=_save)


mix = torch.ops.poselift.ssd_mix.default
"""`ssd_mix` as something that can be copied with the model that holds it."""


def _operations(backward: bool, projected: torch.Size, *parameters: torch.Size) -> int:
    """Floating-point operations of the products: of a chunk's steps with one another (by channels of the
    state and of the heads), and of the steps with the state."""
    (b, t, width), (heads,), (inner,) = projected, parameters[3], parameters[5]
    n = (width - 2 * inner - heads) // 2
    ln, lp, np = b * t * heads * CHUNK * n, b * t * CHUNK * inner, b * t * inner * n
    forward = ln + lp + 2 * np
    return 2 * (forward + (3 * ln + 2 * lp + 4 * np if backward else 0))


@register_flop_formula(torch.ops.poselift.ssd_mix)
def _(*shapes: Any, **_: Any) -> int:
    return _operations(False, *shapes[:7])


@register_flop_formula(torch.ops.poselift.ssd_mix_backward)
def _(d_out: Any, *shapes: Any, **_: Any) -> int:
    return _operations(True, *shapes[:7])
