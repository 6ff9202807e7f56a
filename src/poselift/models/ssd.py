"""The Mamba-2 layer: a selective state space model with one decay per head.

Dao and Gu, "Transformers are SSMs" (ICML 2024). Plain torch computes it in its dual form (`dual_form`). On
CUDA the fused kernels of `ssd_triton` take over, or those of `mamba_ssm` if they are asked for. Parameters
are those of `mamba_ssm.Mamba2`: weights load both ways.
"""

import math
from functools import partial
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from poselift.errors import PoseliftError
from poselift.models.dual_form import DualFormLayer, chunk_length
from poselift.models.kernel_choice import Choice, Implementation, interpreted
from poselift.models.precision import at_least_single, of_products
from poselift.models.ssd_backends import Backend, choose

A_RANGE = (1.0, 16.0)
DT_RANGE = (1e-3, 1e-1)
DT_FLOOR = 1e-4
EPS = 1e-5


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
        # padded at both ends: causal without the last steps
        self.conv1d = nn.Conv1d(conv_dim, conv_dim, d_conv, groups=conv_dim, padding=d_conv - 1)

        # softplus(dt_bias) is log-uniform in DT_RANGE
        low, high = map(math.log, DT_RANGE)
        dt = torch.exp(torch.rand(heads) * (high - low) + low).clamp(min=DT_FLOOR)
        self.dt_bias = nn.Parameter(dt + torch.log(-torch.expm1(-dt)))
        self.A_log = nn.Parameter(torch.empty(heads).uniform_(*A_RANGE).log())
        self.D = nn.Parameter(torch.ones(heads))
        # the mark of mamba_ssm, which optimisers look for
        for decay in (self.dt_bias, self.A_log, self.D):
            decay._no_weight_decay = True  # type: ignore[attr-defined]

        self.norm = nn.RMSNorm(self.d_inner, eps=EPS)
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
        if used == "triton":
            return self.out_proj(self._fused_mix(self.in_proj(u), reverse))
        if reverse:
            return self.forward(u.flip(1)).flip(1)
        if used == "mamba_ssm":
            # What lies between the projections is cheap to compute but several times as large as they are: it
            # is not kept for the backward pass but computed again.
            mix = partial(checkpoint, self._mix, use_reentrant=False, preserve_rng_state=False)
            return self.out_proj((mix if torch.is_grad_enabled() else self._mix)(self.in_proj(u)))
        length = u.shape[1]
        padding = -length % chunk_length(length)  # at the end, of no effect on earlier steps
        u = F.pad(u, (0, 0, 0, padding)) if padding else u
        return DualFormLayer.apply(u.to(of_products(u)), EPS, *self.parameters())[0][:, :length]

    def _fused_mix(self, projected: Tensor, reverse: bool) -> Tensor:
        """From the input's projection to the output's, (b, t, ...) -> (b, t, d_inner): one operator, which
        reads in either direction and keeps its input alone."""
        assert self.choice.kernel is not None
        conv = self.conv1d
        parameters = (conv.weight, conv.bias, self.dt_bias, self.A_log, self.D, self.norm.weight)
        return self.choice.kernel(projected, *parameters, EPS, reverse)

    def _mix(self, projected: Tensor) -> Tensor:
        """The same by the scan of `mamba_ssm`, and the rest in torch."""
        assert self.choice.kernel is not None
        conv_dim = self.conv1d.in_channels
        z, xBC, dt = projected.split([self.d_inner, conv_dim, len(self.A_log)], dim=-1)
        xBC = F.silu(self.conv1d(xBC.mT)[..., : projected.shape[1]].mT)
        x, B, C = xBC.split([self.d_inner, self.d_state, self.d_state], dim=-1)
        x, B, C = x.unflatten(-1, (-1, self.headdim)), B.unsqueeze(2), C.unsqueeze(2)  # heads; one group
        A = -at_least_single(self.A_log).exp()
        y = self.choice.kernel(
            x, dt, A, B, C, chunk_size=64, D=self.D, dt_bias=self.dt_bias, dt_softplus=True
        )
        return self.norm(y.flatten(2) * F.silu(z))
