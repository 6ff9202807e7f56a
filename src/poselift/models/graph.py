"""The graph convolutions of MotionAGFormer, over the joints of a frame and over the frames of a joint."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from poselift import skeleton
from poselift.models.precision import at_least_single, without_autocast

NEIGHBOURS = 2
"""How many of the most similar frames each frame is linked to (itself, mostly, among them)."""

UNPUBLISHED_EDGES = ((0, 4), (8, 11), (8, 14))
"""Directed edges that the published adjacency lacks, though it has their counterparts."""


def spatial_adjacency(kind: Literal["published", "symmetric"]) -> Tensor:
    """The 0/1 adjacency of joints, (J, J), no self loops: the published 29 directed edges, or all 32."""
    adjacency = torch.tensor(skeleton.adjacency())
    if kind == "published":
        for row, column in UNPUBLISHED_EDGES:
            adjacency[row, column] = 0
    return adjacency


def chain_adjacency(n_frames: int) -> Tensor:
    """The 0/1 adjacency of frames that are neighbours in time, (T, T), without self loops."""
    step = torch.ones(n_frames - 1)
    return torch.diag(step, 1) + torch.diag(step, -1)


def normalise(adjacency: Tensor) -> Tensor:
    """D^-1/2 A D^-1/2 with D the row sums, (..., N, N) -> (..., N, N)."""
    scale = adjacency.sum(-1).rsqrt()
    return scale.unsqueeze(-1) * adjacency * scale.unsqueeze(-2)


class GraphConvolution(nn.Module):
    """relu(x + BN(Â V(x) + U(x))), with batch norm over the nodes; Mehraban et al. 2024, section 3.3."""

    def __init__(self, dim: int, n_nodes: int) -> None:
        super().__init__()
        self.U = nn.Linear(dim, dim)
        self.V = nn.Linear(dim, dim)
        for linear in (self.U, self.V):
            nn.init.normal_(linear.weight, std=math.sqrt(2 / dim))
        self.batch_norm = nn.BatchNorm1d(n_nodes)

    def aggregate(self, x: Tensor, values: Tensor) -> Tensor:
        """Â `values`, where the graph may depend on `x`; all (batch, node, C)."""
        raise NotImplementedError

    def convolve(self, x: Tensor) -> Tensor:
        """The convolution on (batch, node, C)."""
        return F.relu(x + self.batch_norm(self.aggregate(x, self.V(x)) + self.U(x)))


class SpatialGraph(GraphConvolution):
    """Graph convolution over the joints of each frame, (B, T, J, C) -> (B, T, J, C)."""

    adjacency: Tensor

    def __init__(self, dim: int, kind: Literal["published", "symmetric"] = "published") -> None:
        super().__init__(dim, skeleton.N_JOINTS)
        self.register_buffer("adjacency", spatial_adjacency(kind), persistent=False)

    def aggregate(self, x: Tensor, values: Tensor) -> Tensor:
        return normalise(self.adjacency) @ values

    def forward(self, x: Tensor) -> Tensor:
        return self.convolve(x.flatten(0, 1)).view_as(x)


class TemporalGraph(GraphConvolution):
    """Graph convolution over the frames of each joint, (B, T, J, C) -> (B, T, J, C).

    A frame is linked to the `NEIGHBOURS` frames whose features are the most similar to its own (to more where
    several tie), or, as a chain, to the frames before and after it.
    """

    adjacency: Tensor

    def __init__(self, dim: int, n_frames: int, kind: Literal["similarity", "chain"] = "similarity") -> None:
        super().__init__(dim, n_frames)
        self.by_similarity = kind == "similarity"
        if not self.by_similarity:
            self.register_buffer("adjacency", chain_adjacency(n_frames), persistent=False)

    def aggregate(self, x: Tensor, values: Tensor) -> Tensor:
        if not self.by_similarity:
            return normalise(self.adjacency) @ values
        links = self.links(x)
        # D^-1/2 A D^-1/2 values, scaling the values rather than the larger matrix
        scale = links.sum(-1, keepdim=True).to(values.dtype).rsqrt()
        return scale * (links.to(values.dtype) @ (scale * values))

    @torch.no_grad()
    def links(self, x: Tensor) -> Tensor:
        """Which frames each frame is linked to: (batch, T, C) -> bool (batch, T, T)."""
        # Half precision would make ties, hence edges, of what is only close.
        with without_autocast(x):
            x = at_least_single(x)
            similarity = x @ x.mT
        threshold = similarity.topk(NEIGHBOURS, dim=-1).values[..., -1:]
        return similarity >= threshold

    def forward(self, x: Tensor) -> Tensor:
        B, T, J, C = x.shape
        x = x.transpose(1, 2).reshape(B * J, T, C)
        return self.convolve(x).view(B, J, T, C).transpose(1, 2)
