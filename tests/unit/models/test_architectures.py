"""What holds for every architecture of the project, and how each of the other two extends the baseline."""

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from narrow import settings_of
from poselift.config.architectures import built_in
from poselift.config.sizes import ModelSize
from poselift.errors import PoseliftError
from poselift.models.architectures.mamba_gcn import positions
from poselift.models.blocks import MotionAGFormerBlock
from poselift.models.mamba_gcn_block import MambaGCNBlock
from poselift.models.registry import build_model

Tiny = Callable[..., nn.Module]

every_architecture = pytest.mark.parametrize("architecture", built_in())


def clips(n_frames: int = 9, batch: int = 2, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, n_frames, 17, 3, dtype=dtype, generator=generator)


@every_architecture
@pytest.mark.parametrize("shape", [(1, 9, 16, 3), (1, 9, 17, 2), (1, 8, 17, 3), (9, 17, 3)])
def test_wrong_input_is_named(architecture: str, shape: tuple[int, ...], tiny: Tiny) -> None:
    with pytest.raises(PoseliftError) as error:
        tiny(architecture)(torch.zeros(shape, dtype=torch.float64))
    assert (
        str(error.value) == f"model input: expected (clips, 9 frames, 17 joints, 3 channels), found {shape}"
    )


@every_architecture
def test_clips_do_not_influence_each_other_in_eval_mode(architecture: str, tiny: Tiny) -> None:
    model, x = tiny(architecture), clips(batch=3)
    y = model(x)
    x[1] = torch.randn(9, 17, 3)
    z = model(x)
    assert torch.equal(z[[0, 2]], y[[0, 2]])
    assert not torch.equal(z[1], y[1])
    torch.testing.assert_close(model(x[2:]), z[2:], rtol=0, atol=1e-12)


@every_architecture
def test_gradcheck(architecture: str, tiny: Tiny) -> None:
    x = clips(n_frames=4, batch=1).requires_grad_()
    assert torch.autograd.gradcheck(tiny(architecture, 4), (x,), fast_mode=True)


@every_architecture
def test_every_parameter_is_used(architecture: str, tiny: Tiny) -> None:
    model = tiny(architecture)
    model(clips()).square().sum().backward()
    unused = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert unused == []


@every_architecture
def test_seed_decides_weights_and_gradients(architecture: str) -> None:
    settings = settings_of(architecture, mamba_gcn_dim=32)

    def gradients() -> list[Tensor]:
        torch.manual_seed(7)
        model = build_model(architecture, ModelSize(depth=2, dim=16), 9, **settings)
        model(clips(dtype=torch.float32)).square().sum().backward()
        return [p.grad for p in model.parameters() if p.grad is not None]

    torch.use_deterministic_algorithms(True)
    try:
        first, second = gradients(), gradients()
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@every_architecture
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_stays_near_single_precision(architecture: str, dtype: torch.dtype, tiny: Tiny) -> None:
    # with the graph over frames fixed: of a near tie, any rounding may make another edge
    model, x = tiny(architecture, 27, temporal_graph="chain").float(), clips(27, dtype=torch.float32)
    expected = model(x)
    with torch.autocast("cpu", dtype):
        found = model(x)
    error = (found.float() - expected).norm() / expected.norm()
    assert error < (0.03 if dtype == torch.bfloat16 else 0.005)


@every_architecture
def test_autocast_trains(architecture: str, tiny: Tiny) -> None:
    model = tiny(architecture).float().train()
    with torch.autocast("cpu", torch.bfloat16):
        y = model(clips(dtype=torch.float32))
    y.float().square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@every_architecture
def test_copy_computes_the_same(architecture: str, tiny: Tiny) -> None:
    model = tiny(architecture)
    assert torch.equal(copy.deepcopy(model)(clips()), model(clips()))


def one_block(architecture: str) -> nn.Module:
    """As little as there is to compile."""
    extra = settings_of(architecture, mamba_gcn_dim=8, gcn_dropout=0.0, mamba_gcn_layers=1)
    torch.manual_seed(0)
    return build_model(architecture, ModelSize(depth=1, dim=8), 9, **extra).double()


every_other_is_slow = pytest.mark.parametrize(
    "architecture", [*(pytest.param(a, marks=pytest.mark.slow) for a in built_in() if a != "full"), "full"]
)


@every_other_is_slow
def test_graph_is_captured_whole(architecture: str, wake: Callable[[nn.Module], nn.Module]) -> None:
    """Forward and backward, without a break and with equal results: all that a compiler needs of a model."""
    model = wake(one_block(architecture)).train()
    twin = copy.deepcopy(model)
    expected = model(clips())
    found = torch.compile(twin, backend="aot_eager", fullgraph=True)(clips())
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
    expected.square().sum().backward()
    found.square().sum().backward()
    for (name, ours), theirs in zip(twin.named_parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-9, atol=1e-9, msg=name)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs a C++ compiler on CPU")
