"""The Mamba-2 layer: a selective state space model with one decay per head.

Dao and Gu, "Transformers are SSMs" (ICML 2024). Plain torch computes it in its dual form (`dual_form`). Where
`mamba_ssm` is installed and the tensors are on CUDA, its fused kernels can take over. Parameters are those of
`mamba_ssm.Mamba2`: weights load both ways.
"""

import functools
import importlib
import logging
import math
from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from poselift.errors import PoseliftError
from poselift.models.dual_form import DualFormLayer, chunk_length
from poselift.models.precision import at_least_single, like_products

log = logging.getLogger(__name__)

Backend = Literal["auto", "mamba_ssm", "torch"]

FUSED_MODULE = "mamba_ssm.ops.triton.ssd_combined"

A_RANGE = (1.0, 16.0)
DT_RANGE = (1e-3, 1e-1)
DT_FLOOR = 1e-4
EPS = 1e-5


@functools.cache
def _fused_kernel(backend: Backend) -> Callable[..., Tensor] | None:
    """The fused kernel of `mamba_ssm` if `backend` wants and the machine has it; says once which one runs."""
    if backend == "torch":
        log.info("SSD layer: torch, as asked for")
        return None
    try:
        if not torch.cuda.is_available():
            raise ImportError("no CUDA device")
        kernel: Callable[..., Tensor] = importlib.import_module(FUSED_MODULE).mamba_chunk_scan_combined
    except Exception as error:  # an extension that was built for another torch or CUDA fails in many ways
        reason = f"mamba_ssm cannot be used here: {' '.join(str(error).split())}"
        if backend == "mamba_ssm":
            raise PoseliftError(f"ssm_backend: {reason}; choose auto or torch") from None
        log.info("SSD layer: torch (%s)", reason)
        return None
    log.info("SSD layer: mamba_ssm")
    return kernel


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
        self._kernel = _fused_kernel(backend)
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

    @property
    def backend_used(self) -> Literal["mamba_ssm", "torch"]:
        """The implementation that runs where the weights are now."""
        return "mamba_ssm" if self._kernel and self.A_log.is_cuda else "torch"

    def forward(self, u: Tensor) -> Tensor:
        if self._kernel and u.is_cuda:
            # What lies between the projections is cheap to compute but several times as large as they are: it
            # is not kept for the backward pass but computed again.
            mix = functools.partial(checkpoint, self._mix, use_reentrant=False, preserve_rng_state=False)
            return self.out_proj((mix if torch.is_grad_enabled() else self._mix)(self.in_proj(u)))
        if self.backend == "mamba_ssm":
            raise PoseliftError(
                f"ssm_backend mamba_ssm: expected tensors on CUDA, found {u.device}; choose auto or torch"
            )
        length = u.shape[1]
        padding = -length % chunk_length(length)  # at the end, of no effect on earlier steps
        u = F.pad(u, (0, 0, 0, padding)) if padding else u
        return DualFormLayer.apply(like_products(u), EPS, *self.parameters())[0][:, :length]

    def _mix(self, projected: Tensor) -> Tensor:
        """From the input's projection to the output's, by a fused kernel; (b, t, ...) -> (b, t, d_inner)."""
        assert self._kernel
        conv_dim = self.conv1d.in_channels
        z, xBC, dt = projected.split([self.d_inner, conv_dim, len(self.A_log)], dim=-1)
        xBC = F.silu(self.conv1d(xBC.mT)[..., : projected.shape[1]].mT)
        x, B, C = xBC.split([self.d_inner, self.d_state, self.d_state], dim=-1)
        x, B, C = x.unflatten(-1, (-1, self.headdim)), B.unsqueeze(2), C.unsqueeze(2)  # heads; one group
        A = -at_least_single(self.A_log).exp()
        y = self._kernel(x, dt, A, B, C, chunk_size=64, D=self.D, dt_bias=self.dt_bias, dt_softplus=True)
        return self.norm(y.flatten(2) * F.silu(z))
