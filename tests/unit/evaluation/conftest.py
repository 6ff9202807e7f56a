"""Small test splits, in memory and on disk."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poselift.data.normalise import denormalise
from poselift.data.sequence import Sequence
from poselift.data.store import Split

FAULTY = ("s_09_act_05_subact_02", "s_09_act_10_subact_02", "s_09_act_13_subact_01")
"""The sequences of Human3.6M that are excluded."""


def _make_split(
    runs: list[dict[str, Any]],
    clips: list[list[int]],
    name: str = "test",
    dtype: type = np.float64,
    seed: int = 0,
) -> Split:
    """A split of random poses. `runs` give `length` and whatever of a `Sequence` matters to the test."""
    rng = np.random.default_rng(seed)
    sequences: list[Sequence] = []
    for i, run in enumerate(runs):
        first = sequences[-1].first_frame + sequences[-1].length if sequences else 0
        given = {"name": f"s_11_act_02_subact_01_ca_{i:02d}", "subject": "S11", "action": "Walking"}
        given |= {"camera": "54138969", "width": 1000, "height": 1002, "first_frame": first} | run
        sequences.append(Sequence(**{"excluded": given["name"].startswith(FAULTY)} | given))
    sequence = np.repeat(np.arange(len(runs)), [s.length for s in sequences]).astype(np.int32)
    labels = rng.uniform(-0.5, 0.5, (len(sequence), 17, 3)).astype(dtype)
    labels[:, 0, 2] = 0
    factor = rng.uniform(3, 5, len(sequence)).astype(dtype)
    width, height = (
        np.array([getattr(s, k) for s in sequences])[sequence, None] for k in ("width", "height")
    )
    return Split(
        name=name,
        inputs=np.concatenate([labels[..., :2], rng.uniform(size=(len(sequence), 17, 1))], -1).astype(
            np.float32
        ),
        labels=labels,
        sequence=sequence,
        factor=factor if name == "test" else None,
        target_mm=(denormalise(labels, width, height) * factor[:, None, None]).astype(dtype)
        if name == "test"
        else None,
        sequences=sequences,
        clips=np.array(clips, dtype=np.int32),
    )


def _write_split(split: Split, store: Path) -> None:
    """Write a split as the frame store has it."""
    frames, clips = store / "frames" / split.name, store / f"clips-{split.n_frames}"
    frames.mkdir(parents=True)
    clips.mkdir(exist_ok=True)
    for name in ("inputs", "labels", "sequence", "factor", "target_mm"):
        if (array := getattr(split, name)) is not None:
            np.save(frames / f"{name}.npy", array)
    (frames / "sequences.json").write_text(json.dumps([dataclasses.asdict(s) for s in split.sequences]))
    np.save(clips / f"{split.name}.npy", split.clips)
    (store / "frames" / "manifest.json").write_text(json.dumps({"evaluates": split.evaluates}))


@pytest.fixture(scope="session")
def make_split() -> Callable[..., Split]:
    return _make_split


@pytest.fixture(scope="session")
def write_split() -> Callable[[Split, Path], None]:
    return _write_split


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of 8-frame clips: one train sequence, and five test clips of two actions."""
    train = _make_split([{"length": 20, "action": None}], [list(range(8))], "train", np.float32, seed=1)
    runs = [{"length": 24, "action": "Eating"}, {"length": 16, "height": 1000}]
    clips = [list(range(8 * i, 8 * i + 8)) for i in range(5)]
    _write_split(train, tmp_path / "store")
    _write_split(_make_split(runs, clips, "test", np.float32, seed=2), tmp_path / "store")
    return tmp_path / "store"
