"""The baseline with MambaGCN blocks spread evenly over its depth."""

from torch import nn

from poselift.config.models import MambaGCNSettings, ModelSize
from poselift.models.blocks import MotionAGFormerBlock, PoseLifter
from poselift.models.mamba_gcn_block import MambaGCNBlock


def positions(depth: int, layers: int) -> list[int]:
    """After which of the `depth` blocks the MambaGCN blocks come: evenly spread, one after the last block.

    Where there are more MambaGCN blocks than blocks, several follow each other.
    """
    return [-(-depth * (i + 1) // layers) for i in range(layers)]


def build(size: ModelSize, n_frames: int, settings: MambaGCNSettings) -> PoseLifter:
    """The model with freshly drawn weights; its layers are in the order in which they run."""
    after = positions(size.depth, settings.mamba_gcn_layers)
    layers: list[nn.Module] = []
    for block in range(1, size.depth + 1):
        layers.append(MotionAGFormerBlock(size.dim, n_frames, settings))
        layers += [MambaGCNBlock(size.dim, settings) for _ in range(after.count(block))]
    return PoseLifter(size.dim, n_frames, layers)
