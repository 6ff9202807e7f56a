"""A raw pickle of random numbers in Human3.6M's schema and of its size, 2.13 million frames (1.0 GB):

    python tests/benchmarks/prepare.py FILE [--share 0.25]

`scale.py` measures what becomes of it.
"""

import argparse
import pickle
from pathlib import Path

import numpy as np

FRAMES = {"train": 1_559_752, "test": 566_920}
RECORDINGS = {"train": 150, "test": 60}
CAMERAS = ("54138969", "55011271", "58860488", "60457274")


def name_of(split: str, recording: int, recordings: int, camera: int) -> str:
    """The name of a run: one camera of a recording."""
    if split == "train":  # every name occurs in two runs that do not touch, as in the real file
        recording %= recordings // 2
        return f"s_{recording // 15 + 5:02d}_act_{recording % 15 + 2:02d}_cam_{camera + 1:02d}"
    subject, sub_action = recording // 30 * 2 + 9, recording // 15 % 2 + 1
    return f"s_{subject:02d}_act_{recording % 15 + 2:02d}_subact_{sub_action:02d}_ca_{camera + 1:02d}"


def write_raw(path: Path, share: float = 1) -> None:
    """A raw pickle of random poses, `share` times the real size: 600 train and 240 test runs for 1."""
    generator = np.random.default_rng(0)
    content = {}
    for split in FRAMES:
        n = round(FRAMES[split] * share)
        recordings = max(2 * round(RECORDINGS[split] * share / 2), 2)
        run = np.arange(n) * (4 * recordings) // n
        names = [name_of(split, r, recordings, c) for r in range(recordings) for c in range(4)]
        pixels = 1000 * generator.random((n, 17, 3), dtype=np.float32)
        content[split] = {
            "joint_2d": pixels[..., :2].copy(),
            "confidence": generator.random((n, 17, 1), dtype=np.float32),
            "joint3d_image": pixels,
            "camera_name": [CAMERAS[r % 4] for r in run],
            "source": [names[r] for r in run],
        }
        if split == "test":
            content[split] |= {
                "joints_2.5d_image": pixels * 4,
                "2.5d_factor": np.full(n, 4, dtype=np.float32),
                "action": [str(r // 4 % 15) for r in run],
            }
    with path.open("wb") as file:
        pickle.dump(content, file, protocol=4)


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, metavar="FILE", help="pickle to write")
    parser.add_argument("--share", type=float, default=1, help="of the real size (default: all of it)")
    given = parser.parse_args()
    write_raw(given.out, given.share)


if __name__ == "__main__":
    main()
