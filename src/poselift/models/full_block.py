"""The block with three parallel branches: attention, graph and MambaGCN."""

from torch import Tensor

from poselift.models.attention_graph_settings import AttentionGraphSettings
from poselift.models.blocks import AttentionGraphBranches, fuse, fusion_layer
from poselift.models.mamba_gcn_block import MambaGCNBlock
from poselift.models.mamba_gcn_settings import MambaGCNBlockSettings


class FullBlock(AttentionGraphBranches):
    """Three branches, fused by a share of each per token, equal at the start; on (B, T, J, C).

    Built without MambaGCN where `mamba_gcn` is None.
    """

    def __init__(
        self,
        dim: int,
        n_frames: int,
        settings: AttentionGraphSettings,
        mamba_gcn: MambaGCNBlockSettings | None,
    ) -> None:
        super().__init__(dim, n_frames, settings)
        self.mamba_gcn = MambaGCNBlock(dim, mamba_gcn) if mamba_gcn else None
        n_branches = self.attention + self.graph + (self.mamba_gcn is not None)
        self.fusion = fusion_layer(dim, n_branches, bias=0.0)

    def forward(self, x: Tensor) -> Tensor:
        branches = self.branches(x)
        if self.mamba_gcn is not None:
            branches.append(self.mamba_gcn(x))
        return fuse(branches, self.fusion)
