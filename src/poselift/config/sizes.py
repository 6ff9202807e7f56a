"""The sizes that models come in."""

from pydantic import Field

from poselift.config.sections import Section, suggest
from poselift.errors import PoseliftError


class ModelSize(Section):
    """How deep and how wide a model is."""

    depth: int = Field(ge=1, description="number of blocks")
    dim: int = Field(ge=8, multiple_of=8, description="channels per token (8 attention heads share them)")


SIZES = {
    "xsmall": ModelSize(depth=12, dim=64),
    "small": ModelSize(depth=26, dim=64),
    "base": ModelSize(depth=16, dim=128),
    "large": ModelSize(depth=26, dim=128),
}
"""The published sizes of MotionAGFormer; `sizes` in config.yaml may add others."""


def model_size(size: str | ModelSize) -> ModelSize:
    """A published size by its name; a `ModelSize` is returned as it is."""
    if isinstance(size, ModelSize):
        return size
    if size not in SIZES:
        raise PoseliftError(f"unknown size '{size}'{suggest(size, SIZES)}; others need depth and dim")
    return SIZES[size]
