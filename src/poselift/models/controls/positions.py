"""The baseline with an embedding of each frame's place in the clip, which is all but free: the baseline's
blocks see the order of frames by their batch norm alone."""

from typing import TYPE_CHECKING

from poselift.config.card import Card
from poselift.config.sizes import ModelSize
from poselift.models.architectures import baseline

if TYPE_CHECKING:
    from poselift.models.blocks import PoseLifter

CARD = Card(label="Baseline, places of frames")


class Settings(baseline.Settings):
    """Those of the baseline."""


def build(size: ModelSize, n_frames: int, settings: Settings) -> "PoseLifter":
    """The model with freshly drawn weights."""
    from poselift.models.controls.layers import FramePosition  # needs torch

    model = baseline.build(size, n_frames, settings)
    model.layers.insert(0, FramePosition(size.dim, n_frames))
    return model
