"""Attention, graph and MambaGCN as three parallel branches of each block."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from poselift.config.card import Card
from poselift.config.sizes import ModelSize
from poselift.models.attention_graph_settings import AttentionGraphSettings
from poselift.models.mamba_gcn_settings import MambaGCNBlockSettings

if TYPE_CHECKING:
    from torch import nn

    from poselift.models.blocks import PoseLifter

CARD = Card(label="Full", colour="#009E73", marker="D", line="-.", components="𝐴 ∥ 𝐺 ∥ 𝑀")  # 𝑀: MambaGCN

MAX_BATCH_SIZE = 48  # three branches to remember


class Settings(MambaGCNBlockSettings, AttentionGraphSettings):
    """Attention, graph and MambaGCN in every block."""

    without_branch: Literal["none", "attention", "graph", "mamba_gcn"] = Field(  # type: ignore[assignment]
        "none", description="branch that every block is built without"
    )

    @model_validator(mode="before")
    @classmethod
    def _no_layers(cls, value: Any) -> Any:
        if isinstance(value, dict) and "mamba_gcn_layers" in value:
            raise ValueError(
                "mamba_gcn_layers has no meaning for 'full': each of its blocks has a MambaGCN branch"
            )
        return value


def build(size: ModelSize, n_frames: int, settings: Settings) -> "PoseLifter":
    """The model with freshly drawn weights."""
    from poselift.models.blocks import PoseLifter  # needs torch
    from poselift.models.full_block import FullBlock

    mamba_gcn = settings if settings.without_branch != "mamba_gcn" else None
    blocks: list[nn.Module] = [FullBlock(size.dim, n_frames, settings, mamba_gcn) for _ in range(size.depth)]
    return PoseLifter(size.dim, n_frames, blocks, settings.dim_rep)
