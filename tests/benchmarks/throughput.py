"""Clips per second of the training of each model on this GPU, beside what `poselift plan` expects of it.

    python tests/benchmarks/throughput.py [--minutes 6] [--size base ...] [--n-frames 243]

A row per architecture and size, in float32, bfloat16 and the recipe `fast` (compiled): clips per second, the
share of the peak of a large matrix product, GB, and the plan's estimate. Small sizes come first; what does
not fit into the time is named. Data are random: the work does not depend on them.
"""

import argparse
import logging
import tempfile
import time
from pathlib import Path

import torch
from random_store import make_store
from training import DEVICE, clips_per_second, made, operations, peak_flops

from poselift.config.command_line import run_from_options
from poselift.config.run import RunSettings
from poselift.config.sizes import SIZES
from poselift.planning.gpus import GPUS, gpu_named
from poselift.training.step_cost import count_step

STEPS = 12
WAYS = {"fp32": {}, "bf16": {"precision": "bf16"}, "fast": {"recipe": "fast"}}


def row(settings: RunSettings, store: Path, peak: float) -> str:
    """The figures of a model in one precision."""
    gpu = gpu_named(torch.cuda.get_device_name()) if DEVICE.type == "cuda" else GPUS["CPU"]
    cost = count_step(settings, gpu.fused)
    batch = settings.training.batch_size
    with made(settings, store) as loop:
        if DEVICE.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        rate = clips_per_second(loop)
    memory = torch.cuda.max_memory_allocated() / 1e9 if DEVICE.type == "cuda" else 0
    share = 100 * rate * operations(settings) / peak
    return (
        f"{rate:9.1f} {share:6.1f} {memory:6.1f} | {batch / gpu.seconds(cost):9.1f} {cost.memory / 1e9:6.1f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--minutes", type=float, default=6, help="begin no row later (default: %(default)s)")
    parser.add_argument("--size", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--n-frames", type=int, default=243)
    parser.add_argument("--batch-size", type=int, default=16)
    given = parser.parse_args()
    logging.getLogger("poselift").setLevel(logging.WARNING)
    began, left_out = time.monotonic(), []
    peaks = {"fp32": peak_flops("fp32"), "bf16": peak_flops("bf16")}
    print(
        f"{torch.cuda.get_device_name() if DEVICE.type == 'cuda' else 'CPU'}, torch {torch.__version__}; ",
        end="",
    )
    print(f"peak {peaks['fp32'] / 1e12:.1f} TFLOP/s in fp32, {peaks['bf16'] / 1e12:.1f} in bf16")
    print(f"{'':24}{'clips/s':>9} {'% peak':>6} {'GB':>6} | {'planned':>9} {'GB':>6}")
    with tempfile.TemporaryDirectory() as folder:
        make_store(Path(folder), given.n_frames, {"train": STEPS * given.batch_size, "test": 32})
        for way, changed in WAYS.items():
            for size in given.size:
                for architecture in ("baseline", "mamba_gcn", "full"):
                    name = f"{architecture}-{size} {way}"
                    if time.monotonic() - began > 60 * given.minutes:
                        left_out.append(name)
                        continue
                    shape = {"n_frames": given.n_frames, "batch_size": given.batch_size}
                    settings = run_from_options(
                        {"architecture": architecture, "size": size} | shape | changed
                    )
                    try:
                        figures = row(settings, Path(folder), peaks["fp32" if way == "fp32" else "bf16"])
                    except torch.OutOfMemoryError:
                        figures = "out of memory"
                    print(f"{name:24}{figures}", flush=True)
    if left_out:
        print(f"no time left for: {', '.join(left_out)}")


if __name__ == "__main__":
    main()
