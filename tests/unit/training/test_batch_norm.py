"""Batch norm over processes, against that of PyTorch on the whole batch."""

import pytest
import torch
import torch.distributed as dist
from torch import nn

from poselift.training.distributed import Ranks

CPU = torch.device("cpu")


@pytest.fixture
def alone():
    """A group of this process alone: its sums are its own."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_gradients_and_running_statistics_are_those_of_pytorch(alone, dtype):
    torch.manual_seed(0)
    theirs = nn.BatchNorm1d(5).to(dtype)
    ours = nn.Sequential(nn.BatchNorm1d(5)).to(dtype)
    Ranks(size=2).synchronise(ours, CPU)
    assert [f"0.{name}" for name in theirs.state_dict()] == list(ours.state_dict())
    for _ in range(3):
        x = (3 + torch.randn(4, 5, 6, dtype=dtype)).requires_grad_()
        found = []
        for norm in (theirs, ours):
            y = norm(x)
            found.append([y, *torch.autograd.grad((y * x.detach()).square().sum(), [x, *norm.parameters()])])
        for a, b in zip(*found, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
    for a, b in zip(theirs.state_dict().values(), ours.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b)
    torch.testing.assert_close(theirs.eval()(x), ours.eval()(x))


def test_layers_without_a_state_stay_as_they_are():
    model = nn.Sequential(nn.BatchNorm1d(5, track_running_stats=False), nn.BatchNorm1d(5, affine=False))
    Ranks(size=2).synchronise(model, CPU)
    assert {type(layer) for layer in model} == {nn.BatchNorm1d}
    lone = nn.Sequential(nn.BatchNorm1d(5))
    Ranks().synchronise(lone, CPU)
    assert type(lone[0]) is nn.BatchNorm1d
