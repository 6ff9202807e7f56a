"""The Mamba-2 layer: a selective state space model with one decay per head, in its dual form.

Dao and Gu, "Transformers are SSMs" (ICML 2024). Within a chunk of the sequence the model is a masked product
of matrices, like attention, and only the states at the ends of chunks follow one another (section 6): fast on
CPU and GPU, deterministic, no compiled extension. On CUDA the fused kernels of `ssd_triton` take over, or
those of `mamba_ssm` if they are asked for. Parameters are those of `mamba_ssm.Mamba2`: weights load both
ways.

Letters in shapes are the paper's: b sequences, h heads, p channels per head, n channels of state; c chunks
of l steps (s, where two steps of a chunk meet); t steps in all.
"""

import math
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from poselift.errors import PoseliftError
from poselift.models.precision import at_least_single, without_autocast
from poselift.models.ssd_backends import Backend, Choice, Implementation, choose, interpreted

CHUNK = 64
"""Longest chunk. Work within chunks grows with it, work between them shrinks; near the optimum on CPU."""

A_RANGE = (1.0, 16.0)
DT_RANGE = (1e-3, 1e-1)
DT_FLOOR = 1e-4


def ssd(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, chunk: int = CHUNK) -> Tensor:
    """The state space model h_t = exp(dt_t A) h_{t-1} + dt_t B_t x_t^T, y_t = C_t h_t, from h = 0.

    x (b, t, h, p); dt > 0 (b, t, h); A < 0 (h,); B and C (b, t, n), shared by the heads. Returns y like x.

    The einsums in the comments are those of the paper's listing 1, with x for dt x; the products are the
    same, in an order in which nothing is copied to bring the heads to the front.
    """
    _, length, heads, channels = x.shape
    n_chunks = math.ceil(length / chunk)
    steps = math.ceil(length / n_chunks)
    # Steps with dt = 0 at the end neither decay the state nor add to it.
    padding = (0, 0, 0, n_chunks * steps - length)
    x, dt, B, C = (F.pad(t, padding).unflatten(1, (n_chunks, steps)) for t in (x.flatten(2), dt, B, C))

    def per_head(factor: Tensor, value: Tensor) -> Tensor:
        """`factor` (..., h) times `value` (..., h p)."""
        return (factor.unsqueeze(-1) * value.unflatten(-1, (heads, channels))).flatten(-2)

    x = per_head(dt, x)  # (b, c, l, h p)

    log_decay = _cumulative(dt * A)  # of the state since the chunk's start, (b, c, l, h)
    total = log_decay[:, :, -1:]

    # Within chunks, einsum("bcln,bcsn,bhcls,bcshp->bclhp", C, B, decay, x), decay from step s to l >= s
    by_head = log_decay.movedim(-1, 2)  # (b, c, h, l)
    future = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
    decay = (by_head.unsqueeze(-1) - by_head.unsqueeze(-2)).masked_fill(future, -torch.inf).exp()
    scores = (C @ B.mT).unsqueeze(2) * decay  # (b, c, h, l, s)
    y = (scores @ x.unflatten(-1, (heads, channels)).transpose(2, 3)).transpose(2, 3).flatten(-2)

    if n_chunks > 1:
        # What each chunk adds to the state at its end, einsum("bcln,bhcl,bclhp->bchpn", B, decay to it, x),
        # as (b, c, n, h p); and the states at the chunks' starts, one after the other
        added = B.mT @ per_head((total - log_decay).exp(), x)
        state = torch.zeros_like(added[:, 0])
        starts = [state]
        for k in range(n_chunks - 1):
            state = per_head(total[:, k].exp(), state) + added[:, k]
            starts.append(state)
        # Between chunks, einsum("bcln,bchpn,bhcl->bclhp", C, starts, decay from the start)
        y = y + per_head(log_decay.exp(), C @ torch.stack(starts, dim=1))
    return y.flatten(1, 2)[:, :length].unflatten(-1, (heads, channels))


def _cumulative(x: Tensor) -> Tensor:
    """Cumulative sum over the last but one axis, in full precision: half of it is far off after many steps.

    As a product, since `torch.cumsum` on CUDA is refused by `torch.use_deterministic_algorithms`.
    """
    with without_autocast(x):
        return torch.ones(x.shape[-2], x.shape[-2], dtype=x.dtype, device=x.device).tril() @ x


class GatedRMSNorm(nn.Module):
    """RMSNorm(y * SiLU(z)) over the last axis."""

    def __init__(self, dim: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, y: Tensor, z: Tensor) -> Tensor:
        return F.rms_norm(y * F.silu(z), self.weight.shape, self.weight, self.eps)


