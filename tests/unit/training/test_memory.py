"""What is computed again in place of being kept changes no bit; a run says what it needs, or is refused."""

import logging
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn

from gpu_stand_in import MEMORY, gpus
from poselift.config.command_line import run_from_options
from poselift.config.files import read_configuration
from poselift.config.run import ExecutionSettings
from poselift.errors import PoseliftError
from poselift.models.blocks import MLP
from poselift.models.registry import build_model
from poselift.planning.estimates import trainings
from poselift.planning.gpus import GPUS
from poselift.training.memory import ROOM, recomputes, settle
from poselift.training.recomputation import recompute
from poselift.training.step_cost import StepCost, count_step
from poselift.training.train import train
from project import REPOSITORY

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
KEEP, RECOMPUTE = (ExecutionSettings(memory=memory) for memory in ("keep", "recompute"))


def runs_of(kind: type[nn.Module], model: nn.Module) -> list[int]:
    """A number that counts how often modules of that kind run."""
    count = [0]
    for module in model.modules():
        if isinstance(module, kind):
            module.register_forward_pre_hook(lambda *_: count.__setitem__(0, count[0] + 1))
    return count


@pytest.mark.parametrize("architecture", ["baseline", "mamba_gcn", "full"])
def test_parts_run_twice_and_batch_norm_once(architecture):
    model = build_model(architecture, "xsmall", 9).train()
    recompute(model)
    parts, norms = runs_of(nn.GELU, model), runs_of(nn.BatchNorm1d, model)
    there = Counter(type(module) for module in model.modules())
    model(torch.randn(2, 9, 17, 3)).sum().backward()
    assert (parts[0], norms[0]) == (2 * there[nn.GELU], there[nn.BatchNorm1d])


def test_without_gradients_nothing_runs_twice():
    model = build_model("baseline", "xsmall", 9).eval()
    poses = torch.randn(1, 9, 17, 3)
    with torch.inference_mode():
        expected = model(poses)
        recompute(model)
        parts = runs_of(nn.GELU, model)
        assert torch.equal(model(poses), expected)
    assert parts[0] == sum(isinstance(module, nn.GELU) for module in model.modules())


def test_a_lifter_of_ones_own_stays_as_it_is():
    model = nn.Sequential(MLP(8))
    recompute(model)
    parts = runs_of(nn.GELU, model)
    model(torch.randn(2, 8)).sum().backward()
    assert parts[0] == 1


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_weights_are_the_same_bits_also_where_a_resumed_run_changes_over(
    precision, store, tmp_path, settings
):
    """With dropout, batch norm and every kind of block."""
    wanted = settings(
        architecture="full", depth=2, mamba_gcn_dim=8, gcn_dropout=0.3, precision=precision, epochs=2
    )
    train(wanted, store, tmp_path / "kept", CPU, KEEP)
    train(wanted, store, tmp_path / "again", CPU, RECOMPUTE)
    train(wanted, store, tmp_path / "both", CPU, RECOMPUTE, stop_after=1)
    train(wanted, store, tmp_path / "both", CPU, KEEP, resume="newest")
    kept, again, both = (
        (tmp_path / name / "last_model.safetensors").read_bytes() for name in ("kept", "again", "both")
    )
    assert kept == again
    assert kept == both


def cost(kept: int) -> StepCost:
    return StepCost(Counter(), kept, 0)


@pytest.mark.parametrize(
    ("memory", "compiled", "room", "again"),
    [
        ("auto", False, 10, False),
        ("auto", False, 9, True),
        ("auto", False, 1, True),
        ("auto", True, 9, False),
        ("keep", False, 9, False),
        ("recompute", False, 10, True),
        ("recompute", True, 10, False),
    ],
)
def test_parts_are_computed_again_where_it_does_not_fit_otherwise(memory, compiled, room, again):
    found = settle(memory, compiled, lambda again: cost(4 if again else 10), lambda cost: cost.kept <= room)
    assert found == (again, cost(4 if again else 10))


def test_what_would_not_help_is_not_done():
    assert settle("auto", False, lambda again: cost(10), lambda cost: False) == (False, cost(10))


def tiny(**changed: object):
    shape = {"architecture": "baseline", "size": "tiny", "depth": 2, "dim": 16, "n_frames": 9}
    return run_from_options(shape | {"batch_size": 8} | changed)


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.INFO)
    return caplog


def test_a_run_says_what_it_needs_before_it_starts(said):
    with gpus() as asked:
        assert not recomputes(tiny(), "auto", GPU, fused=False)
        assert said.messages[-1].endswith("needs about 0 GB of memory of the 86 GB that are free on cuda:0")
        kept, again = (count_step(tiny(), fused=False, again=again).memory for again in (False, True))
        for free, expected in ((kept / ROOM + 1, False), (kept / ROOM - 1, True), (again / ROOM - 1, True)):
            asked.mem_get_info.return_value = (free, MEMORY)
            assert recomputes(tiny(), "auto", GPU, fused=False) == expected
        assert said.messages[-2].endswith("with parts of the model computed again in the backward pass")
        assert said.messages[-1].endswith("; it may not be enough")
    assert not recomputes(tiny(), "auto", CPU, fused=False)


def test_a_run_that_cannot_fit_is_refused_with_what_to_do(said):
    with gpus() as asked:
        asked.mem_get_info.return_value = (10**6, 10**6)
        with pytest.raises(PoseliftError) as refused:
            recomputes(tiny(), "auto", GPU, fused=False)
        recomputes(tiny(compile=True), "auto", GPU, fused=False)
    line = str(refused.value)
    assert "\n" not in line
    assert "baseline-tiny-s0: needs about 0 GB of memory, cuda:0 has 0 GB; try --grad" in line
    assert line.endswith("or --precision bf16, or a smaller batch_size")
    assert "or less, as it is compiled" in said.messages[-1]


def configured():
    """Of each architecture in config.yaml the run of most blocks, channels, frames and clips, and its largest
    trial of the search."""
    config = read_configuration([REPOSITORY / "config.yaml"])
    largest = {}
    for training in trainings(config, Path("none")):
        run = training.settings
        key = run.architecture, training.group == "search"
        volume = run.depth * run.dim * run.n_frames * run.training.batch_size
        if key not in largest or volume > largest[key][0]:
            largest[key] = volume, run
    return [run for _, run in largest.values()]


def test_all_of_the_configuration_fits_a_card_of_80_gb():
    runs = configured()
    assert max(run.training.batch_size for run in runs) == 96  # of the search
    for run in runs:
        assert GPUS["H100"].holds(count_step(run, fused=True, again=True)), run.name


@pytest.mark.parametrize(("batch_size", "gpu"), [(16, "RTX 4090"), (64, "H100")])
def test_base_fits_smaller_cards(batch_size, gpu):
    run = run_from_options({"architecture": "full", "size": "base", "batch_size": batch_size})
    assert not GPUS[gpu].holds(count_step(run, fused=True))
    assert GPUS[gpu].holds(count_step(run, fused=True, again=True))
