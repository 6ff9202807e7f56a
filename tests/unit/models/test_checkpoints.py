"""Weights from and to files, and one clear line for every file that is not what was expected."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from narrow import settings_of
from poselift.config.architectures import built_in
from poselift.config.sizes import ModelSize
from poselift.errors import PoseliftError
from poselift.models.checkpoints import load_published, load_weights, save_weights
from poselift.models.registry import build_model

SIZE = ModelSize(depth=2, dim=16)
Tiny = Callable[..., nn.Module]
Load = Callable[[Path, nn.Module], nn.Module]


def model(
    architecture: str = "baseline", size: ModelSize = SIZE, n_frames: int = 9, **settings: Any
) -> nn.Module:
    return build_model(
        architecture, size, n_frames, **settings_of(architecture, **{"mamba_gcn_dim": 32} | settings)
    )


def publish(source: nn.Module, path: Path) -> Path:
    """Save as MotionAGFormer's training code does, which wraps the model in `DataParallel`."""
    torch.save(
        {
            "epoch": 60,
            "lr": 2.7e-4,
            "optimizer": torch.optim.AdamW(source.parameters()).state_dict(),
            "model": nn.DataParallel(source).state_dict(),
            "min_mpjpe": np.float64(38.4),
            "wandb_id": None,
        },
        path,
    )
    return path


def save(source: nn.Module, path: Path) -> Path:
    save_weights(source, path)
    return path