class CausalConv(nn.Conv1d):
    """Depthwise convolution over the last steps, (b, t, channel), without moving the channels first."""

    bias: nn.Parameter

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(channels, channels, width, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        length = x.shape[1]
        taps = self.weight.squeeze(1).unbind(-1)  # the last one is for the current step
        x = F.pad(x, (0, 0, len(taps) - 1, 0))
        y: Tensor = self.bias
        for step, tap in enumerate(taps):
            y = torch.addcmul(y, x[:, step : step + length], tap)
        return y


class Mamba2(nn.Module):
    """The Mamba-2 layer with one group, (b, t, d_model) -> (b, t, d_model); causal in t.

    The defaults are for sequences of a few hundred steps: a state of 32 channels, not the 128 by which
    language models remember thousands of tokens, and heads of 32 channels, since each head has one time scale
    to remember at. A head's state is then square: neither side limits its rank before the other does.
    """

    def __init__(
        self,
        d_model: int,
        d_state: int = 32,
        d_conv: int = 4,
        expand: float = 2,
        headdim: int = 32,
        backend: Backend = "auto",
    ) -> None:
        super().__init__()
        self.d_inner = round(expand * d_model)
        if not math.isclose(self.d_inner, expand * d_model) or self.d_inner % headdim:
            raise PoseliftError(
                f"SSD layer: expected an inner width (expand x d_model) divisible by headdim {headdim}, "
                f"found {expand:g} x {d_model}"
            )
        self.d_state = d_state
        self.headdim = headdim
        self.backend = backend
        heads = self.d_inner // headdim
        conv_dim = self.d_inner + 2 * d_state

        self.in_proj = nn.Linear(d_model, self.d_inner + conv_dim + heads, bias=False)  # z, x, B, C, dt
        self.conv1d = CausalConv(conv_dim, d_conv)

        # softplus(dt_bias) is log-uniform in DT_RANGE
        low, high = map(math.log, DT_RANGE)
        dt = torch.exp(torch.rand(heads) * (high - low) + low).clamp(min=DT_FLOOR)
        self.dt_bias = nn.Parameter(dt + torch.log(-torch.expm1(-dt)))
        self.A_log = nn.Parameter(torch.empty(heads).uniform_(*A_RANGE).log())
        self.D = nn.Parameter(torch.ones(heads))
        # the mark of mamba_ssm, which optimisers look for
        for decay in (self.dt_bias, self.A_log, self.D):
            decay._no_weight_decay = True  # type: ignore[attr-defined]

        self.norm = GatedRMSNorm(self.d_inner)
        self.out_proj = nn.Linear(self.d_inner, d_model, bias=False)
        self.choice = self._choice()

    def _choice(self) -> Choice:
        """What runs where the weights are."""
        device = self.A_log.device
        if device.type != "cuda" and not interpreted():
            return Choice("torch", reason=f"on {device.type}")
        if self.A_log.dtype == torch.float64:
            return Choice("torch", reason="in double precision")
        deterministic = torch.are_deterministic_algorithms_enabled()
        d_conv = self.conv1d.kernel_size[0]
        return choose(Mamba2, self.backend, self.headdim, self.d_state, d_conv, device, deterministic)

    def _apply(self, *args: Any, **kwargs: Any) -> Self:
        # through here goes whatever moves weights: before the model is compiled, and not in every step
        super()._apply(*args, **kwargs)
        self.choice = self._choice()
        return self

    @property
    def backend_used(self) -> Implementation:
        """The implementation that runs; raises `PoseliftError` if another was asked for."""
        if self.backend in ("auto", self.choice.name):
            return self.choice.name
        raise PoseliftError(
            f"ssm_backend {self.backend}: expected a model on a GPU, found one {self.choice.reason}; "
            "choose auto or torch"
        )

    def forward(self, u: Tensor, reverse: bool = False) -> Tensor:
        """With `reverse` the sequences are read from their ends, so that it is causal in that direction."""
        used = self.backend_used
        if reverse and used != "triton":
            return self.forward(u.flip(1)).flip(1)
        projected = self.in_proj(u)
        if used == "triton":
            y = self._fused_mix(projected, reverse)
        elif torch.is_grad_enabled():
            # What lies between the projections is cheap to compute but six times as large as they are: it is
            # not kept for the backward pass but computed again.
            y = checkpoint(self._mix, projected, use_reentrant=False, preserve_rng_state=False)
        else:
            y = self._mix(projected)
        return self.out_proj(y)

    def _fused_mix(self, projected: Tensor, reverse: bool) -> Tensor:
        """`_mix` by one operator, which reads in either direction and keeps its input alone."""
        assert self.choice.kernel is not None
        conv, norm = self.conv1d, self.norm
        parameters = (conv.weight, conv.bias, self.dt_bias, self.A_log, self.D, norm.weight)
        return self.choice.kernel(projected, *parameters, norm.eps, reverse)

    def _mix(self, projected: Tensor) -> Tensor:
        """From the input's projection to the output's, (b, t, ...) -> (b, t, d_inner)."""
        conv_dim = self.conv1d.in_channels
        z, xBC, dt = projected.split([self.d_inner, conv_dim, len(self.A_log)], dim=-1)
        xBC = F.silu(self.conv1d(xBC))
        x, B, C = xBC.split([self.d_inner, self.d_state, self.d_state], dim=-1)
        x = x.unflatten(-1, (-1, self.headdim))  # (b, t, h, p)
        y = self._scan(x, dt, B, C).flatten(2)
        return self.norm(y, z)

    def _scan(self, x: Tensor, dt: Tensor, B: Tensor, C: Tensor) -> Tensor:
        A = -at_least_single(self.A_log).exp()
        if self.choice.name == "mamba_ssm" and self.choice.kernel and x.is_cuda:
            B, C = B.unsqueeze(2), C.unsqueeze(2)  # one group
            return self.choice.kernel(
                x, dt, A, B, C, chunk_size=CHUNK, D=self.D, dt_bias=self.dt_bias, dt_softplus=True
            )
        dt = F.softplus(at_least_single(dt) + self.dt_bias)
        return ssd(x, dt, A, B, C) + self.D.unsqueeze(-1) * x
