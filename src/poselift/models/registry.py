"""Models by name, built and ready to be trained."""

import importlib
from typing import Any

from torch import nn

from poselift.config.architectures import Architecture, find
from poselift.config.run import RunSettings
from poselift.config.sections import parse
from poselift.config.sizes import ModelSize, model_size
from poselift.errors import PoseliftError


def build_model(
    architecture: str | Architecture, size: str | ModelSize, n_frames: int = 243, **hyperparameters: Any
) -> nn.Module:
    """Build a model with freshly drawn weights, forward (B, T, 17, 3) -> (B, T, 17, 3).

    `architecture` is the name of one of the project's own, or one that `poselift.config.architectures.find`
    found; `size` is a published name or a depth and width; `hyperparameters` are fields of its settings.
    Raises `PoseliftError` for an unknown name, for a value that makes no sense, and where a user's model
    fails or does not give poses for poses.
    """
    chosen = find(architecture) if isinstance(architecture, str) else architecture
    settings = parse(chosen.settings, hyperparameters, chosen.name)
    shape = model_size(size)
    if not isinstance(n_frames, int) or n_frames < 2:
        raise PoseliftError(f"n_frames: expected an integer of at least 2, found {n_frames!r}")
    if chosen.source is not None:
        # by name: how a user's model is checked is no part of what a training depends on
        return importlib.import_module("poselift.models.own_model").build(chosen, shape, n_frames, settings)
    model: nn.Module = chosen.module.build(shape, n_frames, settings)
    return model


def build_run(settings: RunSettings) -> nn.Module:
    """The model of a run, with freshly drawn weights; raises as `build_model`."""
    architecture = find(settings.architecture, settings.architecture_file)
    size = ModelSize(depth=settings.depth, dim=settings.dim)
    return build_model(architecture, size, settings.n_frames, **settings.model.model_dump())
