"""A model of the user's, built and tried out: what fails in it is one line that names its file and line."""

import torch
from torch import nn

from poselift.config.architectures import Architecture
from poselift.config.plugins import fault
from poselift.config.sections import Section
from poselift.config.sizes import ModelSize
from poselift.errors import PoseliftError
from poselift.skeleton import N_JOINTS


def build(architecture: Architecture, size: ModelSize, n_frames: int, settings: Section) -> nn.Module:
    """The model that the user's `build` gives, once it has lifted a clip on the CPU.

    Raises `PoseliftError` where `build` or the forward pass fails, or gives something else.
    """
    source, file = str(architecture.source), architecture.module.__file__
    try:
        model = architecture.module.build(size, n_frames, settings)
    except Exception as error:  # the user's code can fail in any way
        raise fault(source, file, "build failed", error) from None
    if not isinstance(model, nn.Module):
        raise PoseliftError(f"{source}: build: expected a torch.nn.Module, found {type(model).__name__}")
    shape = (1, n_frames, N_JOINTS, 3)
    training = model.training
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):  # the seed's draws stay as they are
            poses = model.eval()(torch.zeros(shape))
    except Exception as error:
        raise fault(source, file, f"forward pass on {shape} failed", error) from None
    model.train(training)
    found = tuple(poses.shape) if isinstance(poses, torch.Tensor) else type(poses).__name__
    if found != shape:
        raise PoseliftError(f"{source}: forward pass: expected poses of shape {shape}, found {found}")
    return model
