"""The kernels for half precision: what they compute and compile to, and when they are called."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from poselift.config.command_line import run_from_options
from poselift.errors import PoseliftError
from poselift.models import graph_triton, mlp_triton
from poselift.training.half_kernels import chosen, equip

CPU = torch.device("cpu")


def run(**options: object):
    return run_from_options({"architecture": "baseline", "size": "xsmall", "n_frames": 9} | options)


def test_kernels_compute_what_they_stand_for() -> None:
    pytest.importorskip("triton", reason="needs Triton: make triton")
    file = Path(__file__).parent / "half_kernels_interpreted.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file]
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    answer = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("architecture", [80, 90])
@pytest.mark.parametrize("half", ["*bf16", "*fp16"])
def test_kernels_fit_into_registers_and_shared_memory(
    architecture: int, half: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("triton", reason="needs Triton: make triton")
    from poselift.models import graph_kernels, mlp_kernels
    from triton_compiler import CUOBJDUMP, assert_fits

    if not CUOBJDUMP.exists():
        pytest.skip("this Triton brings no cuobjdump")
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    types = {"rows": "i32", "frames": "i32", "eps": "fp32", "links": "*i32"}
    types |= dict.fromkeys(("w1", "w2", "values", "out"), half)
    for dim in (16, 24, 64, mlp_triton.MAX_DIM):
        for kernel, rows in (
            (mlp_kernels.mlp_forward, mlp_triton.ROWS),
            (mlp_kernels.mlp_backward_input, mlp_triton.ROWS),
            (mlp_kernels.mlp_backward_weights, mlp_triton.ROWS_OF_WEIGHTS),
        ):
            constants = mlp_triton.options(dim, 4 * dim, rows)
            if "BLOCKS" in kernel.arg_names:
                constants["BLOCKS"] = 8
            assert_fits(kernel, constants, types, architecture, tmp_path)
    for frames, dim in ((27, 16), (243, 64), (243, 128), (graph_triton.MAX_FRAMES, graph_triton.MAX_DIM)):
        link = graph_triton.link_options(frames, dim)
        assert_fits(graph_kernels.link_similar, link, types, architecture, tmp_path)
        for transposed in (False, True):
            constants = graph_triton.sum_options(frames, dim, transposed)
            assert_fits(graph_kernels.sum_over_links, constants, types, architecture, tmp_path)


def test_only_half_precision_calls_them() -> None:
    assert chosen(run(), CPU) is None
    assert chosen(run(precision="bf16", kernels="torch"), CPU) == ("torch", None, "")
    auto = chosen(run(precision="bf16"), CPU)
    assert str(auto) == "torch (triton cannot be used here: expected a GPU, found cpu)"
    with pytest.raises(
        PoseliftError, match=r"^kernels: triton cannot be used here: .* choose auto or torch$"
    ):
        chosen(run(precision="fp16", kernels="triton"), CPU)


def test_a_gpu_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    choice = equip(nn.Sequential(), run(precision="bf16"), torch.device("cuda", 7))
    assert choice.reason.endswith("its kernels need compute capability 8.0, the GPU has 7.5")
