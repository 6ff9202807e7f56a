"""A small configuration to search in, and results to compare."""

from collections.abc import Callable
from typing import Any

import pytest

from poselift.config import sections
from poselift.config.experiment import Config
from poselift.search.results import TrialResult

SMALL: dict[str, Any] = {
    "dataset": "tiny",
    "data": {"title": "Synthetic motion", "synthetic": {}},
    "n_frames": 9,
    "sizes": {"nano": {"depth": 1, "dim": 16}, "micro": {"depth": 2, "dim": 16}},
    "models": {"mamba_gcn": {"mamba_gcn_dim": 32, "mamba_gcn_layers": 1}, "full": {"mamba_gcn_dim": 32}},
    "training": {"epochs": 8, "lr": 0.002},
    "experiment": {"architectures": ["baseline", "full"], "sizes": ["nano"], "seeds": [0]},
    "paper": {"title": "T", "authors": ["A"], "per_action_size": "nano"},
}


@pytest.fixture
def small() -> dict[str, Any]:
    return SMALL


@pytest.fixture
def searching() -> Callable[..., Config]:
    """The configuration with these stages; further keys are laid over it."""

    def build(*stages: dict[str, Any], search: dict[str, Any] | None = None, **changes: Any) -> Config:
        wanted = {"stages": list(stages)} | (search or {})
        return sections.parse(Config, SMALL | {"search": wanted} | changes, "config.yaml")

    return build


@pytest.fixture
def result() -> Callable[..., TrialResult]:
    def build(trial: str, error: float | None = None, status: Any = "finished", **given: Any) -> TrialResult:
        return TrialResult(
            **{
                "stage": "coarse", "trial": trial, "status": status, "final": error, "rung": 0,
                "best": None if error is None else 100 - error,  # in the other order
                "architecture": "baseline", "size": "nano", "searched": {}, "epochs": 8,
            } | given
        )  # fmt: skip

    return build
