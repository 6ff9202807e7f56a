"""What batches of random clips read from the disk, beside what they need, where no memory holds the frames.

The page cache is emptied before each batch; the index of clips is in memory. Linux only.

    python tests/benchmarks/cold_reads.py STORE [--n-frames 243]
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poselift.data.store import open_split, windows

BATCHES = 8


def empty_cache(store: Path) -> None:
    """Let the system forget what it has read of the store; nothing may have it mapped."""
    for path in store.rglob("*.npy"):
        with path.open("rb+") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def bytes_read() -> int:
    """Bytes that this process has had read from disks so far."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes"))


def measure(store: Path, n_frames: int, size: int, gather: Callable[..., NDArray[Any]]) -> str:
    """What `BATCHES` batches of `size` clips read."""
    clips = np.array(open_split(store, "train", n_frames).clips)
    rng, needed, start, seconds = np.random.default_rng(0), 0, bytes_read(), 0.0
    for _ in range(BATCHES):
        empty_cache(store)
        begin = time.perf_counter()
        split = open_split(store, "train", n_frames)
        frames = clips[rng.permutation(len(clips))[:size]]
        needed += sum(gather(array, frames).nbytes for array in (split.inputs, split.labels))
        del split
        seconds += time.perf_counter() - begin
    read = bytes_read() - start
    return f"{needed / 1e6:.1f} MB needed, {read / 1e6:.1f} MB read ({read / needed:.2f}), {seconds:.2f} s"


def main() -> None:
    """Print what plain indexing reads, and what announced windows do."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("store", type=Path)
    parser.add_argument("--n-frames", type=int, default=243)
    given = parser.parse_args()
    for size in (1, 16, 64):
        for what, gather in (("indexed", lambda array, frames: array[frames]), ("windows", windows)):
            print(f"{size} clips, {what}: {measure(given.store, given.n_frames, size, gather)}", flush=True)


if __name__ == "__main__":
    main()
