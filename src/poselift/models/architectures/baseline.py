"""MotionAGFormer (Mehraban, Adeli, Taati; WACV 2024), the baseline."""

from typing import TYPE_CHECKING

from poselift.config.card import Card
from poselift.config.sizes import ModelSize
from poselift.models.attention_graph_settings import AttentionGraphSettings

if TYPE_CHECKING:
    from torch import nn

    from poselift.models.blocks import PoseLifter

CARD = Card(label="Baseline", colour="#0072B2", marker="o", line="-", components="𝐴 ∥ 𝐺")  # attention, graph


class Settings(AttentionGraphSettings):
    """MotionAGFormer. The defaults are the published model; the switches are for ablations."""


def build(size: ModelSize, n_frames: int, settings: Settings) -> "PoseLifter":
    """MotionAGFormer with freshly drawn weights; parameters have the published names."""
    from poselift.models.blocks import MotionAGFormerBlock, PoseLifter  # needs torch

    blocks: list[nn.Module] = [MotionAGFormerBlock(size.dim, n_frames, settings) for _ in range(size.depth)]
    return PoseLifter(size.dim, n_frames, blocks, settings.dim_rep)
