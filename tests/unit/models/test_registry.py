"""Models by name: what a configuration may say, and what depends on what."""

import subprocess
import sys

import pytest
import torch

from narrow import settings_of
from poselift.config.architectures import built_in
from poselift.config.recipes import out_of_range
from poselift.config.sizes import ModelSize
from poselift.errors import PoseliftError
from poselift.models.architectures import full, mamba_gcn
from poselift.models.registry import build_model
from poselift.training.report import ssm_backend_used

SIZE = ModelSize(depth=1, dim=16)


def error_of(
    architecture: str = "full", size: str | ModelSize = SIZE, n_frames: int = 9, **settings: object
) -> str:
    with pytest.raises(PoseliftError) as error:
        build_model(architecture, size, n_frames, **settings)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_unknown_names_suggest_known_ones() -> None:
    assert error_of("mambagcn") == "unknown architecture 'mambagcn' (did you mean 'mamba_gcn'?)"
    assert error_of(size="huge").startswith("unknown size 'huge' (known: xsmall, small, base, large)")
    assert error_of(mamba_gcn_dims=3) == "full: mamba_gcn_dims: unknown key (did you mean 'mamba_gcn_dim'?)"


def test_layers_have_no_meaning_for_full() -> None:
    reason = "mamba_gcn_layers has no meaning for 'full': each of its blocks has a MambaGCN branch"
    assert error_of("full", mamba_gcn_layers=4) == f"full: {reason}"


@pytest.mark.parametrize(
    ("architecture", "key", "value"),
    [
        ("mamba_gcn", "mamba_gcn_layers", -1),
        ("mamba_gcn", "mamba_gcn_layers", 0),
        ("full", "mamba_gcn_dim", -8),
        ("full", "mamba_gcn_dim", 100),
        ("full", "fusion_alpha", 0),
        ("full", "fusion_alpha", 1.0),
        ("full", "gcn_dropout", -0.1),
        ("full", "gcn_dropout", 1.0),
        ("full", "fusion_alpha", float("nan")),
        ("full", "ssm_backend", "cuda"),
        ("full", "ssm_directions", "backward"),
        ("baseline", "spatial_graph", "full"),
    ],
)
def test_nonsense_is_an_error_that_names_it(architecture: str, key: str, value: object) -> None:
    text = error_of(architecture, **{key: value})
    assert text.startswith(f"{architecture}: {key}: ")
    assert repr(value) in text


def test_switches_that_contradict() -> None:
    assert "without the SSM" in error_of(mamba_gcn_parts="gcn", ssm_directions="forward")
    assert "with one part" in error_of(mamba_gcn_parts="ssm", mamba_gcn_fusion="fixed")


@pytest.mark.parametrize("n_frames", [0, 1, -3, 2.5])
def test_number_of_frames(n_frames: int) -> None:
    assert error_of(n_frames=n_frames) == f"n_frames: expected an integer of at least 2, found {n_frames}"


@pytest.mark.parametrize(
    ("key", "value", "bounds"),
    [
        ("mamba_gcn_dim", 120, "128 to 512"),
        ("mamba_gcn_dim", 520, "128 to 512"),
        ("mamba_gcn_layers", 1, "2 to 6"),
        ("mamba_gcn_layers", 7, "2 to 6"),
        ("fusion_alpha", 0.29, "0.3 to 0.7"),
        ("fusion_alpha", 0.71, "0.3 to 0.7"),
        ("gcn_dropout", 0.0, "0.1 to 0.3"),
        ("gcn_dropout", 0.31, "0.1 to 0.3"),
    ],
)
def test_advice_names_what_is_out_of_range(key: str, value: float, bounds: str) -> None:
    (line,) = out_of_range(mamba_gcn.Settings(**{key: value}))
    assert line == f"{key} = {value} is outside the range it is meant for, {bounds}"


def test_no_advice_within_the_ranges() -> None:
    assert out_of_range(mamba_gcn.Settings()) == out_of_range(full.Settings()) == []
    for ends in ((128, 2, 0.3, 0.1), (512, 6, 0.7, 0.3)):
        names = ("mamba_gcn_dim", "mamba_gcn_layers", "fusion_alpha", "gcn_dropout")
        assert out_of_range(mamba_gcn.Settings(**dict(zip(names, ends, strict=True)))) == []


def test_ssm_backend_used() -> None:
    assert ssm_backend_used(build_model("baseline", SIZE, 9)) is None
    assert ssm_backend_used(build_model("full", SIZE, 9, ssm_backend="torch")) == "torch"


@pytest.mark.parametrize("architecture", built_in())
@pytest.mark.parametrize("dim", [8, 16, 24, 32])
def test_every_width_is_possible(architecture: str, dim: int) -> None:
    settings = settings_of(architecture, mamba_gcn_dim=64)
    model = build_model(architecture, ModelSize(depth=1, dim=dim), 3, **settings)
    assert model(torch.randn(1, 3, 17, 3)).isfinite().all()


def test_baseline_imports_neither_ssm_nor_other_architectures() -> None:
    script = (
        "import sys; from poselift.models.registry import build_model; build_model('baseline', 'xsmall', 3);"
        "print(*sorted(m for m in sys.modules if m.startswith('poselift.models.')))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    names = {name.removeprefix("poselift.models.") for name in loaded.split()}
    architectures = {"architectures", "architectures.baseline", "attention_graph_settings"}
    assert names == {"registry", "blocks", "attention", "graph", "precision"} | architectures
