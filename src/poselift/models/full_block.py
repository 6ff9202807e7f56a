"""The block with three parallel branches: attention, graph and MambaGCN."""

from torch import Tensor

from poselift.models.architectures.full import Settings
from poselift.models.blocks import AttentionGraphBranches, fuse, fusion_layer
from poselift.models.mamba_gcn_block import MambaGCNBlock


class FullBlock(AttentionGraphBranches):
    """Three branches, fused by a share of each per token, equal at the start; on (B, T, J, C)."""

    def __init__(self, dim: int, n_frames: int, settings: Settings) -> None:
        super().__init__(dim, n_frames, settings)
        self.mamba_gcn = MambaGCNBlock(dim, settings) if settings.without_branch != "mamba_gcn" else None
        n_branches = self.attention + self.graph + (self.mamba_gcn is not None)
        self.fusion = fusion_layer(dim, n_branches, bias=0.0)

    def forward(self, x: Tensor) -> Tensor:
        branches = self.branches(x)
        if self.mamba_gcn is not None:
            branches.append(self.mamba_gcn(x))
        return fuse(branches, self.fusion)
