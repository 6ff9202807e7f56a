"""The SSD layer against the recurrence that it is the dual form of."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from poselift.errors import PoseliftError
from poselift.models import ssd as module
from poselift.models.ssd import Mamba2, ssd


def recurrence(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """One step after the other, one head after the other."""
    clips, length, heads, channels = x.shape
    y = []
    for head in range(heads):
        state = torch.zeros(clips, B.shape[-1], channels, dtype=x.dtype)
        steps = []
        for t in range(length):
            decay = torch.exp(dt[:, t, head] * A[head])[:, None, None]
            entry = dt[:, t, head, None, None] * B[:, t, :, None] * x[:, t, head, None, :]
            state = decay * state + entry
            steps.append((C[:, t, :, None] * state).sum(1))
        y.append(torch.stack(steps, 1))
    return torch.stack(y, 2)


def layer_by_recurrence(layer: Mamba2, u: Tensor) -> Tensor:
    """Mamba-2 as its definition reads, from the layer's state dict."""
    w = layer.state_dict(keep_vars=True)
    d_inner, heads = w["norm.weight"].numel(), w["A_log"].numel()
    d_state = (w["conv1d.bias"].numel() - d_inner) // 2
    projected = u @ w["in_proj.weight"].T
    z, xBC, dt = projected.split([d_inner, d_inner + 2 * d_state, heads], -1)
    width = w["conv1d.weight"].shape[-1]
    padded = torch.cat([torch.zeros_like(xBC[:, : width - 1]), xBC], 1)
    xBC = F.conv1d(padded.mT, w["conv1d.weight"], w["conv1d.bias"], groups=xBC.shape[-1]).mT
    xBC = xBC * torch.sigmoid(xBC)
    x, B, C = xBC.split([d_inner, d_state, d_state], -1)
    x = x.unflatten(-1, (heads, -1))
    dt = torch.log1p(torch.exp(dt + w["dt_bias"]))
    y = recurrence(x, dt, -torch.exp(w["A_log"]), B, C) + w["D"][:, None] * x
    y = y.flatten(2) * z * torch.sigmoid(z)
    y = y / (y.square().mean(-1, keepdim=True) + 1e-5).sqrt() * w["norm.weight"]
    return y @ w["out_proj.weight"].T


def inputs(length: int) -> list[Tensor]:
    torch.manual_seed(length)
    heads, channels, state = 3, 4, 5
    x = torch.randn(2, length, heads, channels, dtype=torch.float64)
    dt = torch.rand(2, length, heads, dtype=torch.float64)
    A = -16 * torch.rand(heads, dtype=torch.float64)
    B, C = torch.randn(2, 2, length, state, dtype=torch.float64)
    return [t.requires_grad_() for t in (x, dt, A, B, C)]


