"""Attention, graph and MambaGCN as three parallel branches of each block."""

from torch import Tensor

from poselift.config.models import FullSettings, ModelSize
from poselift.models.blocks import AttentionGraphBranches, PoseLifter, fuse, fusion_layer
from poselift.models.mamba_gcn_block import MambaGCNBlock


class FullBlock(AttentionGraphBranches):
    """Three branches, fused by a share of each for each token, equal at the start; on (B, T, J, C)."""

    def __init__(self, dim: int, n_frames: int, settings: FullSettings) -> None:
        super().__init__(dim, n_frames, settings)
        if settings.without_branch != "mamba_gcn":
            self.mamba_gcn = MambaGCNBlock(dim, settings)
            self.paths.append(("mamba_gcn",))
        self.fusion = fusion_layer(dim, len(self.paths), bias=0.0)

    def forward(self, x: Tensor) -> Tensor:
        return fuse(self.branches(x), self.fusion)


def build(size: ModelSize, n_frames: int, settings: FullSettings) -> PoseLifter:
    """The model with freshly drawn weights."""
    return PoseLifter(
        size.dim, n_frames, [FullBlock(size.dim, n_frames, settings) for _ in range(size.depth)]
    )
