"""Times forward passes and training steps of the models: clips per second, memory, share of measured peak.

    python tests/benchmarks/models.py [--architecture NAME] [--size NAME] [--batch N] [--compile] [--bf16]

The peak is what one large matrix product reaches on the same device, in the same precision, with as many
threads. A step is forward, the loss of the recipe, backward and AdamW; its matrix products are counted as
they are carried out, those of the SSM that are done again in the backward pass included.
"""

import argparse
import time
from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from poselift.config.architectures import built_in
from poselift.config.sizes import SIZES
from poselift.models.cost import peak_memory_mb
from poselift.models.registry import build_model
from poselift.training.losses import losses

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def seconds(call: Callable[[], object], least: float) -> float:
    """Time of the fastest call: other work on the machine only ever adds to it."""
    call()
    times: list[float] = []
    while sum(times) < least or len(times) < 2:
        start = time.perf_counter()
        call()
        if DEVICE == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times)


def peak_flops(dtype: torch.dtype) -> float:
    """Operations a second of one matrix product, a multiply-accumulate being two."""
    n = 8192 if DEVICE == "cuda" else 1536
    a, b = torch.randn(2, n, n, device=DEVICE, dtype=dtype)
    return 2 * n**3 / seconds(lambda: a @ b, least=1)


def operations(architecture: str, size: str, n_frames: int, training: bool) -> int:
    """Operations in the matrix products of one clip, counted on the meta device."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.set_grad_enabled(training):
        prediction = build_model(architecture, size, n_frames)(torch.empty(1, n_frames, 17, 3))
        if training:
            prediction.sum().backward()
    return counter.get_total_flops()


class Calls:
    """A forward pass and a training step of a model on random clips."""

    def __init__(self, architecture: str, size: str, options: argparse.Namespace) -> None:
        self.inputs, self.labels = torch.randn(2, options.batch, options.n_frames, 17, 3, device=DEVICE)
        self.model = build_model(architecture, size, options.n_frames).to(DEVICE)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=5e-4, weight_decay=0.01, fused=DEVICE == "cuda"
        )
        self.run = torch.compile(self.model) if options.compile else self.model
        self.bf16 = options.bf16

    def predict(self) -> Tensor:
        with torch.autocast(DEVICE, torch.bfloat16) if self.bf16 else nullcontext():
            return self.run(self.inputs)

    def forward(self) -> None:
        with torch.inference_mode():
            self.predict()

    def step(self) -> None:
        loss = losses(self.predict().float(), self.labels)["total"]
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()

    def held(self) -> list[Tensor]:
        """The tensors that live between calls."""
        parameters = list(self.model.parameters())
        gradients = [p.grad for p in parameters if p.grad is not None]
        moments = [value for state in self.optimizer.state.values() for value in state.values()]
        return [*parameters, *self.model.buffers(), *gradients, *moments, self.inputs, self.labels]


def main() -> None:
    """Print a row for each architecture and size."""
    parser = argparse.ArgumentParser(description="Times forward passes and training steps of the models.")
    parser.add_argument("--architecture", action="append", choices=built_in(), help="repeatable")
    parser.add_argument("--size", action="append", choices=SIZES, help="repeatable")
    parser.add_argument("--n-frames", type=int, default=243, help="frames per clip (default: 243)")
    parser.add_argument("--batch", type=int, default=16 if DEVICE == "cuda" else 2, help="clips per step")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    parser.add_argument("--seconds", type=float, default=2, help="measure at least so long")
    parser.add_argument("--compile", action="store_true", help="through torch.compile")
    parser.add_argument("--bf16", action="store_true", help="under bfloat16 autocast")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    peak = peak_flops(torch.bfloat16 if options.bf16 else torch.float32)
    print(f"{DEVICE}, {options.threads} threads, batch {options.batch}, {options.n_frames} frames, ", end="")
    print(f"peak {peak / 1e9:.0f} GFLOP/s")
    print(f"{'':20} | {'forward':^30} | {'training step':^30}")
    print(
        f"{'':20} | {'clips/s':>10}{'% of peak':>10}{'MB':>10} | {'clips/s':>10}{'% of peak':>10}{'MB':>10}"
    )
    for architecture in options.architecture or built_in():
        for size in options.size or SIZES:
            calls = Calls(architecture, size, options)
            cells = []
            for training, call in ((False, calls.forward), (True, calls.step)):
                calls.model.train(training)
                clips_a_second = options.batch / seconds(call, options.seconds)
                share = clips_a_second * operations(architecture, size, options.n_frames, training) / peak
                memory = peak_memory_mb(call, calls.held())
                cells.append(f"{clips_a_second:10.2f}{100 * share:10.0f}{memory:10.0f}")
            print(f"{architecture + ' ' + size:20} | {cells[0]} | {cells[1]}", flush=True)


if __name__ == "__main__":
    main()
