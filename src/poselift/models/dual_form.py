"""The Mamba-2 layer in its dual form: plain torch, with a backward pass written by hand.

Dao and Gu, "Transformers are SSMs" (ICML 2024). Within a chunk of the sequence the state space model is a
masked product of matrices, like attention, and only the states at the ends of chunks follow one another
(section 6): batched products, fast on CPU and GPU, deterministic. What lies between the layer's projections
is cheap to compute but many times as large as they are: the backward pass computes most of it again.

Letters in shapes are the paper's: b sequences, h heads, p channels per head, n channels of state; c chunks
of l steps (s, where two steps of a chunk meet); t steps in all. Heads come first, so that each product is a
batch of contiguous matrices. The gradient of a value is called d_ and its name.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, einsum
from torch.autograd.function import once_differentiable

from poselift.models.precision import at_least_single, without_autocast

CHUNK = 32
"""Steps of a chunk, about: work within chunks grows with them, work between chunks shrinks."""


def chunk_length(length: int) -> int:
    """The steps of a chunk, of which a sequence must have a multiple: those that need the least padding."""
    if length <= 3 * CHUNK:  # one long chunk costs less than three and what is between them
        return length
    return min(range(CHUNK, 3 * CHUNK // 4, -1), key=lambda steps: -length % steps)


class DualForm:
    """h_t = exp(dt_t A) h_{t-1} + dt_t B_t x_t^T, y_t = C_t h_t + D x_t from h = 0, as matrices.

    y = within x + leave starts: the states at the starts of chunks are starts = between added, where added =
    enter^T x is what chunks add to them. Each entry of a matrix has a factor exp(log decay from one step to a
    later one), which is computed in full precision.
    """

    def __init__(self, x: Tensor, B: Tensor, C: Tensor, dt: Tensor, A: Tensor, D: Tensor) -> None:
        """x (h, b, c, l, p), dt > 0 (h, b, c, l), B and C (b, c, l, n), shared by heads, A < 0 and D (h,)."""
        self.x, self.B, self.C, self.dt, self.A = x, B, C, dt, A.view(-1, 1, 1, 1)
        log_decay = dt * self.A @ _until_here(dt)  # since the chunk's start
        # dt exp(log decay) where that is at most 0; elsewhere, in the future, `scores` are 0 and it must only
        # be finite. One operator does that: the derivative of ELU.
        since = log_decay.unsqueeze(-1) - log_decay.unsqueeze(-2)  # (h, b, c, l, s)
        self.decay = torch.ops.aten.elu_backward(dt.unsqueeze(-2), 1, 1, 1, False, since)
        self.scores = (C @ B.mT).tril_()  # (b, c, l, s)
        skip = D.view(-1, 1, 1, 1, 1) * torch.eye(x.shape[-2], dtype=D.dtype, device=D.device)
        self.within = torch.addcmul(skip, self.decay, self.scores).to(x.dtype)
        self.several = x.shape[2] > 1
        if self.several:
            total = log_decay[..., -1]
            self.from_start = log_decay.exp()
            self.to_end = dt * (total.unsqueeze(-1) - log_decay).exp()
            self.leave = (self.from_start.unsqueeze(-1) * C).to(x.dtype)  # (h, b, c, l, n)
            self.enter = (self.to_end.unsqueeze(-1) * B).to(x.dtype)
            ends = total @ _until_here(total)
            between = ends.roll(1, -1).unsqueeze(-1) - ends.unsqueeze(-2)  # the first row is none
            self.between = between.clamp_(max=0).exp_().tril_(-1)  # (h, b, c, c)
            self.added = self.enter.mT @ x  # (h, b, c, n, p)
            self.starts = _along_chunks(self.between, self.added)

    def forward(self) -> Tensor:
        """y (h, b, c, l, p)."""
        y = self.within @ self.x
        return _add_product(y, self.leave, self.starts) if self.several else y

    def backward(self, d_y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """The gradients of x, B, C, dt, A and D, from that of y.

        An entry m exp(log decay) passes d_m m on to its log decay, `mass` here: it counts for the later of
        its two steps and against the earlier one.
        """
        d_within = d_y @ self.x.mT
        d_D = d_within.diagonal(dim1=-2, dim2=-1).sum((1, 2, 3), dtype=self.dt.dtype)
        d_x = self.within.mT @ d_y
        d_scores = d_within * self.decay
        mass = d_scores * self.scores
        d_scores = d_scores.sum(0).tril_().to(d_y.dtype)
        d_B, d_C = d_scores.mT @ self.C, d_scores @ self.B
        d_log_dt = mass.sum(-2)
        d_log_decay = mass.sum(-1) - d_log_dt
        if self.several:
            d_leave, d_starts = d_y @ self.starts.mT, self.leave.mT @ d_y
            d_added = _along_chunks(self.between.mT, d_starts)
            d_enter = self.x @ d_added.mT
            d_x = _add_product(d_x, self.enter, d_added)
            d_C += einsum("hbcln,hbcl->bcln", d_leave, self.from_start.to(d_y.dtype))
            d_B += einsum("hbcln,hbcl->bcln", d_enter, self.to_end.to(d_y.dtype))
            leaving = einsum("hbcln,bcln->hbcl", d_leave, self.C) * self.from_start
            entering = einsum("hbcln,bcln->hbcl", d_enter, self.B) * self.to_end
            mass = d_starts.flatten(-2) @ self.added.flatten(-2).mT * self.between
            later = mass.sum(-1)
            d_log_dt += entering
            d_log_decay += leaving - entering
            d_ends = (later - mass.sum(-2)) @ _until_here(later).mT
            d_log_decay[..., -1] += entering.sum(-1) - later + d_ends
        d_step = d_log_decay @ _until_here(d_log_decay).mT  # of dt A
        # dt may be too small to have an inverse
        d_dt = d_log_dt / self.dt.clamp(min=torch.finfo(self.dt.dtype).tiny) + d_step * self.A
        return d_x, d_B, d_C, d_dt, (d_step * self.dt).sum((1, 2, 3)), d_D


def _until_here(x: Tensor) -> Tensor:
    """Matrix by which x becomes its cumulative sums. `torch.cumsum` on CUDA is not deterministic."""
    return x.new_ones(x.shape[-1], x.shape[-1]).triu_()


def _along_chunks(between: Tensor, states: Tensor) -> Tensor:
    return (between.to(states.dtype) @ states.flatten(-2)).view_as(states)


def _add_product(y: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.baddbmm(*(t.flatten(0, 2) for t in (y, a, b))).view_as(y)


def _convolve(x: Tensor, taps: Tensor, bias: Tensor | None, padding: int) -> Tensor:
    """Depthwise over the steps of (b, t, channel): as images one pixel high, which have fast kernels."""
    return F.conv2d(x.mT.unsqueeze(2), taps.unsqueeze(2), bias, 1, (0, padding), 1, len(taps)).squeeze(2).mT


def _dual_form(xBC: Tensor, dt: Tensor, parameters: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, DualForm]:
    """From xBC (b, t, h p + 2 n) and dt (b, t, h) as projected: xBC after the convolution, which makes it
    longer, dt before its softplus (h, b, c, l), and the dual form of both."""
    dt_bias, A_log, D, _, conv, conv_bias, norm, _ = parameters
    t, half, steps, heads = xBC.shape[1], xBC.dtype, chunk_length(xBC.shape[1]), len(D)
    convolved = _convolve(xBC, conv.to(half), conv_bias.to(half), conv.shape[-1] - 1)
    x, BC = F.silu(convolved[:, :t]).tensor_split([len(norm)], -1)
    x = x.unflatten(-1, (heads, -1)).movedim(2, 0).contiguous().unflatten(2, (-1, steps))
    B, C = (value.contiguous().unflatten(1, (-1, steps)) for value in BC.chunk(2, -1))
    dt = (at_least_single(dt) + dt_bias).movedim(2, 0).contiguous().unflatten(2, (-1, steps))
    return convolved, dt, DualForm(x, B, C, F.softplus(dt), -at_least_single(A_log).exp(), D)


class DualFormLayer(torch.autograd.Function):
    """The layer, (b, t, d_model) -> (b, t, d_model), where t is a multiple of `chunk_length(t)`.

    The arguments are the input, in the precision of the products, the norm's epsilon, and the parameters in
    the order of the layer's state dict. Kept for the backward pass are the input's projection and y.
    """

    @staticmethod
    def forward(u: Tensor, eps: float, *parameters: Tensor) -> tuple[Tensor, ...]:
        _, _, D, in_proj, conv, _, norm, out_proj = parameters
        with without_autocast(u):
            z, xBC, dt = (F.linear(u, w) for w in in_proj.to(u.dtype).split([len(norm), len(conv), len(D)]))
            dual = _dual_form(xBC, dt, parameters)[-1]
            y = dual.forward().flatten(2, 3)  # (h, b, t, p)
            gated = F.silu(z).unflatten(-1, (len(D), -1)).mul_(y.movedim(0, 2)).flatten(2)
            norms = torch.linalg.vector_norm(gated, dim=-1, keepdim=True, dtype=dual.dt.dtype)
            scale = (norms.square() / len(norm) + eps).rsqrt()
            # RMSNorm scales steps, which are rows here, and channels, which are columns of the next matrix
            return F.linear(gated, (out_proj * norm).to(u.dtype)).mul_(scale), z, xBC, dt, y, scale

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        u, _, *parameters = inputs
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(u, *output[1:], *parameters)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_out: Tensor | None, *_: None) -> tuple[Tensor | None, ...]:
        if d_out is None:
            return (None,) * len(ctx.needs_input_grad)
        u, z, xBC, dt, y, scale, *parameters = ctx.saved_tensors
        _, _, D, in_proj, conv, _, norm, out_proj = parameters
        t, half = u.shape[1], u.dtype
        with without_autocast(u):
            silu = F.silu(z).unflatten(-1, (len(D), -1))
            gated = (silu * y.movedim(0, 2)).flatten(2)
            d_out = (d_out * scale).to(half)
            d_weight = d_out.flatten(0, 1).mT @ gated.flatten(0, 1)
            d_gated = d_out @ (out_proj * norm).to(half)
            # the norm passes nothing on along `gated`
            along = einsum("btd,btd->bt", d_gated, gated).unsqueeze(-1) * scale.square() / len(norm)
            d_gated = d_gated.addcmul_(gated, along, value=-1).view_as(silu)
            d_y = torch.mul(d_gated.movedim(2, 0), silu.movedim(2, 0), out=torch.empty_like(y))
            d_z = torch.ops.aten.silu_backward(d_gated.mul_(y.movedim(0, 2)).flatten(2), z)
            del silu, gated, d_gated

            d_convolved, raw_dt, dual = _dual_form(xBC, dt, tuple(parameters))
            d_x, d_B, d_C, d_dt, d_A, d_D = dual.backward(d_y.view_as(dual.x))
            d_dt *= raw_dt.sigmoid()
            # in place of what was convolved, with 0 at the steps after the last one
            d_convolved[:, t:] = 0
            d_values = d_x.flatten(2, 3).movedim(0, 2), d_B.flatten(1, 2), d_C.flatten(1, 2)
            values = d_convolved[:, :t].split([d_value.shape[2:].numel() for d_value in d_values], -1)
            for d_value, value in zip(d_values, values, strict=True):
                value = value.unflatten(-1, d_value.shape[2:])
                value.copy_(torch.ops.aten.silu_backward(d_value, value))
            lags = range(conv.shape[-1] - 1, -1, -1)
            pairs = ((d_convolved[:, lag : max(t, lag)], xBC[:, : max(t - lag, 0)]) for lag in lags)
            d_conv = torch.stack([(d * value).sum((0, 1)) for d, value in pairs], -1).unsqueeze(1)
            d_xBC = _convolve(d_convolved, conv.to(half).flip(-1), None, 0)

            rows = u.flatten(0, 1)
            d_pieces = [d.flatten(0, 1) for d in (d_z, d_xBC, d_dt.flatten(2).movedim(0, 2).to(half))]
            weights = in_proj.to(half).split([d.shape[1] for d in d_pieces])
            d_u = d_pieces[0] @ weights[0]
            for d, weight in zip(d_pieces[1:], weights[1:], strict=True):
                d_u.addmm_(d, weight)
            d_in_proj = torch.cat([d.mT @ rows for d in d_pieces])
            d_convs = d_conv, d_convolved.sum((0, 1))
            d_decays = d_dt.sum((1, 2, 3)), d_A * dual.A.flatten(), d_D
            d_norm, d_out_proj = (d_weight * out_proj).sum(0), d_weight * norm
            return d_u.view_as(u), None, *d_decays, d_in_proj, *d_convs, d_norm, d_out_proj
