"""The baseline with MambaGCN blocks spread evenly over its depth."""

from typing import TYPE_CHECKING

from pydantic import Field

from poselift.config.card import Card
from poselift.config.sizes import ModelSize
from poselift.models.attention_graph_settings import AttentionGraphSettings
from poselift.models.mamba_gcn_settings import MambaGCNBlockSettings

if TYPE_CHECKING:
    from torch import nn

    from poselift.models.blocks import PoseLifter

CARD = Card(label="MambaGCN", colour="#D55E00", marker="s", line="--", components="(𝐴 ∥ 𝐺) → 𝑀")


class Settings(MambaGCNBlockSettings, AttentionGraphSettings):
    """The baseline with MambaGCN blocks spread over its depth."""

    mamba_gcn_layers: int = Field(
        4, ge=1, description="number of MambaGCN blocks", json_schema_extra={"meant": [2, 6]}
    )


def positions(depth: int, layers: int) -> list[int]:
    """After which of the `depth` blocks the MambaGCN blocks come: evenly spread, one after the last block.

    Where there are more MambaGCN blocks than blocks, several follow each other.
    """
    return [-(-depth * (i + 1) // layers) for i in range(layers)]


def build(size: ModelSize, n_frames: int, settings: Settings) -> "PoseLifter":
    """The model with freshly drawn weights; its layers are in the order in which they run."""
    from poselift.models.blocks import MotionAGFormerBlock, PoseLifter  # needs torch
    from poselift.models.mamba_gcn_block import MambaGCNBlock

    after = positions(size.depth, settings.mamba_gcn_layers)
    layers: list[nn.Module] = []
    for block in range(1, size.depth + 1):
        layers.append(MotionAGFormerBlock(size.dim, n_frames, settings))
        layers += [MambaGCNBlock(size.dim, settings) for _ in range(after.count(block))]
    return PoseLifter(size.dim, n_frames, layers, settings.dim_rep)
