"""The architectures with their hyper-parameters, and the sizes they come in."""

from typing import Literal

from pydantic import Field

from poselift.config.sections import Section, suggest
from poselift.errors import PoseliftError


class ModelSize(Section):
    """How deep and how wide a model is."""

    depth: int = Field(ge=1, description="number of blocks")
    dim: int = Field(ge=8, multiple_of=8, description="channels a token (8 attention heads share them)")


SIZES = {
    "xsmall": ModelSize(depth=12, dim=64),
    "small": ModelSize(depth=26, dim=64),
    "base": ModelSize(depth=16, dim=128),
    "large": ModelSize(depth=26, dim=128),
}
"""The published sizes of MotionAGFormer; `sizes` in config.yaml may add others."""


class BaselineSettings(Section):
    """MotionAGFormer as published: nothing to set."""


class FullSettings(BaselineSettings):
    """Attention, graph and MambaGCN in every block."""

    mamba_gcn_dim: int = Field(256, ge=1, description="inner width of the MambaGCN block's SSM")
    fusion_alpha: float = Field(
        0.5, gt=0, lt=1, description="share of the SSM in the MambaGCN block at the start"
    )
    gcn_dropout: float = Field(
        0.1, ge=0, lt=1, description="dropout after the MambaGCN block's graph convolution"
    )
    ssm_backend: Literal["auto", "mamba_ssm", "torch"] = Field(
        "auto", description="implementation of the SSD layer"
    )


class MambaGCNSettings(FullSettings):
    """The baseline with MambaGCN blocks spread over its depth."""

    mamba_gcn_layers: int = Field(4, ge=1, description="number of MambaGCN blocks")


class Architectures(Section):
    """The hyper-parameters of each architecture. The field names are the architectures there are."""

    baseline: BaselineSettings = BaselineSettings()
    mamba_gcn: MambaGCNSettings = MambaGCNSettings()
    full: FullSettings = FullSettings()


ARCHITECTURES = tuple(Architectures.model_fields)


def model_settings(architecture: str) -> type[BaselineSettings]:
    """The settings class of an architecture; `PoseliftError` names the known ones for an unknown name."""
    if architecture not in ARCHITECTURES:
        raise PoseliftError(f"unknown architecture '{architecture}'{suggest(architecture, ARCHITECTURES)}")
    settings: type[BaselineSettings] = type(getattr(Architectures(), architecture))
    return settings


def model_size(size: str | ModelSize) -> ModelSize:
    """A published size by its name; a `ModelSize` is returned as it is."""
    if isinstance(size, ModelSize):
        return size
    if size not in SIZES:
        raise PoseliftError(
            f"unknown size '{size}'{suggest(size, SIZES)}; sizes of your own need depth and dim"
        )
    return SIZES[size]
