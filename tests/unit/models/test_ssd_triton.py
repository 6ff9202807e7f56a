"""The SSD layer in Triton: what its kernels compute and compile to, and what is said where it cannot run."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from poselift.errors import PoseliftError
from poselift.models import ssd_backends
from poselift.models.dual_form import DualFormLayer
from poselift.models.ssd import Mamba2
from poselift.models.ssd_backends import choose

pytest.importorskip("triton", reason="needs Triton: make triton")

from poselift.models import ssd_kernels, ssd_triton
from triton_compiler import CUOBJDUMP, SHARED, assert_fits

HERE = Path(__file__).parent
ON_CPU = (32, 32, 4, torch.device("cpu"), False)


def test_kernels_compute_what_the_layer_is() -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        HERE / "ssd_triton_interpreted.py",
    ]
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    answer = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert answer.returncode == 0, answer.stdout


def options(kernel: str, headdim: int, d_state: int, dtype: torch.dtype) -> dict[str, Any]:
    of = ssd_triton.Layout(sequences=272, length=243, heads=8, p=headdim, n=d_state)
    if kernel.startswith("convolution"):
        return ssd_triton.convolution_options(of, 4, reverse=True)
    if kernel.startswith("norm"):
        return ssd_triton.norm_options(of)
    kept = {"KEEP_STATES": True} if kernel == "scan_forward" else {}
    return ssd_triton.scan_options(of, dtype, reverse=True) | kept


@pytest.mark.skipif(not CUOBJDUMP.exists(), reason="this Triton brings no cuobjdump")
@pytest.mark.parametrize("architecture", SHARED)
@pytest.mark.parametrize(
    ("headdim", "d_state", "dtype"),
    [(*widths, dtype) for widths in ((32, 32), (64, 128)) for dtype in (torch.float32, torch.bfloat16)],
)
def test_kernels_fit_into_registers_and_shared_memory(
    headdim: int,
    d_state: int,
    dtype: torch.dtype,
    architecture: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    half = {"projected", "mixed", "y", "d_y", "out", "d_out", "d_projected"}
    types = {"length": "i32", "rows": "i32", "eps": "fp32"}
    types |= dict.fromkeys(half, "*fp32" if dtype == torch.float32 else "*bf16")
    for name in ("convolution", "scan", "norm") if headdim == 32 else ("scan",):
        for kernel in (getattr(ssd_kernels, f"{name}_{way}") for way in ("forward", "backward")):
            constants = options(kernel.__name__, headdim, d_state, dtype)
            assert_fits(kernel, constants, types, architecture, tmp_path)


@pytest.fixture
def fresh() -> Iterator[None]:
    choose.cache_clear()
    yield
    choose.cache_clear()


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch, fresh: None) -> pytest.MonkeyPatch:
    """Let the layer in torch stand in for the kernels."""

    def mix(projected: Tensor, *parameters: Any) -> Tensor:
        conv, conv_bias, dt_bias, A_log, D, norm, eps, reverse = parameters
        order = (1,) if reverse else ()
        in_proj, out_proj = torch.eye(projected.shape[-1]), torch.eye(len(norm))  # none
        values = (dt_bias, A_log, D, in_proj, conv, conv_bias, norm, out_proj)
        return DualFormLayer.apply(projected.flip(order), eps, *values)[0].flip(order)

    monkeypatch.setattr(ssd_triton, "mix", mix)
    return monkeypatch


def test_what_passes_its_trial_is_used(launched: pytest.MonkeyPatch) -> None:
    state = torch.get_rng_state()
    choice = choose(Mamba2, "auto", *ON_CPU)
    assert (choice.name, choice.kernel, str(choice)) == ("triton", ssd_triton.mix, "triton")
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (lambda mix: lambda *inputs: 1.05 * mix(*inputs), "it gives other results than torch does"),
        (lambda mix: lambda x, *rest: mix(x.detach(), *rest), "."),  # no gradient
        (lambda mix: lambda *_: 1 / 0, "division by zero"),
    ],
)
def test_what_fails_its_trial_is_named(launched: pytest.MonkeyPatch, fault: Any, reason: str) -> None:
    launched.setattr(ssd_triton, "mix", fault(ssd_triton.mix))
    choice = choose(Mamba2, "auto", *ON_CPU)
    assert choice.name == "torch"
    assert re.match(rf"torch \(triton cannot be used here: .*{reason}", str(choice))
    with pytest.raises(
        PoseliftError, match=f"^ssm_backend: triton cannot be used here: .*{reason}.*; choose auto or torch$"
    ):
        choose(Mamba2, "triton", *ON_CPU)


def test_a_gpu_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    choice = choose(Mamba2, "auto", 32, 32, 4, torch.device("cuda"), True)
    assert (
        choice.reason
        == "triton cannot be used here: its kernels need compute capability 8.0, the GPU has 7.5"
    )


def test_without_triton_torch_runs(monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    monkeypatch.setitem(sys.modules, "triton", None)
    monkeypatch.delitem(sys.modules, "poselift.models.ssd_kernels")
    monkeypatch.delattr("poselift.models.ssd_kernels")
    assert "import of triton halted" in choose(Mamba2, "auto", *ON_CPU).reason


def test_mamba_ssm_is_for_runs_that_need_not_be_deterministic(
    monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    rest = (32, 32, 4, torch.device("cpu"))
    with pytest.raises(
        PoseliftError, match="mamba_ssm cannot be used here: its kernels are not deterministic"
    ):
        choose(Mamba2, "mamba_ssm", *rest, True)
    with pytest.raises(PoseliftError, match="mamba_ssm cannot be used here: No module named 'mamba_ssm'"):
        choose(Mamba2, "mamba_ssm", *rest, False)
    kernels = type(sys)("ssd_combined")
    kernels.mamba_chunk_scan_combined = max
    monkeypatch.setattr(ssd_backends.importlib, "import_module", lambda name: kernels)
    monkeypatch.setattr(ssd_backends.metadata, "version", lambda name: "2.2.6.post3")
    with pytest.raises(PoseliftError, match=r"expected version 2\.3 or later, found 2\.2\.6\.post3"):
        choose(Mamba2, "mamba_ssm", *rest, False)
    monkeypatch.setattr(ssd_backends.metadata, "version", lambda name: "2.3.2.post1")
    assert choose(Mamba2, "mamba_ssm", *rest, False) == ("mamba_ssm", max, "")
