"""Raw pickles small enough to reason about, for all tests."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

# a busy machine fails no test, and none writes into the checkout
settings.register_profile("tests", deadline=None, database=None)
settings.load_profile("tests")

RawContent = dict[str, dict[str, Any]]

TRAIN_RUNS = (
    ("s_01_act_02_cam_01", "54138969", 9),
    ("s_01_act_02_cam_02", "55011271", 7),
    ("s_01_act_02_cam_01", "54138969", 12),  # the second recording under the first one's name
)
TEST_RUNS = (
    ("s_09_act_02_subact_01_ca_01", "54138969", 8),
    ("s_11_act_03_subact_02_ca_03", "58860488", 11),
)


def _raw_content(
    train: tuple = TRAIN_RUNS, test: tuple = TEST_RUNS, dtype: type = np.float32, seed: int = 0
) -> RawContent:
    """Random poses in the schema of the raw pickle; runs are (name, camera, frames)."""
    rng = np.random.default_rng(seed)
    content: RawContent = {}
    for split, runs in (("train", train), ("test", test)):
        lengths = [length for _, _, length in runs]
        n = sum(lengths)
        pose = rng.uniform(200, 800, (n, 17, 3)).astype(dtype)
        pose[:, :, 2] -= pose[:, :1, 2]
        entries: dict[str, Any] = {
            "joint_2d": pose[..., :2] + rng.normal(0, 5, (n, 17, 2)).astype(dtype),
            "confidence": rng.uniform(0.2, 1, (n, 17, 1)).astype(dtype),
            "joint3d_image": pose,
            "camera_name": np.repeat([camera for _, camera, _ in runs], lengths),
            "source": np.repeat([name for name, _, _ in runs], lengths).tolist(),
        }
        if split == "test":
            factor = rng.uniform(3, 5, n).astype(dtype)
            entries["2.5d_factor"] = factor
            entries["joints_2.5d_image"] = pose * factor[:, None, None]
            entries["action"] = np.repeat([f"action {i}" for i in range(len(runs))], lengths).tolist()
        content[split] = entries
    return content


@pytest.fixture
def raw_content() -> Callable[..., RawContent]:
    return _raw_content


@pytest.fixture
def write_raw(tmp_path: Path) -> Callable[[Any], Path]:
    """Pickle something as a raw file."""

    def write(content: Any, name: str = "raw.pkl") -> Path:
        path = tmp_path / name
        path.write_bytes(pickle.dumps(content))
        return path

    return write
