"""Full with something else over the frames in place of its SSM: is it the SSM, or what it adds in parameters?

Attention, a depthwise convolution and an MLP, which mixes no frames, are as wide as makes their parameters
those of the SSM that they replace.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from poselift.config.card import Card
from poselift.config.sizes import ModelSize
from poselift.models.architectures import full

if TYPE_CHECKING:
    from torch import nn

    from poselift.models.blocks import PoseLifter

CARD = Card(label="Full, other mixer")


class Settings(full.Settings):
    """Those of Full, and what is in place of its SSM."""

    mixer: Literal["ssm", "attention", "convolution", "mlp"] = Field(
        "ssm", description="what mixes the frames in the MambaGCN branch"
    )
    ssm_state: int = Field(32, ge=16, le=256, description="channels of the state of the SSM (mixer: ssm)")

    @model_validator(mode="after")
    def _something_is_replaced(self) -> Self:
        if self.without_branch == "mamba_gcn" or self.mamba_gcn_parts == "gcn":
            raise ValueError("mixer has no meaning without the SSM (without_branch, mamba_gcn_parts)")
        if self.mixer != "ssm" and self.ssm_state != type(self).model_fields["ssm_state"].default:
            raise ValueError(f"ssm_state has no meaning with mixer: {self.mixer}")
        return self


def build(size: ModelSize, n_frames: int, settings: Settings) -> "PoseLifter":
    """The model with freshly drawn weights."""
    from poselift.models.controls import layers  # needs torch
    from poselift.models.mamba_gcn_block import MambaGCNBlock, TemporalSSM
    from poselift.models.ssd import Mamba2

    mixers: dict[str, Callable[[int, int], nn.Module]] = {
        "attention": layers.TemporalAttention,
        "convolution": layers.TemporalConvolution,
        "mlp": layers.TokenMLP,
    }

    def other(ssm: TemporalSSM) -> "nn.Module":
        if settings.mixer != "ssm":
            make = mixers[settings.mixer]
            return layers.matched(lambda width: make(size.dim, width), layers.parameters(ssm))
        directions = {name: old for name, old in ssm.named_children() if isinstance(old, Mamba2)}
        for name, old in directions.items():
            expand, headdim = old.d_inner / size.dim, old.headdim
            new = Mamba2(size.dim, settings.ssm_state, expand=expand, headdim=headdim, backend=old.backend)
            ssm.add_module(name, new)
        return ssm

    model = full.build(size, n_frames, settings)
    for block in model.modules():
        if isinstance(block, MambaGCNBlock):
            block.add_module("ssm", other(block.ssm))
    return model
