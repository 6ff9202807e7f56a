"""What a training step costs on a GPU, on paper: `python tests/benchmarks/on_paper.py`.

Of each architecture and precision ms per step, kernels, GB moved and TFLOP, eager and compiled. Eager steps
are counted as `poselift plan` counts them, with the fused kernels in Triton. Of the compiled ones it is what
Inductor would launch: block by block it compiles forward and backward pass for the CPU, for which it fuses
otherwise than for a GPU; the products of attention, which it does not count, are missing there, and the
project's kernels, which it does not look into, are counted as in the eager step. Both are charged by the same
model of the card. It takes minutes, and no GPU.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch import nn
from torch._inductor import config
from torch._inductor.scheduler import NopKernelSchedulerNode, Scheduler
from torch._subclasses import FakeTensorMode

from poselift.config.command_line import run_from_options
from poselift.config.run import RunSettings, TrainingSettings
from poselift.models.blocks import CHANNELS
from poselift.models.kernel_launch import counted
from poselift.models.registry import build_run
from poselift.planning.gpus import GPUS, gpu_named
from poselift.skeleton import N_JOINTS
from poselift.training.arithmetic import autocast
from poselift.training.step_cost import Operator, StepCost, _Count, count_step, fuse

Operators = Counter[Operator]


@contextmanager
def launched(half: bool) -> Iterator[Operators]:
    """What the compiler launches meanwhile, products in `half` precision or not."""
    found: Operators = Counter()
    generate = Scheduler.codegen

    def codegen(scheduler: Scheduler) -> Any:
        for node in scheduler.nodes:
            size = node.get_read_write_buffers_sizes()
            ours = "poselift" in str(getattr(node.node, "op_overload", ""))
            if size and not ours and not isinstance(node, NopKernelSchedulerNode):
                layouts = [getattr(out.node, "layout", None) for out in node.get_outputs()]
                kinds = {getattr(layout, "dtype", None) for layout in layouts}
                found[Operator(size, node.estimate_flops() or 0, half and torch.float32 not in kinds)] += 1
        return generate(scheduler)

    # a graph that comes from the cache is not scheduled again
    with mock.patch.object(Scheduler, "codegen", codegen), config.patch(fx_graph_cache=False):
        yield found


class OurKernels(_Count):
    """Counts what is in the project's operators alone."""

    def __init__(self) -> None:
        super().__init__()
        self.ours: Operators = Counter()

    def _look_into(self, func: Any, args: Any, kwargs: Any) -> Any:
        before = self.operators.copy()
        out = super()._look_into(func, args, kwargs)
        self.ours += self.operators - before
        return out


def our_kernels(part: nn.Module, x: torch.Tensor, recipe: TrainingSettings) -> Operators:
    """The kernels of the project in a part of a model, forward and backward."""
    with FakeTensorMode(allow_non_fake_inputs=True) as fake, OurKernels() as count:
        with autocast(recipe, x.device):
            out = part(fake.from_tensor(x))
        out.float().sum().backward()
    part.zero_grad()
    return count.ours


def compiled_step(settings: RunSettings) -> Operators:
    """The kernels of a compiled step, counted in a block of each kind and in what is around the blocks."""
    model = build_run(settings).train()
    fuse(model, settings.training)
    blocks = list(model.layers)
    kinds = {repr(block): block for block in blocks}
    model.layers = nn.ModuleList()
    clips = settings.training.batch_size, settings.n_frames, N_JOINTS
    dim = model.joints_embed.out_features
    total: Operators = Counter()
    for part, repeats in [(model, 1), *((kinds[k], n) for k, n in Counter(map(repr, blocks)).items())]:
        is_block = part is not model
        x = torch.randn(*clips, dim if is_block else CHANNELS, requires_grad=is_block)
        total += Counter({one: repeats * n for one, n in our_kernels(part, x, settings.training).items()})
        torch.compiler.reset()
        with launched(settings.training.precision != "fp32") as found, counted(lambda tensors: None):
            with autocast(settings.training, x.device):
                out = torch.compile(part)(x)
            out.float().sum().backward()
        total += Counter({kernel: repeats * number for kernel, number in found.items()})
    return total


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--gpu", default="H100", help=f"one of {', '.join(GPUS)} (default: %(default)s)")
    parser.add_argument("--size", default="base")
    parser.add_argument("--batch-size", type=int, default=16)
    given = parser.parse_args()
    gpu = gpu_named(given.gpu)
    print(f"{gpu.name}, size {given.size}, 243 frames, {given.batch_size} clips per step")
    print(f"{'':32}{'ms':>7}{'kernels':>9}{'GB':>7}{'TFLOP':>7}")
    for precision in ("fp32", "bf16"):
        for architecture in ("baseline", "mamba_gcn", "full"):
            options = {"architecture": architecture, "size": given.size, "n_frames": 243}
            settings = run_from_options(options | {"batch_size": given.batch_size, "precision": precision})
            ways = {"eager": count_step(settings, gpu.fused).operators, "compiled": compiled_step(settings)}
            for way, operators in ways.items():
                milliseconds = 1e3 * gpu.seconds(StepCost(operators, 0, 0))
                moved = sum(one.bytes * number for one, number in operators.items()) / 1e9
                flops = sum(one.flops * number for one, number in operators.items()) / 1e12
                name = f"{architecture}, {precision}, {way}"
                print(
                    f"{name:32}{milliseconds:7.1f}{operators.total():9}{moved:7.0f}{flops:7.2f}", flush=True
                )


if __name__ == "__main__":
    main()
