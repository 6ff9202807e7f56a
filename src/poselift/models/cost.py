"""What a model costs: parameters, multiply-accumulates by stated conventions, latency and peak memory.

Multiply-accumulates (MACs) of one clip through the model, by three conventions:

- `macs_linear`: linear layers only. So count the published figures of MotionAGFormer, which leave out every
  product inside attention and graph.
- `macs_all`: all matrix products of the model as defined, those inside attention, graph and state space model
  included. The adjacency D^-1/2 A D^-1/2 of each of MotionAGFormer's graphs counts as two dense products.
- `macs_executed`: all matrix products that this implementation carries out: it scales in place of these two.
"""

import argparse
import functools
import itertools
import logging
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.profiler import ProfilerActivity, profile
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import FlopCounterMode

from poselift.config.architectures import Architecture
from poselift.config.command_line import architectures_among
from poselift.config.options import add_options
from poselift.config.sections import parse
from poselift.config.sizes import SIZES, ModelSize
from poselift.errors import PoseliftError
from poselift.files import atomic_path
from poselift.models.graph import GraphConvolution
from poselift.models.registry import build_model
from poselift.program import run
from poselift.skeleton import N_JOINTS

BATCHES = (1, 16)


@dataclass(frozen=True)
class Cost:
    """Parameters of a model, and multiply-accumulates of one clip by the three conventions."""

    parameters: int
    macs_linear: int
    macs_all: int
    macs_executed: int


def count(
    architecture: str | Architecture, size: str | ModelSize, n_frames: int = 243, **hyperparameters: Any
) -> Cost:
    """Count in a forward pass of one clip; arguments as of `build_model`."""
    if "ssm_backend" in hyperparameters:
        hyperparameters["ssm_backend"] = "torch"  # the one that PyTorch's counter can look into
    # the meta device computes nothing; what a lifter of the user's does may depend on the values
    device = "cpu" if isinstance(architecture, Architecture) and architecture.source else "meta"
    # built on the CPU: drawing weights on the meta device would first load torch's compiler, for seconds
    model = build_model(architecture, size, n_frames, **hyperparameters).eval().to(device)
    modules = list(model.modules())
    linear = {module: 0 for module in modules if isinstance(module, nn.Linear)}

    def add_rows(module: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> None:
        linear[module] += inputs[0].shape[:-1].numel()  # type: ignore[index]

    for module in linear:
        module.register_forward_hook(add_rows)
    # attention as two products: the kernel that a CPU has for it is not counted
    products = sdpa_kernel(SDPBackend.MATH)
    with torch.device(device), torch.no_grad(), products, FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, n_frames, N_JOINTS, 3))
    executed = counter.get_total_flops() // 2
    # A graph with n nodes is there as often as the n of others: n T J / n graphs of n x n each.
    nodes = [len(graph.batch_norm.weight) for graph in modules if isinstance(graph, GraphConvolution)]
    normalisation = sum(2 * n**2 * n_frames * N_JOINTS for n in nodes)
    return Cost(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        # a layer whose weights are used without calling it has a row for each token
        macs_linear=sum(m.weight.numel() * (rows or n_frames * N_JOINTS) for m, rows in linear.items()),
        macs_all=executed + normalisation,
        macs_executed=executed,
    )


def latency_ms(call: Callable[[], object]) -> float:
    """Median time of a call, in milliseconds."""
    timer = Timer("call()", globals={"call": call}, num_threads=torch.get_num_threads())
    return timer.blocked_autorange(min_run_time=1).median * 1e3


def peak_memory_mb(call: Callable[[], object], held: Iterable[Tensor]) -> float:
    """The most memory that tensors take at once during a call, in MB; `held` are those there before it."""
    held = list(held)
    if held[0].is_cuda:
        torch.cuda.reset_peak_memory_stats()
        call()
        return torch.cuda.max_memory_allocated() / 1e6
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        call()
    events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    changes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return (sum(tensor.nbytes for tensor in held) + max(itertools.accumulate(changes), default=0)) / 1e6


