"""What a training costs beside its model, and how long the published run would take on this machine.

    python tests/benchmarks/training.py [--size base] [--batch-size 16] [--steps 30] [--out table.txt]

Data are random: the work does not depend on them. Printed are the time from the start of the command to the
first step; what the loop, its log and its data add to the bare steps; how long a saved state holds the loop
up; the share of evaluations in an epoch; and by precision clips per second, hours of a published run (60
epochs of 17,748 clips, each evaluated on 2,228) and the share of the device's measured peak (MFU).
"""

import argparse
import logging
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import torch
from random_store import make_store
from torch.utils.flop_counter import FlopCounterMode

from poselift.config.command_line import run_from_options
from poselift.config.options import options
from poselift.config.run import ExecutionSettings, RunSettings
from poselift.models.registry import build_run
from poselift.training.context import RunContext
from poselift.training.distributed import SINGLE_PROCESS
from poselift.training.loop import Loop
from poselift.training.report import Reporter
from poselift.training.state import TrainingState
from poselift.training.state_files import StateFolder, states
from poselift.training.validation import open_splits

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
# on the CPU the time of this process's own work, which other work on the machine disturbs less
CLOCK = time.perf_counter if DEVICE.type == "cuda" else time.process_time
TRAIN_CLIPS, TEST_CLIPS, EPOCHS = 17_748, 2_228, 60


def synchronise() -> None:
    """Wait for the device."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def seconds(call: Callable[[], object], repeats: int = 3) -> float:
    """Time of the fastest call: other work on the machine only ever adds to it."""
    times = []
    for _ in range(repeats):
        synchronise()
        start = CLOCK()
        call()
        synchronise()
        times.append(CLOCK() - start)
    return min(times)


@contextmanager
def made(settings: RunSettings, store: Path) -> Iterator[Loop]:
    """A run that is ready to train, in a folder of its own."""
    train, test = open_splits(store, settings)
    execution = ExecutionSettings(checkpoint_every=10**9)
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = StateFolder(Path(folder), {"settings": {}}, keep=2)
        checkpoints.begin(TrainingState())
        reporter = Reporter(settings, execution, None, DEVICE, 1)
        ctx = RunContext(
            DEVICE, SINGLE_PROCESS, execution, checkpoints, reporter, lambda: 0, prepare=lambda _: None
        )
        yield Loop(settings, train, test, TrainingState(), ctx)
        checkpoints.close()


def start_to_first_step(settings: RunSettings, store: Path) -> tuple[float, float]:
    """Seconds from the command to the end of its first optimiser step, and how much of them it computed; the
    best of two."""

    def once() -> tuple[float, float]:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with tempfile.TemporaryDirectory() as out:
            words = [
                sys.executable,
                "-u",
                "-m",
                "poselift.training.train",
                "--store",
                str(store),
                "--out",
                out,
            ]
            words += [*options(settings).split(), "--device", DEVICE.type]
            start = time.perf_counter()
            with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
                assert process.stderr is not None
                said = next((line for line in process.stderr if line.startswith("first step")), None)
                taken = time.perf_counter() - start
                process.kill()
            if said is None:
                raise RuntimeError("the command made no step")
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            computed = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
            return taken, computed

    return min(once(), once())


def operations(settings: RunSettings) -> int:
    """Operations in the matrix products of a training step on one clip, a multiply-accumulate being two."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        build_run(settings)(torch.empty(1, settings.n_frames, 17, 3)).sum().backward()
    return int(counter.get_total_flops())


def peak_flops(precision: str) -> float:
    """Operations a second of one large matrix product."""
    n = 8192 if DEVICE.type == "cuda" else 1024
    dtype = torch.float32 if precision == "fp32" else torch.bfloat16
    a, b = torch.randn(2, n, n, device=DEVICE, dtype=dtype)
    return 2 * n**3 / seconds(lambda: a @ b, repeats=5)


