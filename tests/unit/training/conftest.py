"""A frame store of random poses, and settings of runs that take a moment."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from poselift.config.command_line import run_from_options
from poselift.config.run import RunSettings
from poselift.data import prepare

TINY: dict[str, object] = {
    "architecture": "baseline", "size": "tiny", "depth": 1, "dim": 8, "n_frames": 4,
    "epochs": 3, "batch_size": 8,
}  # fmt: skip


def _settings(**options: object) -> RunSettings:
    return run_from_options(TINY | options)


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("default")
    torch.set_float32_matmul_precision("highest")


@pytest.fixture(scope="session")
def settings() -> Callable[..., RunSettings]:
    """Settings of a run of a tiny baseline; options differ from it as on a command line."""
    return _settings


@pytest.fixture
def store(raw_content, write_raw, tmp_path) -> Path:
    """19 train clips of 4 frames and 4 test clips."""
    prepare.main(
        ["--raw", str(write_raw(raw_content())), "--out", str(tmp_path / "store"), "--n-frames", "4"]
    )
    return tmp_path / "store"
