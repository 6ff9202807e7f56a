"""The architectures with their hyper-parameters, and the sizes they come in."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from poselift.config.card import Card
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
    """MotionAGFormer. The defaults are the published model; the switches are for ablations."""

    spatial_graph: Literal["published", "symmetric"] = Field(
        "published", description="the published 29 directed edges between joints, or all 32 of the skeleton"
    )
    temporal_graph: Literal["similarity", "chain"] = Field(
        "similarity",
        description="each frame linked to its most similar ones, or to its two neighbours in time",
    )
    without_branch: Literal["none", "attention", "graph"] = Field(
        "none", description="branch that every block is built without"
    )

    def advice(self) -> list[str]:
        """A line for each value that is allowed but outside the range the architecture is meant for."""
        return []


class FullSettings(BaselineSettings):
    """Attention, graph and MambaGCN in every block."""

    without_branch: Literal["none", "attention", "graph", "mamba_gcn"] = Field(  # type: ignore[assignment]
        "none", description="branch that every block is built without"
    )
    mamba_gcn_dim: int = Field(
        256, ge=8, multiple_of=8, description="inner width of the MambaGCN block's SSM (8 heads share it)"
    )
    fusion_alpha: float = Field(
        0.5, gt=0, lt=1, description="share of the SSM in the MambaGCN block at the start"
    )
    gcn_dropout: float = Field(
        0.1, ge=0, lt=1, description="dropout after the MambaGCN block's graph convolution"
    )
    ssm_backend: Literal["auto", "mamba_ssm", "torch"] = Field(
        "auto", description="implementation of the SSD layer"
    )
    mamba_gcn_parts: Literal["ssm+gcn", "ssm", "gcn"] = Field(
        "ssm+gcn", description="what a MambaGCN block is made of"
    )
    mamba_gcn_fusion: Literal["learned", "fixed"] = Field(
        "learned", description="whether the share of the SSM is trained or stays at fusion_alpha"
    )
    ssm_directions: Literal["both", "forward"] = Field(
        "both", description="in which directions the SSM reads the frames"
    )

    @model_validator(mode="before")
    @classmethod
    def _no_layers(cls, value: Any) -> Any:
        if (
            isinstance(value, dict)
            and "mamba_gcn_layers" in value
            and "mamba_gcn_layers" not in cls.model_fields
        ):
            raise ValueError(
                "mamba_gcn_layers has no meaning for 'full': each of its blocks has a MambaGCN branch"
            )
        return value

    @model_validator(mode="after")
    def _switches_agree(self) -> Self:
        if self.mamba_gcn_parts == "gcn" and self.ssm_directions != "both":
            raise ValueError("ssm_directions has no meaning without the SSM (mamba_gcn_parts: gcn)")
        if self.mamba_gcn_parts != "ssm+gcn" and self.mamba_gcn_fusion != "learned":
            raise ValueError("mamba_gcn_fusion has no meaning with one part (mamba_gcn_parts)")
        return self

    def advice(self) -> list[str]:
        """A line for each value that is allowed but outside the range the architecture is meant for."""
        values = {name: value for name, value in self if name in MEANT_RANGES}
        return [
            f"{name} = {value} is outside the range it is meant for, {low} to {high}"
            for name, value in values.items()
            for low, high in [MEANT_RANGES[name]]
            if not low <= value <= high
        ]


class MambaGCNSettings(FullSettings):
    """The baseline with MambaGCN blocks spread over its depth."""

    without_branch: Literal["none", "attention", "graph"] = Field(
        "none", description="branch that the baseline's blocks are built without"
    )

    mamba_gcn_layers: int = Field(4, ge=1, description="number of MambaGCN blocks")


MEANT_RANGES: dict[str, tuple[float, float]] = {
    "mamba_gcn_dim": (128, 512),
    "mamba_gcn_layers": (2, 6),
    "fusion_alpha": (0.3, 0.7),
    "gcn_dropout": (0.1, 0.3),
}
"""Ranges that the MambaGCN block is meant for; values outside are allowed with a warning."""


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


# 𝐴: attention, 𝐺: graph, 𝑀: MambaGCN
CARDS = {
    "baseline": Card(label="Baseline", colour="#0072B2", marker="o", line="-", components="𝐴 ∥ 𝐺"),
    "mamba_gcn": Card(label="MambaGCN", colour="#D55E00", marker="s", line="--", components="(𝐴 ∥ 𝐺) → 𝑀"),
    "full": Card(label="Full", colour="#009E73", marker="D", line="-.", components="𝐴 ∥ 𝐺 ∥ 𝑀"),
}
"""How each architecture is presented."""