def beside_the_model(settings: RunSettings, store: Path) -> list[str]:
    """Lines about what is no work of the model."""
    with made(settings, store) as loop:
        parts = next(iter(loop.batches.epoch(0)))
        clips = settings.training.batch_size

        def bare() -> None:
            loop.state = TrainingState()
            for _ in range(loop.steps):
                loop._step(parts)

        def epoch() -> None:
            loop.state = TrainingState()
            loop._train_epoch()

        checkpoints = cast(StateFolder, loop.ctx.checkpoints)
        epoch()  # warms up
        # in turns, so that a busy minute of the machine meets both
        in_loop, without = (
            min(t) for t in zip(*((seconds(epoch, 1), seconds(bare, 1)) for _ in range(5)), strict=True)
        )
        evaluation = seconds(lambda: loop._evaluate(lambda: None)) / len(loop.validation.clips)
        step_of_clip = in_loop / loop.steps / clips
        share = evaluation * TEST_CLIPS / (step_of_clip * TRAIN_CLIPS)

        began = time.perf_counter()
        loop._snapshot()
        loop._save()
        held_up = time.perf_counter() - began
        checkpoints.finish()
        written = time.perf_counter() - began
        size = states(checkpoints.folder)[0].stat().st_size
        epoch_seconds = step_of_clip * TRAIN_CLIPS
    return [
        f"loop, log and data: {1000 * (in_loop - without) / loop.steps:.2f} ms per step, "
        f"{100 * (in_loop / without - 1):.1f} % of the bare {1000 * without / loop.steps:.1f} ms",
        f"saved state: holds the loop up {held_up:.3f} s, {100 * held_up / epoch_seconds:.2f} % of an epoch "
        f"of {TRAIN_CLIPS:,} clips; on disk after {written:.2f} s ({size / 1e6:.1f} MB)",
        f"evaluation of {TEST_CLIPS:,} clips: {100 * share:.1f} % of the time of such an epoch's steps",
    ]


def clips_per_second(loop: Loop) -> float:
    """Clips per second of an epoch's steps, after one that warms up."""

    def epoch() -> None:
        loop.state = TrainingState()
        loop._train_epoch()

    epoch()
    return loop.steps * loop.recipe.batch_size / seconds(epoch)


def by_precision(settings: RunSettings, store: Path) -> Iterator[str]:
    """A line for each precision."""
    yield f"{'':14}{'clips/s':>10}{'hours':>8}{'MFU %':>8}{'GB':>7}"
    names = ("fp32", "bf16", "bf16+compile") if DEVICE.type == "cuda" else ("fp32",)
    for name in names:
        recipe = settings.training.model_copy(
            update={"precision": name.split("+")[0], "compile": "compile" in name}
        )
        with made(settings.model_copy(update={"training": recipe}), store) as loop:
            if DEVICE.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            loop._evaluate(lambda: None)  # warms up
            rate = clips_per_second(loop)
            evaluation = seconds(lambda: loop._evaluate(lambda: None)) / len(loop.validation.clips)
            hours = EPOCHS * (TRAIN_CLIPS / rate + TEST_CLIPS * evaluation) / 3600
            mfu = 100 * rate * operations(settings) / peak_flops(recipe.precision)
            memory = torch.cuda.max_memory_reserved() / 1e9 if DEVICE.type == "cuda" else 0.0
            yield f"{name:14}{rate:10.1f}{hours:8.2f}{mfu:8.1f}{memory:7.1f}"


def main() -> None:
    """Print the table."""
    cuda = DEVICE.type == "cuda"
    parser = argparse.ArgumentParser(description="What a training costs beside its model.")
    parser.add_argument("--architecture", default="baseline")
    parser.add_argument("--size", default="base" if cuda else "xsmall")
    parser.add_argument("--n-frames", type=int, default=243 if cuda else 27)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument(
        "--steps", type=int, default=60 if cuda else 10, help="steps per epoch (default: %(default)s)"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, help="write the table here as well")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    logging.getLogger("poselift").setLevel(logging.WARNING)
    names = ("architecture", "size", "n_frames", "batch_size")
    settings = run_from_options({name: getattr(given, name) for name in names})
    lines: list[str] = []

    def say(line: str) -> None:
        print(line, flush=True)
        lines.append(line)

    device = torch.cuda.get_device_name() if cuda else f"CPU, {given.threads} threads"
    say(f"{settings.name}, {given.n_frames} frames, batch {given.batch_size}; torch {torch.__version__}")
    say(device)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        make_store(store, given.n_frames, {"train": given.steps * given.batch_size, "test": 4 * 32})
        taken, computed = start_to_first_step(settings, store)
        say(f"start to first step: {taken:.1f} s ({computed:.1f} s of CPU time)")
        for line in beside_the_model(settings, store):
            say(line)
        for line in by_precision(settings, store):
            say(line)
    if given.out:
        given.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
