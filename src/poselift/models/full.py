"""Attention, graph and MambaGCN as three parallel branches of each block."""

from torch import Tensor, nn

from poselift.config.models import FullSettings, ModelSize
from poselift.models.blocks import AttentionGraphBranches, PoseLifter, fuse
from poselift.models.mamba_gcn_block import MambaGCNBlock


class FullBlock(AttentionGraphBranches):
    """Three branches, fused by a share of each for each token, equal at the start; on (B, T, J, C)."""

    def __init__(self, dim: int, n_frames: int, settings: FullSettings) -> None:
        super().__init__(dim, n_frames, settings)
        self.mamba_gcn = MambaGCNBlock(dim, settings)
        self.fusion = nn.Linear(3 * dim, 3)
        nn.init.zeros_(self.fusion.weight)
        nn.init.zeros_(self.fusion.bias)

    def forward(self, x: Tensor) -> Tensor:
        return fuse([*self.branches(x), self.mamba_gcn(x)], self.fusion)


def build(size: ModelSize, n_frames: int, settings: FullSettings) -> PoseLifter:
    """The model with freshly drawn weights."""
    return PoseLifter(
        size.dim, n_frames, [FullBlock(size.dim, n_frames, settings) for _ in range(size.depth)]
    )