@pytest.mark.parametrize("length", [1, 2, 27, 64, 65, 130, 243])
def test_equals_the_recurrence_with_gradients(length: int) -> None:
    values = inputs(length)
    found, expected = ssd(*values), recurrence(*values)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
    weight = torch.randn_like(found)
    for ours, theirs in zip(
        torch.autograd.grad((found * weight).sum(), values),
        torch.autograd.grad((expected * weight).sum(), values),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("chunk", [1, 7, 27, 100])
def test_chunk_length_does_not_matter(chunk: int) -> None:
    values = inputs(27)
    torch.testing.assert_close(ssd(*values, chunk=chunk), ssd(*values), rtol=0, atol=1e-12)


def test_layer_equals_its_definition() -> None:
    torch.manual_seed(0)
    layer = Mamba2(12, d_state=8, expand=2, headdim=6).double()
    torch.nn.init.normal_(layer.norm.weight)
    torch.nn.init.normal_(layer.D)
    u = torch.randn(2, 70, 12, dtype=torch.float64)
    torch.testing.assert_close(layer(u), layer_by_recurrence(layer, u), rtol=0, atol=1e-10)


def test_gradcheck() -> None:
    torch.manual_seed(0)
    layer = Mamba2(4, d_state=3, expand=2, headdim=4).double()
    u = torch.randn(2, 5, 4, dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in layer.named_parameters()]

    def call(u: Tensor, *weights: Tensor) -> Tensor:
        return torch.func.functional_call(layer, dict(zip(names, weights, strict=True)), u)

    assert torch.autograd.gradcheck(call, (u, *layer.parameters()))


def test_gradients_stay_finite_in_single_precision_at_strong_decay() -> None:
    x, dt, A, B, C = (t.detach().float() for t in inputs(243))
    values = [t.requires_grad_() for t in (x, 50 * dt, A, B, C)]  # decays of exp(-800) a step
    y = ssd(*values)
    assert y.isfinite().all()
    assert all(g.isfinite().all() for g in torch.autograd.grad(y.square().sum(), values))


def test_is_causal_exactly() -> None:
    torch.manual_seed(0)
    layer = Mamba2(16, headdim=8)
    u = torch.randn(2, 150, 16)
    y = layer(u)
    for t in (0, 1, 63, 75, 149):
        changed = u.clone()
        changed[:, t] += 1
        z = layer(changed)
        assert torch.equal(z[:, :t], y[:, :t])
        assert not torch.equal(z[:, t], y[:, t])


def test_remembers_over_chunks() -> None:
    torch.manual_seed(0)
    layer = Mamba2(16, headdim=8).double()
    u = torch.randn(1, 150, 16, dtype=torch.float64)
    changed = u.clone()
    changed[:, 0] += 1
    assert (layer(changed) - layer(u))[:, 140].abs().max() > 1e-12


def test_parameters_are_those_of_mamba_ssm() -> None:
    d_model, d_state, d_inner, heads = 48, 16, 96, 4
    layer = Mamba2(d_model, d_state=d_state, d_conv=4, expand=2, headdim=24)
    shapes = {name: tuple(value.shape) for name, value in layer.state_dict().items()}
    assert shapes == {
        "dt_bias": (heads,),
        "A_log": (heads,),
        "D": (heads,),
        "in_proj.weight": (2 * d_inner + 2 * d_state + heads, d_model),
        "conv1d.weight": (d_inner + 2 * d_state, 1, 4),
        "conv1d.bias": (d_inner + 2 * d_state,),
        "norm.weight": (d_inner,),
        "out_proj.weight": (d_model, d_inner),
    }


def test_starts_as_mamba_ssm_does() -> None:
    torch.manual_seed(0)
    layer = Mamba2(256, expand=16, headdim=2)  # 2048 heads
    A = layer.A_log.exp()
    assert A.min() > 1 - 1e-6
    assert A.max() < 16 + 1e-5
    assert A.mean().item() == pytest.approx(8.5, rel=0.03)
    log_dt = F.softplus(layer.dt_bias).log()
    assert log_dt.min() > math.log(1e-3) - 1e-3
    assert log_dt.max() < math.log(1e-1) + 1e-3
    assert log_dt.mean().item() == pytest.approx(math.log(1e-2), rel=0.03)  # uniform: the middle of the logs
    assert (layer.D == 1).all()
    assert (layer.norm.weight == 1).all()
    bound = 256**-0.5
    assert layer.in_proj.weight.abs().max() <= bound
    assert layer.conv1d.weight.abs().max().item() == pytest.approx(4**-0.5, rel=0.01)


def test_decay_parameters_are_marked_for_no_weight_decay() -> None:
    layer = Mamba2(16, headdim=8)
    marked = {name for name, p in layer.named_parameters() if getattr(p, "_no_weight_decay", False)}
    assert marked == {"A_log", "dt_bias", "D"}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_stays_near_single_precision(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    layer = Mamba2(64)
    u = torch.randn(4, 243, 64)
    expected = layer(u)
    with torch.autocast("cpu", dtype):
        found = layer(u)
    error = (found.float() - expected).norm() / expected.norm()
    assert error < 0.02


def test_decays_keep_their_precision_under_autocast() -> None:
    steps = torch.rand(2, 61, 8)
    with torch.autocast("cpu", torch.bfloat16):
        found = module._cumulative(steps)
    torch.testing.assert_close(found, steps.cumsum(1), rtol=1e-6, atol=1e-6)


def test_keeps_little_for_the_backward_pass() -> None:
    layer = Mamba2(32)
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        layer(torch.randn(3, 243, 32))
    projections = 32 + layer.in_proj.out_features + layer.d_inner
    weights = sum(p.nbytes for p in layer.parameters())
    assert sum(kept.values()) <= 3 * 243 * projections * 4 + weights


def test_is_deterministic() -> None:
    torch.manual_seed(0)
    layer = Mamba2(32)
    u = torch.randn(3, 100, 32)
    gradients = []
    torch.use_deterministic_algorithms(True)
    try:
        for _ in range(2):
            twin = copy.deepcopy(layer)
            twin(u).square().sum().backward()
            gradients.append([p.grad for p in twin.parameters()])
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_inner_width_must_suit_the_heads() -> None:
    with pytest.raises(PoseliftError, match=r"divisible by headdim 32, found 1\.5 x 10"):
        Mamba2(10, expand=1.5)


def test_on_the_cpu_torch_runs_and_a_model_for_a_gpu_is_refused() -> None:
    layer = Mamba2(16, headdim=8)
    assert (layer.backend_used, str(layer.choice)) == ("torch", "torch (on cpu)")
    for backend in ("triton", "mamba_ssm"):
        built = Mamba2(16, headdim=8, backend=backend)
        with pytest.raises(
            PoseliftError, match=f"ssm_backend {backend}: expected a model on a GPU, found one on cpu"
        ):
            built(torch.randn(1, 3, 16))


@pytest.mark.parametrize("length", [1, 5])
def test_reading_backwards_is_reading_the_mirror_image(length: int) -> None:
    torch.manual_seed(0)
    layer, u = Mamba2(16, headdim=8), torch.randn(2, length, 16)
    torch.testing.assert_close(layer(u, reverse=True), layer(u.flip(1)).flip(1))