def message(load: Load, path: Path, target: nn.Module) -> str:
    with pytest.raises(PoseliftError) as error:
        load(path, target)
    text = str(error.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


def test_published_checkpoint_loads(tiny: Tiny, tmp_path: Path) -> None:
    source = tiny("baseline").float()
    target = model().eval()
    x = torch.randn(1, 9, 17, 3)
    assert not torch.equal(target(x), source(x))
    assert load_published(publish(source, tmp_path / "best_epoch.pth.tr"), target) is target
    assert torch.equal(target(x), source(x))


@pytest.mark.parametrize("architecture", built_in())
def test_safetensors_round_trip(architecture: str, tiny: Tiny, tmp_path: Path) -> None:
    source = tiny(architecture).float()
    path = save(source, tmp_path / "best_model.safetensors")
    target = load_weights(path, model(architecture).eval())
    assert all(
        torch.equal(a, b)
        for a, b in zip(source.state_dict().values(), target.state_dict().values(), strict=True)
    )
    x = torch.randn(1, 9, 17, 3)
    assert torch.equal(target(x), source(x))
    assert set(load_file(path)) == set(source.state_dict())
    assert [p.name for p in tmp_path.iterdir()] == ["best_model.safetensors"]


@pytest.mark.parametrize(
    ("write", "load"), [(publish, load_published), (save, load_weights)], ids=["published", "own"]
)
@pytest.mark.parametrize(
    ("other", "found"),
    [
        (lambda: model(size=ModelSize(depth=3, dim=16)), "baseline, depth 3, dim 16, n_frames 9"),
        (lambda: model(size=ModelSize(depth=2, dim=24)), "baseline, depth 2, dim 24, n_frames 9"),
        (lambda: model(n_frames=27), "baseline, depth 2, dim 16, n_frames 27"),
        (lambda: model("full"), "full, depth 2, dim 16, n_frames 9"),
        (
            lambda: model("mamba_gcn", mamba_gcn_layers=3),
            "mamba_gcn with 3 MambaGCN blocks, depth 2, dim 16, n_frames 9",
        ),
        (lambda: nn.Linear(2, 2), "no pose lifter of this project"),
    ],
    ids=["depth", "dim", "frames", "full", "mamba_gcn", "other"],
)
def test_other_model(
    write: Callable[[nn.Module, Path], Path],
    load: Load,
    other: Callable[[], nn.Module],
    found: str,
    tmp_path: Path,
) -> None:
    path = write(other(), tmp_path / "weights")
    expected = "expected weights of baseline, depth 2, dim 16, n_frames 9, found "
    assert message(load, path, model()) == expected + found


def test_other_hyperparameters(tmp_path: Path) -> None:
    path = save(model("full"), tmp_path / "wide")
    assert message(load_weights, path, model("full", mamba_gcn_dim=64)).startswith(
        "layers.0.mamba_gcn.ssm.forwards."
    )
    text = message(load_weights, path, model("full", ssm_directions="forward"))
    assert text.startswith(
        "other weights than the model's: missing none, unknown layers.0.mamba_gcn.ssm.backwards."
    )


class Code:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("executed",)


def test_code_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "evil.pth.tr"
    torch.save({"model": model().state_dict(), "extra": Code()}, path)
    assert "code" in message(load_published, path, model())
    assert not (tmp_path / "executed").exists()


def test_whole_model_instead_of_weights(tmp_path: Path) -> None:
    torch.save(model(), tmp_path / "whole.pth")
    assert "found poselift.models.blocks.PoseLifter" in message(
        load_published, tmp_path / "whole.pth", model()
    )


@pytest.mark.parametrize("load", [load_published, load_weights])
def test_files_that_are_no_checkpoints(load: Load, tmp_path: Path) -> None:
    assert message(load, tmp_path / "absent", model()) == "no such file"
    for name, content in (
        ("empty", b""),
        ("text", b"hello world"),
        ("zeros", bytes(4096)),
        ("pickle", b"\x80\x04N."),
    ):
        (tmp_path / name).write_bytes(content)
        assert message(load, tmp_path / name, model()).startswith("expected ")


@pytest.mark.parametrize(
    ("write", "load"), [(publish, load_published), (save, load_weights)], ids=["published", "own"]
)
def test_truncated_file(write: Callable[[nn.Module, Path], Path], load: Load, tmp_path: Path) -> None:
    path = write(model(), tmp_path / "weights")
    path.write_bytes(path.read_bytes()[:20000])
    assert "damaged" in message(load, path, model())


@pytest.mark.parametrize("content", [[1, 2], {"state_dict": {}}, {"model": 3}, torch.zeros(3)], ids=str)
def test_checkpoint_without_weights(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "other")
    text = message(load_published, tmp_path / "other", model())
    assert text.startswith("expected a dict with the weights under 'model', found ")


def test_failed_load_leaves_the_model_alone(tmp_path: Path) -> None:
    path = save(model(n_frames=27), tmp_path / "weights")
    target = model()
    before = {name: value.clone() for name, value in target.state_dict().items()}
    message(load_weights, path, target)
    assert all(torch.equal(value, before[name]) for name, value in target.state_dict().items())


@pytest.mark.parametrize(
    "prefix",
    ["module.", "_orig_mod.", "module.module.", "module._orig_mod.", "_orig_mod.module.", "_orig_mod." * 3],
)
@pytest.mark.parametrize("ours", [True, False], ids=["safetensors", "published"])
def test_weights_of_a_wrapped_model_are_loaded(tmp_path, prefix, ours):
    """Data parallelism, compiling, both, in both orders, twice."""
    source, target = model(), model()
    wrapped = {prefix + name: value for name, value in source.state_dict().items()}
    path = tmp_path / ("weights.safetensors" if ours else "best.pth.tr")
    if ours:
        save_file(wrapped, path)
    else:
        torch.save({"model": wrapped}, path)
    (load_weights if ours else load_published)(path, target)
    assert all(torch.equal(value, source.state_dict()[name]) for name, value in target.state_dict().items())


def test_part_of_a_model_that_is_called_module_keeps_its_name(tmp_path):
    source, target = (nn.ModuleDict({"module": nn.Linear(2, 2)}) for _ in range(2))
    save_weights(source, tmp_path / "weights.safetensors")
    load_weights(tmp_path / "weights.safetensors", target)
    assert torch.equal(source["module"].weight, target["module"].weight)


@pytest.mark.parametrize(
    ("extra", "words"), [(["n_averaged"], "unknown n_averaged"), (["a", "b"], "a (and 1 more)")]
)
def test_weights_too_many_are_counted_where_there_are_several(tmp_path, extra, words):
    weights = model().state_dict() | {name: torch.zeros(()) for name in extra}
    save_file(weights, tmp_path / "weights.safetensors")
    said = message(load_weights, tmp_path / "weights.safetensors", model())
    assert said.endswith(words)
    assert "0 more" not in said