@every_architecture
def test_compiled_gives_equal_results(
    architecture: str,
    wake: Callable[[nn.Module], nn.Module],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    model = wake(one_block(architecture)).eval()
    with torch.no_grad():
        torch.testing.assert_close(torch.compile(model)(clips()), model(clips()), rtol=0, atol=1e-10)


# How the other two extend the baseline


@pytest.mark.parametrize(
    ("depth", "layers", "expected"),
    [
        (16, 4, [4, 8, 12, 16]),
        (12, 2, [6, 12]),
        (26, 4, [7, 13, 20, 26]),
        (12, 6, [2, 4, 6, 8, 10, 12]),
        (2, 1, [2]),
        (2, 4, [1, 1, 2, 2]),
    ],
)
def test_mamba_gcn_blocks_are_spread_evenly(depth: int, layers: int, expected: list[int]) -> None:
    assert positions(depth, layers) == expected
    model = build_model(
        "mamba_gcn", ModelSize(depth=depth, dim=8), 4, mamba_gcn_dim=8, mamba_gcn_layers=layers
    )
    seen, after = 0, []
    for layer in model.layers:
        seen += isinstance(layer, MotionAGFormerBlock)
        after += [seen] * isinstance(layer, MambaGCNBlock)
    assert (seen, after) == (depth, expected)


def test_mamba_gcn_starts_as_the_baseline(wake: Callable[[nn.Module], nn.Module]) -> None:
    size = ModelSize(depth=4, dim=16)
    model = build_model("mamba_gcn", size, 9, mamba_gcn_dim=32, mamba_gcn_layers=2).double().eval()
    baseline = build_model("baseline", size, 9).double().eval()
    own = [layer for layer in model.layers if isinstance(layer, MotionAGFormerBlock)]
    for block in own:
        wake(block)
    weights = {name: value for name, value in model.state_dict().items() if not name.startswith("layers.")}
    for i, block in enumerate(own):
        weights |= {f"layers.{i}.{name}": value for name, value in block.state_dict().items()}
    baseline.load_state_dict(weights)
    difference = (model(clips()) - baseline(clips())).abs().max()
    assert 0 < difference < 1e-3


def test_full_starts_as_the_mean_of_its_branches(wake: Callable[[nn.Module], nn.Module]) -> None:
    torch.manual_seed(0)
    model = build_model("full", ModelSize(depth=1, dim=16), 9, mamba_gcn_dim=32).eval()
    block = model.layers[0]
    for branch in (block.att_temporal, block.graph_temporal, block.mamba_gcn):
        wake(branch)
    x = torch.randn(2, 9, 17, 16)
    attention = block.att_temporal(block.att_spatial(x))
    graph = block.graph_temporal(block.graph_spatial(x))
    torch.testing.assert_close(block(x), (attention + graph + block.mamba_gcn(x)) / 3)
    assert block.fusion.weight.shape == (3, 48)


def test_full_without_mamba_gcn_is_the_baseline(wake: Callable[[nn.Module], nn.Module]) -> None:
    size = ModelSize(depth=2, dim=16)
    full = wake(build_model("full", size, 9, mamba_gcn_dim=32, without_branch="mamba_gcn")).eval().double()
    baseline = build_model("baseline", size, 9).eval().double()
    baseline.load_state_dict(full.state_dict())
    torch.testing.assert_close(full(clips()), baseline(clips()), rtol=0, atol=0)


def test_one_branch_alone_needs_no_fusion(wake: Callable[[nn.Module], nn.Module]) -> None:
    block = wake(build_model("baseline", ModelSize(depth=1, dim=16), 9, without_branch="graph")).layers[0]
    x = torch.randn(2, 9, 17, 16)
    torch.testing.assert_close(block(x), block.att_temporal(block.att_spatial(x)), rtol=0, atol=0)
    assert not any("graph" in name or "fusion" in name for name in block.state_dict())


@pytest.mark.parametrize(
    ("architecture", "change"),
    [
        ("baseline", {"spatial_graph": "symmetric"}),
        ("baseline", {"temporal_graph": "chain"}),
        ("baseline", {"without_branch": "graph"}),
        ("baseline", {"dim_rep": 16}),
        ("full", {"without_branch": "mamba_gcn"}),
        *(
            (architecture, change)
            for architecture in ("mamba_gcn", "full")
            for change in (
                {"mamba_gcn_dim": 64},
                {"fusion_alpha": 0.7},
                {"gcn_dropout": 0.3},
                {"mamba_gcn_parts": "ssm"},
                {"mamba_gcn_parts": "gcn"},
                {"mamba_gcn_fusion": "fixed"},
                {"ssm_directions": "forward"},
                {"spatial_graph": "symmetric"},
                {"temporal_graph": "chain"},
                {"without_branch": "attention"},
                {"dim_rep": 16},
            )
        ),
        ("mamba_gcn", {"mamba_gcn_layers": 3}),
    ],
    ids=str,
)
def test_each_hyperparameter_changes_the_model(architecture: str, change: dict[str, Any]) -> None:
    def trained(**settings: Any) -> tuple[list[tuple[int, ...]], Tensor]:
        base = {} if architecture == "baseline" else {"mamba_gcn_dim": 32}
        torch.manual_seed(0)
        model = build_model(architecture, ModelSize(depth=1, dim=16), 9, **{**base, **settings}).double()
        with torch.no_grad():
            for name, value in model.named_parameters():
                if "layer_scale" in name:
                    value.fill_(1)
        torch.manual_seed(1)
        return [tuple(p.shape) for p in model.parameters()], model(clips())

    shapes, output = trained()
    other_shapes, other_output = trained(**change)
    assert shapes != other_shapes or (output - other_output).abs().max() > 1e-6
