"""Tests for a machine with a GPU. With POSELIFT_ON_CPU=1 they run on the CPU, to be tried without one."""

import os
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
for package in ("pydantic", "safetensors", "filelock", "tqdm", "yaml"):
    pytest.importorskip(package)

ON_CPU = os.environ.get("POSELIFT_ON_CPU") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip all without a GPU."""
    if torch.cuda.is_available() or ON_CPU:
        return
    for item in items:
        if Path(__file__).parent in Path(item.fspath).parents:
            item.add_marker(pytest.mark.skip(reason="needs a GPU that torch can use"))


@pytest.fixture
def device() -> "torch.device":
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture(autouse=True)
def as_before():
    yield
    torch.use_deterministic_algorithms(False)
