"""Operators, products and memory of a step, against what PyTorch counts in a step that is computed."""

from collections import Counter

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from poselift.config.command_line import run_from_options
from poselift.models import mlp_triton
from poselift.models.cost import peak_memory_mb
from poselift.models.registry import build_run
from poselift.planning.gpus import GPUS, REACHED, Gpu, gpu_named
from poselift.training import step_cost
from poselift.training.losses import losses
from poselift.training.recomputation import recompute
from poselift.training.step_cost import Operator, StepCost, count_step, without_matrices


def tiny(architecture: str, **options: object):
    shape = {"size": "tiny", "depth": 3, "dim": 16, "n_frames": 9, "batch_size": 4}
    return run_from_options({"architecture": architecture} | shape | options)


def test_a_step_takes_the_longer_of_traffic_and_products_and_a_launch():
    gpu = Gpu("made up", memory=1, bandwidth=1, single=2, half=200, launch=0.5)
    moved = Operator(bytes=int(3e12 * REACHED["bandwidth"]), flops=0, half=False)
    products = Operator(bytes=1, flops=int(8e12 * REACHED["single"]), half=False)
    in_half = Operator(bytes=1, flops=int(200e12 * REACHED["half"]), half=True)
    assert gpu.seconds(StepCost(Counter([moved]), 0, 0)) == pytest.approx(3 + 0.5)
    assert gpu.seconds(StepCost(Counter([products] * 2), 0, 0)) == pytest.approx(2 * (4 + 0.5))
    assert gpu.seconds(StepCost(Counter([in_half]), 0, 0)) == pytest.approx(1 + 0.5)


@pytest.mark.parametrize("architecture", ["baseline", "full"])
def test_products_are_those_of_a_step_that_is_computed(architecture):
    run = tiny(architecture)
    model, poses = without_matrices(build_run(run)), torch.randn(4, 9, 17, 3)
    attention = []

    class Counting(FlopCounterMode):
        """Attention on the CPU is an operator that PyTorch's counter does not know."""

        def _count_flops(self, func, out, args, kwargs):
            if "flash_attention_for_cpu" in str(func):
                backward = "backward" in str(func)
                b, h, t, c = args[backward].shape
                attention.append((5 if backward else 2) * 2 * b * h * t * t * c)
            return super()._count_flops(func, out, args, kwargs)

    with Counting(display=False) as counter:
        losses(model(poses), poses)["total"].backward()
    counted = count_step(run, fused=False).operators
    assert attention
    assert sum(one.flops * number for one, number in counted.items()) == counter.get_total_flops() + sum(
        attention
    )


def test_memory_is_what_autograd_keeps_of_a_step_that_is_computed():
    run, kept = tiny("baseline"), {}
    model, poses = without_matrices(build_run(run)), torch.randn(4, 9, 17, 3)

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(poses)
    saved = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    optimiser = 4 * sum(parameter.nbytes for parameter in model.parameters())
    assert count_step(run, fused=False).kept == pytest.approx(saved + optimiser, rel=0.01)


@pytest.mark.parametrize("architecture", ["baseline", "full"])
@pytest.mark.parametrize("again", [False, True], ids=["kept", "computed again"])
def test_memory_is_what_the_allocator_gives_out_in_a_step_that_is_computed(architecture, again):
    run = tiny(architecture, depth=2, n_frames=27)
    model, poses = without_matrices(build_run(run).train()), torch.randn(4, 27, 17, 3)
    if again:
        recompute(model)
    parameters = list(model.parameters())
    used = peak_memory_mb(lambda: losses(model(poses), poses)["total"].backward(), [poses, *parameters])
    moments = 2 * sum(parameter.nbytes for parameter in parameters)  # of the optimiser, which does not run
    planned = (count_step(run, fused=False, again=again).memory - moments) / 1e6
    assert used < planned < 1.25 * used


@pytest.mark.parametrize("architecture", ["baseline", "mamba_gcn", "full"])
@pytest.mark.parametrize("fused", [False, True])
def test_alike_blocks_are_counted_once_and_come_to_the_same(architecture, fused, monkeypatch):
    run = tiny(architecture, depth=4)
    short = count_step(run, fused)
    monkeypatch.setattr(step_cost, "_shortened", lambda model: {})
    whole = count_step(run, fused)
    flops = [sum(one.flops * number for one, number in cost.operators.items()) for cost in (short, whole)]
    moved = [sum(one.bytes * number for one, number in cost.operators.items()) for cost in (short, whole)]
    assert flops[0] == flops[1]
    assert moved[0] == pytest.approx(moved[1], rel=0.05)
    assert short.memory == pytest.approx(whole.memory, rel=0.05)


def test_accumulation_and_processes_cut_the_memory_and_half_precision_the_traffic():
    whole = count_step(tiny("baseline"), fused=True)
    parts = count_step(tiny("baseline", gradient_accumulation_steps=2), fused=True)
    shared = count_step(tiny("baseline", processes=2), fused=True)
    assert parts.memory == shared.memory < 0.7 * whole.memory
    assert sum(parts.operators.values()) == 2 * sum(shared.operators.values())
    half = count_step(tiny("baseline", precision="bf16"), fused=True)
    assert half.memory < whole.memory
    assert any(one.half and one.flops for one in half.operators)


def test_the_kernels_keep_and_move_less_than_torch():
    fused, plain = (count_step(tiny("mamba_gcn"), fused=fused) for fused in (True, False))
    assert sum(fused.operators.values()) < sum(plain.operators.values())


def test_a_device_is_found_by_the_name_that_its_driver_gives_it():
    assert gpu_named("NVIDIA A100-SXM4-80GB") is GPUS["A100"]
    assert gpu_named("NVIDIA GeForce RTX 4090") is GPUS["RTX 4090"]
    assert gpu_named("cpu") is GPUS["CPU"]
    with pytest.raises(Exception, match=r"unknown device 'H10' \(did you mean 'H100'\?\)"):
        gpu_named("H10")


def test_a_kernel_of_the_project_counts_with_what_torch_does_around_it():
    rows, dim, hidden = 64, 16, 64
    shapes = [(rows, dim), (dim,), (dim,), (hidden, dim), (hidden,), (dim, hidden), (dim,), (dim,)]
    with FakeTensorMode(), step_cost._Count() as count:
        mlp_triton.mlp(*(torch.empty(shape) for shape in shapes), 1e-5, torch.bfloat16)
    weight, token = hidden * dim, rows * dim
    halved = Operator((4 + 2) * weight, 0, half=True)
    # in and out, both weights in half precision, four vectors as wide as a token and one as the hidden layer
    moved = 2 * 4 * token + 2 * 2 * weight + 4 * (4 * dim + hidden)
    assert count.operators == Counter({halved: 2, Operator(moved, 4 * token * hidden, half=True): 1})


def test_half_precision_keeps_and_moves_less_by_kernels():
    run = tiny("baseline", precision="bf16")
    fused, plain = count_step(run, fused=True), count_step(run, fused=False)
    assert fused.kept < 0.8 * plain.kept
    assert count_step(tiny("baseline", precision="bf16", kernels="torch"), fused=True) == plain
    single = tiny("baseline")
    assert count_step(single, fused=True) == count_step(single, fused=False)
