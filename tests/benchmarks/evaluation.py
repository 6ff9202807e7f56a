"""How long the evaluation of as many frames as Human3.6M's test split has takes, and how much memory; and how
long 10,000 resamples of its sequences take.

    python tests/benchmarks/evaluation.py [--threads 2] [--repeats 5]

Poses are random: the work does not depend on them. Predictions and targets are in memory before it starts.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch

from poselift.data.clips import window_index
from poselift.data.sequence import Sequence
from poselift.data.store import Split
from poselift.evaluation.protocol import evaluate_human36m
from poselift.evaluation.statistics import Bootstrap, Errors

N_FRAMES = 243
CLIPS = 2333  # just under 567,000 frames
SEQUENCES = 240  # of 15 actions


def random_split(rng: np.random.Generator) -> Split:
    """A test split of `CLIPS` clips with random targets."""
    clips_of = np.full(SEQUENCES, CLIPS // SEQUENCES) + (np.arange(SEQUENCES) < CLIPS % SEQUENCES)
    lengths = (clips_of * N_FRAMES).tolist()
    firsts = np.cumsum([0, *lengths[:-1]]).tolist()
    sequences = []
    for i, (first, length) in enumerate(zip(firsts, lengths, strict=True)):
        action, camera = 2 + i % 15, i // 15
        name = f"s_11_act_{action:02d}_subact_01_ca_{camera:02d}"
        sequences.append(Sequence(name, "S11", str(action), str(camera), 1000, 1002, first, length))
    n = sum(lengths)
    target = rng.standard_normal((n, 17, 3), dtype=np.float32)
    return Split(
        name="test",
        inputs=target,
        labels=target,
        sequence=np.repeat(np.arange(SEQUENCES, dtype=np.int32), lengths),
        factor=np.full(n, 4, dtype=np.float32),
        target_mm=300 * target,
        sequences=sequences,
        clips=window_index(sequences, N_FRAMES, N_FRAMES),
    )


def resident(what: str) -> float:
    """Resident memory of this process in MiB, now (`VmRSS`) or at its highest (`VmHWM`); Linux only."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def main() -> None:
    """Print the median time of the whole evaluation, and its memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)

    rng = np.random.default_rng(0)
    split = random_split(rng)
    predictions = torch.from_numpy(split.labels[split.clips])
    predictions += 0.1 * torch.randn(predictions.shape)
    Path("/proc/self/clear_refs").write_text("5")  # the highest size counts from here
    held = resident("VmRSS")
    seconds = []
    for _ in range(given.repeats):
        start = time.perf_counter()
        result = evaluate_human36m(predictions, split)
        seconds.append(time.perf_counter() - start)
    print(f"{result.frames:,} frames, {given.threads} threads")
    print(
        f"seconds: {statistics.median(seconds):.2f} (median of {given.repeats}), {max(seconds):.2f} (slowest)"
    )
    memory = resident("VmHWM")
    print(f"memory: {memory:.0f} MiB at the peak, {held:.0f} MiB of them before")
    resample(split, rng, given.repeats)


def resample(split: Split, rng: np.random.Generator, repeats: int) -> None:
    """Print the median time of 10,000 resamples, and of a difference of two models of three seeds."""
    actions = [sequence.action for sequence in split.sequences]
    recordings = [f"{action}-{i // 60}" for i, action in enumerate(actions)]  # four cameras each
    frames = np.bincount(split.sequence).astype(float)
    models = [Errors(rng.normal(40, 5, (3, len(actions))), frames) for _ in range(2)]
    drawing, comparing = [], []
    for _ in range(repeats):
        start = time.perf_counter()
        bootstrap = Bootstrap(actions, recordings, resamples=10_000)
        drawing.append(time.perf_counter() - start)
        start = time.perf_counter()
        bootstrap.interval(*(bootstrap.resampled(errors) for errors in models))
        comparing.append(time.perf_counter() - start)
    print(
        f"bootstrap: {statistics.median(drawing):.3f} s for 10,000 resamples, "
        f"{statistics.median(comparing):.3f} s more for a difference"
    )


if __name__ == "__main__":
    main()
