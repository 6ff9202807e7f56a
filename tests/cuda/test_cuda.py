"""What only a GPU can show: kernels, precisions, determinism, resuming, slots, several processes, memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmarks.random_store import make_store
from poselift.config.command_line import run_from_options
from poselift.config.options import options
from poselift.config.run import ExecutionSettings, RunSettings
from poselift.data.batches import Batches
from poselift.geometry import align
from poselift.machine.devices import reserved_devices
from poselift.models.blocks import ResidualBlock
from poselift.models.graph import TemporalGraph
from poselift.models.graph_triton import similar_frames
from poselift.models.kernel_choice import interpreted
from poselift.models.registry import build_model
from poselift.models.ssd import Mamba2
from poselift.training.arithmetic import set_arithmetic
from poselift.training.half_kernels import use
from poselift.training.train import train
from poselift.training.validation import open_splits

FRAMES, CLIPS = 9, {"train": 50, "test": 12}
ARCHITECTURES = ("baseline", "mamba_gcn", "full")
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def settings(architecture: str = "full", **changed: object) -> RunSettings:
    shape = {"size": "tiny", "depth": 2, "dim": 32, "n_frames": FRAMES, "epochs": 2, "batch_size": 16}
    width = {} if architecture == "baseline" else {"mamba_gcn_dim": 32}
    return run_from_options({"architecture": architecture} | shape | width | changed)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    make_store(folder, FRAMES, CLIPS)
    return folder


def weights(run: Path) -> bytes:
    return (run / "last_model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("length", "headdim", "d_state"),
    [(1, 32, 16), (2, 8, 8), (63, 16, 64), (64, 32, 32), (65, 4, 128), (243, 32, 64), (1024, 64, 16)],
)
@pytest.mark.parametrize("half", [False, True], ids=["fp32", "bf16"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "backwards"])
def test_kernels_give_what_torch_gives(device, length, headdim, d_state, half, reverse):
    """In half precision no further from single precision than torch is, but for a factor."""
    pytest.importorskip("triton")
    if device.type == "cpu" and (not interpreted() or length > 2):
        pytest.skip("the kernels need a GPU, or TRITON_INTERPRET=1 and minutes")
    torch.manual_seed(length)
    first = Mamba2(2 * headdim, d_state, expand=1, headdim=headdim, backend="torch")
    u, found = torch.randn(3, length, 2 * headdim), {}
    for backend, in_half in (("torch", False), ("torch", half), ("triton", half)):
        layer = Mamba2(2 * headdim, d_state, expand=1, headdim=headdim, backend=backend)
        layer.load_state_dict(first.state_dict())
        layer.to(device)
        assert layer.backend_used == backend
        x = u.to(device).requires_grad_()
        with torch.autocast(device.type, torch.bfloat16, enabled=in_half):
            y = layer(x, reverse=reverse)
        gradients = torch.autograd.grad(y.float().square().sum(), [x, *layer.parameters()])
        found[backend, in_half] = [value.float() for value in (y, *gradients)]
    single, theirs, ours = found["torch", False], found["torch", half], found["triton", half]
    for exact, a, b in zip(single, theirs, ours, strict=True):
        assert (b - exact).norm() <= 3 * (a - exact).norm() + (1e-2 if half else 1e-3) * exact.norm() + 1e-4


@pytest.mark.parametrize(("frames", "dim"), [(9, 16), (27, 64), (243, 64), (243, 128), (1024, 128)])
@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16], ids=["bf16", "fp16"])
def test_blocks_in_half_precision_give_what_torch_gives(device, frames, dim, half):
    """No further from single precision than torch is, but for a factor; the same bits twice."""
    pytest.importorskip("triton")
    if device.type == "cpu" and (not interpreted() or frames > 9 or half == torch.bfloat16):
        pytest.skip("the kernels need a GPU, or TRITON_INTERPRET=1 and minutes")
    torch.manual_seed(frames)
    block = ResidualBlock(dim, TemporalGraph(dim, frames)).to(device)
    for scale in (block.layer_scale_1, block.layer_scale_2):
        torch.nn.init.normal_(scale)
    x = torch.randn(2, frames, 17, dim, device=device, requires_grad=True)

    def values(in_half: bool) -> list[Tensor]:
        with torch.autocast(device.type, half, enabled=in_half):
            y = block(x)
        return [y.float(), *torch.autograd.grad(y.float().square().sum(), [x, *block.parameters()])]

    single, theirs = values(False), values(True)
    use(block)
    ours, again = values(True), values(True)
    for exact, a, b, c in zip(single, theirs, ours, again, strict=True):
        assert (b - exact).norm() <= 2 * (a - exact).norm() + 1e-2 * exact.norm() + 1e-4
        assert torch.equal(b, c)


@pytest.mark.parametrize("frames", [9, 243])
def test_links_in_half_precision_are_those_of_single_precision(device, frames):
    pytest.importorskip("triton")
    if device.type == "cpu" and not interpreted():
        pytest.skip("the kernels need a GPU, or TRITON_INTERPRET=1")
    torch.manual_seed(0)
    x = torch.randn(4, frames, 64)
    _, words, _ = similar_frames(x.to(device), torch.randn(4, frames, 64).to(device))
    bits = (words.cpu()[..., None] >> torch.arange(32)) & 1
    found = bits.flatten(2)[..., :frames].bool()
    exact = TemporalGraph(64, frames).links(x.double())
    assert (exact != found).any(-1).float().mean() < 0.02  # TF32 alone changes half of the rows


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_trains_in_each_precision_and_the_same_bits_come_again(
    architecture, precision, device, store, tmp_path
):
    wanted = settings(architecture, precision=precision)
    summaries = [train(wanted, store, tmp_path / name, device) for name in "ab"]
    assert summaries[0]["last_mpjpe"] == summaries[1]["last_mpjpe"] > 0
    assert weights(tmp_path / "a") == weights(tmp_path / "b")


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_resumes_bit_by_bit(precision, device, store, tmp_path):
    wanted = settings(precision=precision, epochs=3)
    train(wanted, store, tmp_path / "whole", device)
    every_step = ExecutionSettings(checkpoint_every=1)
    train(wanted, store, tmp_path / "cut", device, every_step, stop_after=1)
    train(wanted, store, tmp_path / "cut", device, every_step, resume="newest")
    assert weights(tmp_path / "whole") == weights(tmp_path / "cut")


@CUDA
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_compiled_it_predicts_the_same(architecture, device):
    torch.manual_seed(0)
    model = build_model(architecture, "xsmall", 27).to(device).eval()
    x = torch.randn(2, 27, 17, 3, device=device)
    with torch.no_grad():
        torch.testing.assert_close(torch.compile(model)(x), model(x), rtol=1e-3, atol=1e-3)


@CUDA
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_gpu_predicts_what_the_cpu_predicts(architecture, device):
    torch.manual_seed(0)
    set_arithmetic(settings().training)
    model = build_model(architecture, "xsmall", 27).eval()
    x = torch.randn(2, 27, 17, 3)
    with torch.no_grad():
        expected = model(x)
        found = model.to(device)(x.to(device)).cpu()
    # a frame's most similar frames may change places at a tie: a few frames differ by more
    close = ((found - expected).abs() <= 1e-3 + 1e-3 * expected.abs()).float().mean()
    assert close > 0.98


@pytest.mark.parametrize("deterministic", [True, False])
def test_edges_and_alignment_are_in_full_precision(deterministic, device):
    set_arithmetic(settings(deterministic=deterministic).training)
    torch.manual_seed(0)
    x = torch.randn(64, 81, 128)
    graph = TemporalGraph(128, 81)
    exact = graph.links(x.double())
    on_device = graph.to(device).links(x.to(device)).cpu()
    assert (exact != on_device).any(-1).float().mean() < 0.02  # TF32 changes half of the rows
    poses, target = 500 * torch.randn(2, 300, 17, 3)
    difference = align(poses.to(device), target.to(device)).cpu() - align(poses.double(), target.double())
    assert difference.abs().max() < 0.01  # mm


def test_an_alignment_of_what_is_not_finite_is_not_finite(device):
    poses = torch.randn(4, 17, 3)
    poses[2, 5, 1] = torch.nan
    aligned = align(poses.to(device), torch.randn(4, 17, 3).to(device))
    assert aligned.isfinite().all(-1).all(-1).tolist() == [True, True, False, True]


def test_batches_are_equal_whether_frames_are_resident_or_read_by_workers(device, store):
    wanted = settings()
    split, _ = open_splits(store, wanted)
    ways = []
    for resident in (True, False):
        batches = Batches(split, wanted.training, 3, device, is_resident=resident)
        ways.append([part for step in batches.epoch(1) for part in step])
    for a, b in zip(*ways, strict=True):
        assert torch.equal(a.inputs, b.inputs)
        assert torch.equal(a.labels, b.labels)


@CUDA
def test_each_reservation_has_a_gpu_of_its_own():
    count = torch.cuda.device_count()
    with reserved_devices("cuda", count) as devices:
        assert sorted(one.index for one in devices) == list(range(count))
        ones = [torch.ones(1, device=one) for one in devices]
    assert sum(one.item() for one in ones) == count


@CUDA
def test_memory_is_near_what_the_plan_says(device):
    step_cost = pytest.importorskip("poselift.training.step_cost")
    wanted = run_from_options({"architecture": "full", "size": "xsmall", "n_frames": 81, "batch_size": 16})
    planned = step_cost.count_step(wanted, fused=True).memory
    set_arithmetic(wanted.training)
    model = build_model("full", "xsmall", 81).to(device).train()
    optimizer = torch.optim.AdamW(model.parameters())
    torch.cuda.reset_peak_memory_stats()
    for _ in range(2):
        model(torch.randn(16, 81, 17, 3, device=device)).square().mean().backward()
        optimizer.step()
    used = torch.cuda.max_memory_allocated()
    print(f"peak {used / 1e9:.2f} GB, planned {planned / 1e9:.2f} GB")
    assert 0.5 < used / planned < 1.5


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_two_gpus_train_what_one_trains(store, tmp_path):
    """Through NCCL, with batch norm over both: the same batches, so nearly the same losses."""
    losses: list[Tensor] = []
    for processes in (1, 2):
        wanted, out = settings("baseline", processes=processes), tmp_path / str(processes)
        command = [sys.executable, "-m", "poselift.training.train", "--store", str(store), "--out", str(out)]
        subprocess.run([*command, *options(wanted).split()], check=True, env=os.environ)
        epochs = json.loads((out / "metrics.json").read_text())["epochs"]
        losses.append(torch.tensor(epochs["loss_total"]))
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-3, atol=1e-3)
