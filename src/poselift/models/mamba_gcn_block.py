"""The MambaGCN block: a state space model over frames beside a graph convolution over joints."""

import torch
from torch import Tensor, nn

from poselift import skeleton
from poselift.models.blocks import LAYER_SCALE, MLP, EndsInMLP
from poselift.models.graph import normalise
from poselift.models.mamba_gcn_settings import MambaGCNBlockSettings
from poselift.models.ssd import Mamba2

HEADS = 8
"""Heads of the SSM at any width, as in attention: each has a time scale of its own to remember at. Those
of `mamba_ssm` need a multiple of eight."""


class TemporalSSM(nn.Module):
    """Mamba-2 along the frames of each joint, the mean of both directions; (B, T, J, C) -> (B, T, J, C)."""

    def __init__(self, dim: int, settings: MambaGCNBlockSettings) -> None:
        super().__init__()
        inner = settings.mamba_gcn_dim

        def layer() -> Mamba2:
            return Mamba2(dim, expand=inner / dim, headdim=inner // HEADS, backend=settings.ssm_backend)

        self.forwards = layer()
        self.backwards = layer() if settings.ssm_directions == "both" else None

    def forward(self, x: Tensor) -> Tensor:
        B, T, J, C = x.shape
        x = x.transpose(1, 2).reshape(B * J, T, C)
        y = self.forwards(x)
        if self.backwards is not None:
            y = (y + self.backwards(x, reverse=True)) / 2
        return y.view(B, J, T, C).transpose(1, 2)


class SkeletonGraph(nn.Module):
    """Graph convolution over the joints of each frame, (B, T, J, C) -> (B, T, J, C).

    Kipf and Welling 2017, eq. 2, with the skeleton's symmetric edges and self loops; to their normalised
    adjacency a learnable one is added, 0 at the start.
    """

    adjacency: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(dim, dim)
        adjacency = torch.tensor(skeleton.adjacency()) + torch.eye(skeleton.N_JOINTS)
        self.register_buffer("adjacency", adjacency, persistent=False)
        self.residual = nn.Parameter(torch.zeros(skeleton.N_JOINTS, skeleton.N_JOINTS))

    def forward(self, x: Tensor) -> Tensor:
        return (normalise(self.adjacency) + self.residual) @ self.linear(x)


class MambaGCNBlock(EndsInMLP):
    """(B, T, J, C) -> (B, T, J, C); the identity at the start, up to the layer scale.

    h = LN(x); x = x + ls1 (a SSM(h) + (1 - a) GCN(h)), a = sigmoid(theta), per channel;
    x = x + ls2 MLP(LN(x)).
    An ablation may keep the SSM or the graph alone (`mamba_gcn_parts`) or keep a fixed (`mamba_gcn_fusion`).
    """

    theta: Tensor

    def __init__(self, dim: int, settings: MambaGCNBlockSettings) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.parts = settings.mamba_gcn_parts
        if self.parts != "gcn":
            self.ssm = TemporalSSM(dim, settings)
        if self.parts != "ssm":
            self.gcn = nn.Sequential(SkeletonGraph(dim), nn.Dropout(settings.gcn_dropout))
        if self.parts == "ssm+gcn":
            theta = torch.full((dim,), settings.fusion_alpha).logit()
            if settings.mamba_gcn_fusion == "learned":
                self.theta = nn.Parameter(theta)
            else:
                self.register_buffer("theta", theta)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = MLP(dim)
        self.layer_scale_1 = nn.Parameter(torch.full((dim,), LAYER_SCALE))
        self.layer_scale_2 = nn.Parameter(torch.full((dim,), LAYER_SCALE))

    def mix(self, h: Tensor) -> Tensor:
        """The SSM and the graph convolution of normalised tokens, fused; (B, T, J, C) -> (B, T, J, C)."""
        if self.parts == "ssm":
            return self.ssm(h)
        if self.parts == "gcn":
            return self.gcn(h)
        share = self.theta.sigmoid()
        return share * self.ssm(h) + (1 - share) * self.gcn(h)

    def forward(self, x: Tensor) -> Tensor:
        return self.transform(torch.addcmul(x, self.layer_scale_1, self.mix(self.norm1(x))))
