"""MambaGCN with all its MambaGCN blocks before or after the others: does it matter where they are?"""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from poselift.config.card import Card
from poselift.config.sizes import ModelSize
from poselift.models.architectures import mamba_gcn

if TYPE_CHECKING:
    from poselift.models.blocks import PoseLifter

CARD = Card(label="MambaGCN, other places")


class Settings(mamba_gcn.Settings):
    """Those of MambaGCN, and where its blocks are."""

    placement: Literal["first", "last"] = Field(
        "first", description="place of the MambaGCN blocks among all blocks"
    )


def build(size: ModelSize, n_frames: int, settings: Settings) -> "PoseLifter":
    """The model with freshly drawn weights; its layers are in the order in which they run."""
    from torch import nn  # needs torch

    from poselift.models.mamba_gcn_block import MambaGCNBlock

    model = mamba_gcn.build(size, n_frames, settings)
    last = settings.placement == "last"
    model.layers = nn.ModuleList(
        sorted(model.layers, key=lambda layer: isinstance(layer, MambaGCNBlock) == last)
    )
    return model
