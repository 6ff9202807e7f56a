"""Multi-head self-attention over the joints of a frame or over the frames of a joint."""

import math

import torch.nn.functional as F
from torch import Tensor, nn

HEADS = 8


def attend(q: Tensor, k: Tensor, v: Tensor, matrix_up_to: int = 0) -> Tensor:
    """softmax(q kᵀ / √c) v, each (..., n, c); on a CPU by way of the n x n matrix for n up to a bound."""
    if q.is_cpu and q.shape[-2] <= matrix_up_to:
        return (q @ k.mT / math.sqrt(q.shape[-1])).softmax(dim=-1) @ v
    padded = q.shape[-1] % 4 and q.is_cuda
    return attend_padded(q, k, v) if padded else F.scaled_dot_product_attention(q, k, v)


def attend_padded(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """`attend` with heads of four, eight, ... channels, more being zeros: in float32 the kernel of a GPU that
    writes no n x n matrix takes no others."""
    width = q.shape[-1]
    q, k, v = (F.pad(each, (0, -width % 4)) for each in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, scale=1 / math.sqrt(width))[..., :width]


class Attention(nn.Module):
    """The parameters of multi-head self-attention; Vaswani et al. 2017, section 3.2."""

    matrix_up_to = 32  # so few take a CPU less time with the matrix of all pairs than by a kernel without

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.proj = nn.Linear(dim, dim)


class SpatialAttention(Attention):
    """Attention among the joints of each frame, (B, T, J, C) -> (B, T, J, C)."""

    def forward(self, x: Tensor) -> Tensor:
        B, T, J, C = x.shape
        q, k, v = self.qkv(x).view(B * T, J, 3, HEADS, -1).transpose(1, 3).unbind(2)  # (B T, head, J, ·)
        y = attend(q, k, v, self.matrix_up_to)
        return self.proj(y.transpose(1, 2).reshape(B, T, J, C))


class TemporalAttention(Attention):
    """Attention among the frames of each joint, (B, T, J, C) -> (B, T, J, C)."""

    def forward(self, x: Tensor) -> Tensor:
        B, T, J, C = x.shape
        # The projection's rows are put in the order (head, q k v) instead of (q k v, head): then joints and
        # heads lie side by side in memory and are one axis of J * HEADS heads, without a copy of the tokens.
        weight = self.qkv.weight.view(3, HEADS, -1, C).transpose(0, 1).reshape(3 * C, C)
        q, k, v = F.linear(x, weight).view(B, T, J * HEADS, 3, C // HEADS).transpose(1, 2).unbind(3)
        y = attend(q, k, v, self.matrix_up_to)
        return self.proj(y.transpose(1, 2).reshape(B, T, J, C))
