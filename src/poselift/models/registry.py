"""Models by name. Architectures are imported when asked for, so that each depends on its own code only."""

import functools
import importlib
import logging
from typing import Any

from torch import nn

from poselift.config.models import BaselineSettings, ModelSize, model_settings, model_size
from poselift.config.run import RunSettings
from poselift.config.sections import parse
from poselift.errors import PoseliftError

log = logging.getLogger(__name__)


def build_model(
    architecture: str, size: str | ModelSize, n_frames: int = 243, **hyperparameters: Any
) -> nn.Module:
    """Build a model with freshly drawn weights, forward (B, T, 17, 3) -> (B, T, 17, 3).

    `architecture` is the name of a module here that has `build(size, n_frames, settings)`; `size` is a
    published name or a depth and width; `hyperparameters` are fields of the architecture's settings in
    `poselift.config.models`. Raises `PoseliftError` for an unknown name and for a value that makes no sense;
    warns of one outside the range it is meant for.
    """
    settings = parse(model_settings(architecture), hyperparameters, architecture)
    shape = model_size(size)
    if not isinstance(n_frames, int) or n_frames < 2:
        raise PoseliftError(f"n_frames: expected an integer of at least 2, found {n_frames!r}")
    _warn(architecture, settings)
    model: nn.Module = importlib.import_module(f"poselift.models.{architecture}").build(
        shape, n_frames, settings
    )
    return model


@functools.cache
def _warn(architecture: str, settings: BaselineSettings) -> None:
    """Log what is unusual about the settings, once a process."""
    for line in settings.advice():
        log.warning("%s: %s", architecture, line)


def build_run(settings: RunSettings) -> nn.Module:
    """The model of a run, with freshly drawn weights; raises as `build_model`."""
    size = ModelSize(depth=settings.depth, dim=settings.dim)
    return build_model(settings.architecture, size, settings.n_frames, **settings.model.model_dump())


def ssm_backend_used(model: nn.Module) -> str | None:
    """The implementation of the SSD layer that runs where the weights are now; None without such a layer."""
    # by attribute: the layer's code is no part of what the baseline depends on
    used = {str(module.backend_used) for module in model.modules() if hasattr(module, "backend_used")}
    return used.pop() if used else None
