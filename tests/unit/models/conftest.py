"""Small models, awake.

With freshly drawn weights the blocks are all but the identity, and a test would see nothing of them.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn

from narrow import settings_of
from poselift.config.sizes import ModelSize
from poselift.models.registry import build_model

TINY = ModelSize(depth=2, dim=16)


def awaken(model: nn.Module, seed: int = 0) -> nn.Module:
    """Give layer scales, fusions, norms and running statistics random values of order one."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            noise = torch.randn(value.shape, generator=generator)
            if "running_var" in name:
                value.copy_(1 + 0.5 * noise.abs())
            elif "layer_scale" in name or ("norm" in name and "tracked" not in name):
                value.copy_(0.5 + 0.3 * noise)
            elif any(part in name for part in ("fusion", "pos_embed", "theta", "residual")):
                value.copy_(0.3 * noise)
    return model


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Models this small only lose by sharing the work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def tiny() -> Callable[..., nn.Module]:
    """Build an awake model of two blocks of 16 channels, in double precision and eval mode."""

    def build(architecture: str, n_frames: int = 9, **hyperparameters: Any) -> nn.Module:
        torch.manual_seed(0)
        settings = settings_of(architecture, **{"mamba_gcn_dim": 32} | hyperparameters)
        return awaken(build_model(architecture, TINY, n_frames, **settings)).double().eval()

    return build


@pytest.fixture
def wake() -> Callable[[nn.Module], nn.Module]:
    """The function that makes the blocks of a freshly built module count."""
    return awaken
