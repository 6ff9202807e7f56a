"""The controls of the ablation: as large as what they are compared with, and different in one thing."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from poselift.config import yaml_files
from poselift.config.architectures import find
from poselift.config.experiment import Config
from poselift.config.run import RunSettings
from poselift.config.sections import parse
from poselift.config.sizes import ModelSize
from poselift.errors import PoseliftError
from poselift.models import attention
from poselift.models.controls import layers
from poselift.models.mamba_gcn_block import MambaGCNBlock
from poselift.models.registry import build_model

SIZE = ModelSize(depth=2, dim=16)
CONTROL = {
    name: find(f"{name}_control", f"poselift.models.controls.{name}")
    for name in ("mixer", "placement", "positions")
}


def parameters(run: RunSettings) -> int:
    """Counted without the forward pass by which a lifter that is not the project's own is tried out."""
    module = find(run.architecture, run.architecture_file).module
    model: nn.Module = module.build(ModelSize(depth=run.depth, dim=run.dim), run.n_frames, run.model)
    return sum(each.numel() for each in model.parameters())


def test_every_control_of_the_paper_has_the_parameters_of_what_it_is_compared_with() -> None:
    config = yaml_files.load(Path(__file__).parents[3] / "config.yaml", Config)
    entries = {entry.name: entry for entry in config.ablation if entry.against}
    assert {"mixer_attention", "mixer_convolution", "mixer_mlp", "wider", "deeper"} <= entries.keys()
    compared = {
        base: parameters(config.run(*base, seed=0)) for base in {one.base for one in entries.values()}
    }
    ratios = {
        name: parameters(config.run(entry.architecture, entry.size, 0, entry)) / compared[entry.base]
        for name, entry in entries.items()
    }
    assert {name: ratio for name, ratio in ratios.items() if abs(ratio - 1) > 0.02} == {}
    # the published baseline is no such control: it has two thirds of the parameters
    assert parameters(config.run("baseline", "base", seed=0)) / compared["full", "base"] < 0.7


@pytest.mark.parametrize("make", [layers.TemporalAttention, layers.TemporalConvolution, layers.TokenMLP])
def test_of_all_widths_that_heads_divide_the_closest_in_parameters_is_taken(
    make: Callable[..., nn.Module],
) -> None:
    sizes = [layers.parameters(make(16, width)) for width in range(8, 400, 8)]
    for budget in (1500, 6000, 11000):
        found = layers.parameters(layers.matched(lambda width: make(16, width), budget))
        assert abs(found - budget) == min(abs(size - budget) for size in sizes)


def test_attention_of_the_models_width_is_the_models() -> None:
    torch.manual_seed(0)
    theirs, ours = attention.TemporalAttention(16), layers.TemporalAttention(16, 16)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 7, 17, 16)
    torch.testing.assert_close(ours(x), theirs(x))


def test_convolution_by_its_definition() -> None:
    torch.manual_seed(0)
    mixer, x = layers.TemporalConvolution(8, 16), torch.randn(2, 40, 17, 8)
    value, gate = mixer.into(x).split(16, dim=-1)
    gated = value * gate.sigmoid()
    expected = torch.zeros(2, 40, 17, 16)
    for t in range(40):
        for k in range(31):
            if 0 <= (source := t + k - 15) < 40:
                expected[:, t] += mixer.conv1d.weight[:, 0, k] * gated[:, source]
    torch.testing.assert_close(mixer(x), mixer.out(F.silu(expected + mixer.conv1d.bias)))


@pytest.mark.parametrize(
    ("make", "reach"),
    [(layers.TemporalAttention, 40), (layers.TemporalConvolution, 15), (layers.TokenMLP, 0)],
)
def test_a_mixer_sees_so_many_frames_of_the_same_joint(make: Callable[..., nn.Module], reach: int) -> None:
    torch.manual_seed(0)
    mixer, x = make(8, 16), torch.randn(1, 40, 17, 8)
    changed = x.clone()
    changed[0, 20, 3] += 1
    moved = (mixer(changed) - mixer(x)).abs().amax(-1)[0] > 1e-6  # (T, J)
    frames = [t for t in range(40) if abs(t - 20) <= reach]
    assert moved.nonzero().tolist() == [[t, 3] for t in frames]


@pytest.mark.parametrize("mixer", ["ssm", "attention", "convolution", "mlp"])
def test_nothing_but_the_ssm_is_replaced(mixer: str) -> None:
    full = build_model("full", SIZE, 9, mamba_gcn_dim=48)
    control = build_model(CONTROL["mixer"], SIZE, 9, mamba_gcn_dim=48, mixer=mixer)
    shapes = [{name: each.shape for name, each in model.named_parameters()} for model in (full, control)]
    others = [{name: of[name] for name in of if ".ssm." not in name} for of in shapes]
    assert others[0] == others[1]
    assert (shapes[0] == shapes[1]) == (mixer == "ssm")
    control(torch.randn(1, 9, 17, 3)).sum().backward()
    assert all(each.grad is not None for each in control.parameters())


def test_a_larger_state_adds_its_projections_and_their_convolution() -> None:
    models = (build_model(CONTROL["mixer"], SIZE, 9, mamba_gcn_dim=32, ssm_state=n) for n in (16, 64))
    counts = [layers.parameters(model) for model in models]
    # B and C of each of two directions and two blocks: a column for each of 16 channels, four taps and a bias
    assert counts[1] - counts[0] == 2 * 2 * 2 * (64 - 16) * (16 + 4 + 1)


@pytest.mark.parametrize(("placement", "expected"), [("first", "MMBB"), ("last", "BBMM")])
def test_blocks_are_moved_together(placement: str, expected: str) -> None:
    model = build_model(
        CONTROL["placement"], SIZE, 9, mamba_gcn_dim=32, mamba_gcn_layers=2, placement=placement
    )
    assert "".join("M" if isinstance(layer, MambaGCNBlock) else "B" for layer in model.layers) == expected


def test_places_of_frames_are_all_that_is_added(wake: Callable[[nn.Module], nn.Module]) -> None:
    control = wake(build_model(CONTROL["positions"], SIZE, 9)).eval().double()
    baseline = build_model("baseline", SIZE, 9).eval().double()
    place, *blocks = control.layers
    weights = {name: value for name, value in control.state_dict().items() if not name.startswith("layers.")}
    weights |= {
        f"layers.{i}.{name}": value
        for i, block in enumerate(blocks)
        for name, value in block.state_dict().items()
    }
    baseline.load_state_dict(weights)
    x: Tensor = torch.randn(1, 9, 17, 3, dtype=torch.float64)
    assert not torch.allclose(control(x), baseline(x))
    nn.init.zeros_(place.pos_embed)
    torch.testing.assert_close(control(x), baseline(x))
    assert place.pos_embed.numel() == 9 * 16


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"mixer": "mlp", "ssm_state": 64}, "ssm_state has no meaning with mixer: mlp"),
        ({"without_branch": "mamba_gcn"}, "mixer has no meaning without the SSM"),
        ({"mamba_gcn_parts": "gcn"}, "mixer has no meaning without the SSM"),
    ],
)
def test_settings_that_contradict(settings: dict[str, object], expected: str) -> None:
    with pytest.raises(PoseliftError, match=expected):
        parse(CONTROL["mixer"].settings, settings, "full_mixer")
