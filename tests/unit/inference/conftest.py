"""A model small enough to run in a moment."""

from pathlib import Path

import pytest
import torch

from detections import N_FRAMES
from poselift.config.sizes import ModelSize
from poselift.models.checkpoints import save_weights
from poselift.models.registry import build_model


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights: what they predict depends on each number that goes in."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_weights(build_model("baseline", ModelSize(depth=1, dim=16), N_FRAMES), path)
    return path
