"""What a training step of one SSD layer costs: operators, traffic of memory, peak memory, time of the CPU.

    python tests/benchmarks/ssd_layer.py [--bf16] [--seconds N]

A step is forward and backward. Operators are those that do work (views do none); the traffic counts each
operator's inputs and outputs once, as if nothing stayed in a cache. Both are the same on every machine. For a
comparison run it again with PYTHONPATH set to the `src` of another commit's checkout, in turns.
"""

import argparse
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from poselift.models.cost import peak_memory_mb
from poselift.models.ssd import Mamba2

SHAPES = [
    (17, 243, 128, 256),
    (17, 243, 256, 256),
    (2 * 17, 81, 64, 256),
    (32 * 17, 9, 32, 32),
    (4 * 17, 9, 16, 32),
]
"""Sequences, frames, d_model, inner width: those of the paper's sizes, and the demonstration's last."""


class Count(TorchDispatchMode):
    """Operators that do work, and the bytes of their inputs and outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.operators = 0
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        tensors = [leaf for leaf in tree_leaves((args, kwargs, out)) if isinstance(leaf, Tensor)]
        if not (func.is_view or func._schema.name.split("::")[1] in ("_unsafe_view", "detach", "empty_like")):
            self.operators += 1
            # of a tensor that is broadcast only what is stored
            self.bytes += sum(min(t.nbytes, t.untyped_storage().nbytes()) for t in tensors)
        return out


def cpu_ms(call: Callable[[], object], least: float) -> float:
    """CPU time of the fastest call: other work on the machine adds to it."""
    call()
    times: list[float] = []
    while sum(times) < least or len(times) < 3:
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return 1e3 * min(times)


def main() -> None:
    """Print a row for each shape."""
    parser = argparse.ArgumentParser(description="What a training step of one SSD layer costs on the CPU.")
    parser.add_argument("--bf16", action="store_true", help="under bfloat16 autocast")
    parser.add_argument("--seconds", type=float, default=2, help="measure at least so long")
    options = parser.parse_args()
    torch.set_num_threads(1)

    columns = "".join(f"{name:>10}" for name in ("operators", "MB moved", "peak MB", "ms"))
    print(f"{'sequences x frames x d_model -> inner':38}{columns}")
    for sequences, frames, d_model, inner in SHAPES:
        torch.manual_seed(0)
        layer = Mamba2(d_model, expand=inner / d_model, headdim=inner // 8, backend="torch")
        u = torch.randn(sequences, frames, d_model, requires_grad=True)
        weight = torch.randn(sequences, frames, d_model)

        def step(layer: Mamba2 = layer, u: Tensor = u, weight: Tensor = weight) -> None:
            with torch.autocast("cpu", torch.bfloat16) if options.bf16 else nullcontext():
                y = layer(u)
            torch.autograd.grad(y, [u, *layer.parameters()], weight.to(y.dtype))

        with Count() as count:
            step()
        peak = peak_memory_mb(step, [u, weight, *layer.parameters()])
        shape = f"{sequences} x {frames} x {d_model} -> {inner}"
        print(f"{shape:38}{count.operators:10}{count.bytes / 1e6:10.1f}{peak:10.1f}", end="", flush=True)
        print(f"{cpu_ms(step, options.seconds):10.2f}", flush=True)


if __name__ == "__main__":
    main()
