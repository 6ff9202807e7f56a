"""Preprocessing at the real file's size: seconds, peak memory and disk for 2.13 million frames.

    python tests/benchmarks/prepare.py [--folder DIR]

Writes a raw pickle of random numbers with the counts of Human3.6M (1.0 GB) and prepares it in a process of
its own. Targets on two cores: 6 s after the pickle is loaded, resident memory 2.5 times the file, 1.05 GB
on disk.
"""

import argparse
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

FRAMES = {"train": 1_559_752, "test": 566_920}
CAMERAS = ("54138969", "55011271", "58860488", "60457274")


def write_raw(path: Path) -> None:
    """A raw pickle of the real size: 600 train runs, 240 test runs."""
    generator = np.random.default_rng(0)
    content = {}
    for split, n in FRAMES.items():
        runs = 600 if split == "train" else 240
        run = np.arange(n) * runs // n
        # every name occurs in two runs of train that do not touch, as in the real file
        recording, camera = run // 4, run % 4
        name = (
            [
                f"s_{r % 75 // 15 + 5:02d}_act_{r % 15 + 2:02d}_cam_{c + 1:02d}"
                for r in range(150)
                for c in range(4)
            ]
            if split == "train"
            else [
                f"s_{9 + r // 30 * 2:02d}_act_{r % 15 + 2:02d}_subact_{r // 15 % 2 + 1:02d}_ca_{c + 1:02d}"
                for r in range(60)
                for c in range(4)
            ]
        )
        pixels = generator.uniform(0, 1000, (n, 17, 3)).astype(np.float32)
        content[split] = {
            "joint_2d": pixels[..., :2].copy(),
            "confidence": generator.uniform(0, 1, (n, 17, 1)).astype(np.float32),
            "joint3d_image": pixels,
            "camera_name": [CAMERAS[c] for c in camera],
            "source": [name[r] for r in run],
        }
        if split == "test":
            content[split] |= {
                "joints_2.5d_image": pixels * 4,
                "2.5d_factor": np.full(n, 4, dtype=np.float32),
                "action": [str(r % 15) for r in recording],
            }
    with path.open("wb") as file:
        pickle.dump(content, file, protocol=4)


def child(raw: Path, store: Path) -> None:
    """Load, then time what follows; report on standard output."""
    from poselift.data import prepare
    from poselift.data import raw as raw_module

    start = time.perf_counter()
    original = raw_module.load_pickle
    loaded = 0.0

    def load(path: Path) -> object:
        nonlocal loaded
        content = original(path)
        loaded = time.perf_counter()
        return content

    raw_module.load_pickle = load
    prepare.main(["--raw", str(raw), "--out", str(store), "--n-frames", "243"])
    end = time.perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    disk = sum(file.stat().st_size for file in store.rglob("*") if file.is_file())
    size = raw.stat().st_size
    print(f"load {loaded - start:.1f} s, then {end - loaded:.1f} s")
    print(f"memory {memory / size:.2f} times the file of {size / 1e9:.2f} GB, disk {disk / 1e9:.3f} GB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    parser.add_argument("--child", nargs=2, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(*given.child)
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        raw = Path(folder, "raw.pkl")
        write_raw(raw)
        for repeat in range(3):
            store = Path(folder, f"store{repeat}")
            subprocess.run([sys.executable, __file__, "--child", str(raw), str(store)], check=True)


if __name__ == "__main__":
    main()
