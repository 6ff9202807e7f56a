"""The layers of the controls, all (B, T, J, C) -> (B, T, J, C)."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from poselift.models.attention import HEADS, attend

KERNEL = 31
"""Frames that the convolution sees, as Conformer's does (Gulati et al., Interspeech 2020: 32)."""


class TemporalAttention(nn.Module):
    """Multi-head self-attention among the frames of each joint, with `width` inner channels."""

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(dim, 3 * width, bias=False)
        self.proj = nn.Linear(width, dim)

    def forward(self, x: Tensor) -> Tensor:
        B, T, J, _ = x.shape
        qkv = self.qkv(x).view(B, T, J, 3, HEADS, -1).transpose(1, 4)  # (B, head, J, q k v, T, ·)
        q, k, v = qkv.flatten(1, 2).unbind(2)
        y = attend(q, k, v).unflatten(1, (HEADS, J))
        return self.proj(y.permute(0, 3, 2, 1, 4).flatten(3))


class TemporalConvolution(nn.Module):
    """Depthwise convolution over the frames of each joint between projections, the first gated, with `width`
    inner channels: Conformer's, without its norms."""

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.into = nn.Linear(dim, 2 * width)
        self.conv1d = nn.Conv1d(width, width, KERNEL, padding=KERNEL // 2, groups=width)
        self.out = nn.Linear(width, dim)

    def forward(self, x: Tensor) -> Tensor:
        y = F.glu(self.into(x)).permute(0, 2, 3, 1)  # (B, J, width, T)
        y = F.silu(self.conv1d(y.flatten(0, 1)).view_as(y))
        return self.out(y.permute(0, 3, 1, 2))


class TokenMLP(nn.Sequential):
    """Two linear layers on each token, with `width` channels in between: they mix no frames."""

    def __init__(self, dim: int, width: int) -> None:
        super().__init__(nn.Linear(dim, width), nn.GELU(), nn.Linear(width, dim))


class FramePosition(nn.Module):
    """Adds a learned vector for the place of each frame in the clip; zero at the start, as for joints."""

    def __init__(self, dim: int, n_frames: int) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(1, n_frames, 1, dim))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.pos_embed


def parameters(module: nn.Module) -> int:
    """How many numbers a module learns."""
    return sum(each.numel() for each in module.parameters())


def matched(make: Callable[[int], nn.Module], budget: int) -> nn.Module:
    """The module of that width, a multiple of the heads, by which its parameters come closest to `budget`.

    The parameters of what `make` makes have to grow linearly with its width.
    """
    one, two = (parameters(make(width)) for width in (HEADS, 2 * HEADS))
    return make(HEADS * max(1, 1 + round((budget - one) / (two - one))))