def measure(
    architecture: str | Architecture, size: str | ModelSize, n_frames: int, **hyperparameters: Any
) -> dict[str, float]:
    """Latency and peak memory of a forward pass for each of `BATCHES`, on the GPU if there is one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = build_model(architecture, size, n_frames, **hyperparameters).eval().to(device)
    figures: dict[str, float] = {}
    for batch in BATCHES:
        clips = torch.randn(batch, n_frames, N_JOINTS, 3, device=device)
        predict = functools.partial(model, clips)
        with torch.inference_mode():
            figures[f"latency_ms_b{batch}"] = round(latency_ms(predict), 2)
            held = [*model.parameters(), *model.buffers(), clips]
            figures[f"memory_mb_b{batch}"] = round(peak_memory_mb(predict, held), 1)
    return figures


def main(argv: list[str] | None = None) -> None:
    """Print the costs of models, and write them as a table."""
    parser = argparse.ArgumentParser(description="Parameters and multiply-accumulates (MACs) of models.")
    known = architectures_among(sys.argv[1:] if argv is None else argv)
    parser.add_argument("--architecture", action="append", choices=known, help="repeatable (default: all)")
    parser.add_argument("--architecture-file", metavar="FILE", help="where a lifter of your own is")
    parser.add_argument("--size", action="append", help="repeatable (default: the published sizes)")
    parser.add_argument("--depth", type=int, help="number of blocks, for one size of your own")
    parser.add_argument("--dim", type=int, help="channels per token, for one size of your own")
    parser.add_argument("--n-frames", type=int, default=243, help="frames per clip (default: 243)")
    parser.add_argument("--measure", action="store_true", help="measure latency and peak memory as well")
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help="write the table here")
    settings = [one.settings for one in known.values()]
    add_options(parser, *settings)
    given = vars(parser.parse_args(argv))
    logging.basicConfig(format="%(levelname)s: %(message)s")

    hyperparameters = {name: given[name] for s in settings for name in s.model_fields if name in given}
    architectures = given["architecture"] or list(known)
    for name in hyperparameters:
        if not any(name in known[a].settings.model_fields for a in architectures):
            raise PoseliftError(
                f"--{name.replace('_', '-')} has no meaning for architecture {', '.join(architectures)}"
            )
    rows: list[dict[str, Any]] = []
    for one in map(known.__getitem__, architectures):
        own = {name: value for name, value in hyperparameters.items() if name in one.settings.model_fields}
        for name, size in _sizes(given["size"], given["depth"], given["dim"]).items():
            row = {"architecture": one.name, "size": name, "n_frames": given["n_frames"]}
            row |= asdict(count(one, size, given["n_frames"], **own))
            if given["measure"]:
                row |= measure(one, size, given["n_frames"], **own)
            rows.append(row)
    table = pd.DataFrame(rows)
    print(_readable(table).to_string(index=False))
    if given["out"]:
        with atomic_path(given["out"]) as temporary:
            table.to_csv(temporary, index=False)


def _sizes(names: list[str] | None, depth: int | None, dim: int | None) -> dict[str, str | ModelSize]:
    """The sizes asked for, by name."""
    if depth is None and dim is None:
        return {name: name for name in names or SIZES}
    if depth is None or dim is None or len(names or []) > 1:
        raise PoseliftError("a size of your own needs both --depth and --dim, and at most one --size")
    return {(names or ["custom"])[0]: parse(ModelSize, {"depth": depth, "dim": dim}, "options")}


def _readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table with MACs in units of 10^9 and parameters with separators."""
    macs = [column for column in table if str(column).startswith("macs")]
    return table.assign(
        parameters=table["parameters"].map("{:,}".format),
        **{str(column): (table[column] / 1e9).map("{:.2f} G".format) for column in macs},
    )


if __name__ == "__main__":
    run(main)
