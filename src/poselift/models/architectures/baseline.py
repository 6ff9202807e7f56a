"""MotionAGFormer (Mehraban, Adeli, Taati; WACV 2024), the baseline."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from poselift.config.card import Card
from poselift.config.sections import Section
from poselift.config.sizes import ModelSize

if TYPE_CHECKING:
    from torch import nn

    from poselift.models.blocks import PoseLifter

CARD = Card(label="Baseline", colour="#0072B2", marker="o", line="-", components="𝐴 ∥ 𝐺")  # attention, graph


class Settings(Section):
    """MotionAGFormer. The defaults are the published model; the switches are for ablations."""

    spatial_graph: Literal["published", "symmetric"] = Field(
        "published", description="the published 29 directed edges between joints, or all 32 of the skeleton"
    )
    temporal_graph: Literal["similarity", "chain"] = Field(
        "similarity",
        description="each frame linked to its most similar ones, or to its two neighbours in time",
    )
    without_branch: Literal["none", "attention", "graph"] = Field(
        "none", description="branch that blocks lack"
    )


def build(size: ModelSize, n_frames: int, settings: Settings) -> "PoseLifter":
    """MotionAGFormer with freshly drawn weights; parameters have the published names."""
    from poselift.models.blocks import MotionAGFormerBlock, PoseLifter  # needs torch

    blocks: list[nn.Module] = [MotionAGFormerBlock(size.dim, n_frames, settings) for _ in range(size.depth)]
    return PoseLifter(size.dim, n_frames, blocks)
