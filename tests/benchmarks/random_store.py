"""A frame store of random poses, for what does not depend on them."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from poselift.data.clips import make_clips
from poselift.data.sequence import Sequence


def make_store(folder: Path, n_frames: int, n_clips: dict[str, int]) -> None:
    """A frame store of random poses with so many clips of each split."""
    rng = np.random.default_rng(0)
    for split, count in n_clips.items():
        stride = n_frames if split == "test" else max(n_frames // 3, 1)
        n = n_frames + stride * (count - 1)
        frames = folder / "frames" / split
        frames.mkdir(parents=True)
        poses = rng.uniform(-0.5, 0.5, (n, 17, 3)).astype(np.float32)
        arrays = {"inputs": poses, "labels": poses[::-1], "sequence": np.zeros(n, dtype=np.int32)}
        if split == "test":
            arrays |= {"factor": np.full(n, 4, dtype=np.float32), "target_mm": 2000 * poses}
        for name, array in arrays.items():
            np.save(frames / f"{name}.npy", array)
        sequence = Sequence("s_11_act_02_subact_01_ca_01", "S11", "Walking", "54138969", 1000, 1002, 0, n)
        (frames / "sequences.json").write_text(json.dumps([asdict(sequence)]))
    (folder / "frames" / "manifest.json").write_text('{"evaluates": "every frame", "arrays": {}}')
    make_clips(folder, n_frames, n_clips)
