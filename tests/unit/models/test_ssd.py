"""The SSD layer against the recurrence that it is the dual form of."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from poselift.errors import PoseliftError
from poselift.models import dual_form as dual_form_module
from poselift.models.dual_form import CHUNK, DualForm, chunk_length
from poselift.models.ssd import Mamba2


def recurrence(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """One step after the other, one head after the other; x (b, t, h, p)."""
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
    return torch.stack(y, 2) + D[:, None] * x


def layer_by_recurrence(layer: Mamba2, u: Tensor) -> Tensor:
    """Mamba-2 as its definition reads, from the layer's state dict."""
    w = layer.state_dict(keep_vars=True)
    d_inner, heads = w["norm.weight"].numel(), w["A_log"].numel()
    d_state = (w["conv1d.bias"].numel() - d_inner) // 2
    projected = u @ w["in_proj.weight"].T
    z, xBC, dt = projected.split([d_inner, d_inner + 2 * d_state, heads], -1)
    width = w["conv1d.weight"].shape[-1]
    padded = F.pad(xBC, (0, 0, width - 1, 0))
    xBC = F.conv1d(padded.mT, w["conv1d.weight"], w["conv1d.bias"], groups=xBC.shape[-1]).mT
    xBC = xBC * torch.sigmoid(xBC)
    x, B, C = xBC.split([d_inner, d_state, d_state], -1)
    x = x.unflatten(-1, (heads, -1))
    dt = torch.log1p(torch.exp(dt + w["dt_bias"]))
    y = recurrence(x, dt, -torch.exp(w["A_log"]), B, C, w["D"])
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
    D = torch.randn(heads, dtype=torch.float64)
    return [t.requires_grad_() for t in (x, dt, A, B, C, D)]


def dual_form(values: list[Tensor], steps: int) -> DualForm:
    """The dual form of the recurrence's arguments, in chunks of so many steps."""
    x, dt, A, B, C, D = (t.detach() for t in values)
    x, dt = (t.movedim(2, 0).contiguous().unflatten(2, (-1, steps)) for t in (x, dt))
    B, C = (t.unflatten(1, (-1, steps)) for t in (B, C))
    return DualForm(x, B, C, dt, A, D)


def by_step(t: Tensor) -> Tensor:
    """(h, b, c, l, ...) -> (b, t, h, ...)."""
    return t.flatten(2, 3).movedim(0, 2)


@pytest.mark.parametrize(
    ("length", "steps"), [(1, 1), (2, 2), (27, 27), (96, 96), (6, 1), (64, 32), (75, 25), (243, 27)]
)
def test_equals_the_recurrence_with_gradients(length: int, steps: int) -> None:
    values = inputs(length)
    dual, expected = dual_form(values, steps), recurrence(*values)
    torch.testing.assert_close(by_step(dual.forward()), expected, rtol=0, atol=1e-10)
    weight = torch.randn_like(expected)
    x, B, C, dt, A, D = dual.backward(weight.movedim(2, 0).contiguous().view_as(dual.x))
    ours = [by_step(x), by_step(dt), A, B.flatten(1, 2), C.flatten(1, 2), D]
    theirs = torch.autograd.grad((expected * weight).sum(), values)
    for found, true in zip(ours, theirs, strict=True):
        torch.testing.assert_close(found, true, rtol=1e-10, atol=1e-10)


def test_chunks_need_little_padding() -> None:
    assert {length: chunk_length(length) for length in (2, 9, 27, 81, 243)} == {
        **{length: length for length in (2, 9, 27, 81)},
        243: 27,
    }
    for length in range(3 * CHUNK + 1, 1000):
        assert 0.7 * CHUNK < chunk_length(length) <= CHUNK
        assert -length % chunk_length(length) <= 0.05 * length


def random_layer(dtype: torch.dtype, **options: int) -> Mamba2:
    """A layer in which no parameter is 1."""
    torch.manual_seed(0)
    layer = Mamba2(12, d_state=8, expand=2, headdim=6, **options).to(dtype)
    for weight in (layer.norm.weight, layer.D):
        torch.nn.init.normal_(weight)
    return layer


def gradients(layer: Mamba2, u: Tensor, y: Tensor) -> dict[str, Tensor]:
    torch.manual_seed(1)
    loss = (y * torch.randn_like(y)).sum()
    values = {"u": u, **dict(layer.named_parameters())}
    return dict(zip(values, torch.autograd.grad(loss, list(values.values())), strict=True))


@pytest.mark.parametrize("length", [1, 3, 70, 101, 243])
def test_layer_equals_its_definition_with_gradients(length: int) -> None:
    layer = random_layer(torch.float64)
    u = torch.randn(2, length, 12, dtype=torch.float64, requires_grad=True)
    found, expected = layer(u), layer_by_recurrence(layer, u)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
    theirs = gradients(layer, u, expected)
    for name, ours in gradients(layer, u, found).items():
        torch.testing.assert_close(ours, theirs[name], rtol=1e-9, atol=1e-9, msg=name)


def test_gradcheck() -> None:
    torch.manual_seed(0)
    layer = Mamba2(4, d_state=3, expand=2, headdim=4).double()
    u = torch.randn(2, 5, 4, dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in layer.named_parameters()]

    def call(u: Tensor, *weights: Tensor) -> Tensor:
        return torch.func.functional_call(layer, dict(zip(names, weights, strict=True)), u)

    assert torch.autograd.gradcheck(call, (u, *layer.parameters()))

    def loss(weights: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(layer, weights, u).square().sum()

    by_function = torch.func.grad(loss)(dict(layer.named_parameters()))
    by_tape = torch.autograd.grad(layer(u).square().sum(), list(layer.parameters()))
    for name, expected in zip(names, by_tape, strict=True):
        torch.testing.assert_close(by_function[name], expected)


def test_compiles_as_one_graph() -> None:
    layer = random_layer(torch.float32)
    u = torch.randn(2, 101, 12, requires_grad=True)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    expected = gradients(layer, u, layer(u))
    for name, found in gradients(layer, u, compiled(u)).items():
        torch.testing.assert_close(found, expected[name], rtol=1e-4, atol=1e-4, msg=name)


def test_gradients_stay_finite_in_single_precision_at_strong_decay() -> None:
    x, dt, *others = (t.detach().float() for t in inputs(243))
    dual = dual_form([x, 50 * dt, *others], 27)  # decays of exp(-800) a step
    y = dual.forward()
    assert y.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in dual.backward(y))


def test_steps_of_no_length_add_nothing() -> None:
    x, dt, *others = (t.detach().float() for t in inputs(54))
    dual = dual_form([x, torch.zeros_like(dt), *others], 27)
    y = dual.forward()
    torch.testing.assert_close(by_step(y), others[-1][:, None] * x)
    assert all(gradient.isfinite().all() for gradient in dual.backward(y))


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


@pytest.mark.parametrize(("dtype", "limit"), [(torch.bfloat16, 0.02), (torch.float16, 0.002)])
def test_autocast_stays_near_single_precision(dtype: torch.dtype, limit: float) -> None:
    torch.manual_seed(0)
    layer = Mamba2(32)
    u = torch.randn(2, 243, 32, requires_grad=True)
    y = layer(u)
    with torch.autocast("cpu", dtype):
        rounded = layer(u)
    assert rounded.dtype == dtype
    assert (rounded - y).norm() < limit * y.norm()
    expected = gradients(layer, u, y)
    for name, found in gradients(layer, u, rounded.float()).items():
        assert found.dtype == torch.float32
        assert (found - expected[name]).norm() < 3 * limit * expected[name].norm(), name


def test_decays_keep_their_precision_under_autocast(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[DualForm] = []

    def record(*arguments: Tensor) -> DualForm:
        made.append(DualForm(*arguments))
        return made[-1]

    monkeypatch.setattr(dual_form_module, "DualForm", record)
    with torch.autocast("cpu", torch.bfloat16):
        Mamba2(16, headdim=8)(torch.randn(2, 243, 16))
    (dual,) = made
    steps = (dual.dt * dual.A).double()
    since = steps.cumsum(-1).unsqueeze(-1) - steps.cumsum(-1).unsqueeze(-2)
    decay = (since.exp() * dual.dt.unsqueeze(-2)).tril()
    torch.testing.assert_close(dual.decay.tril().double(), decay, rtol=1e-5, atol=1e-7)
    ends = steps.sum(-1).cumsum(-1)
    two_on = (ends[..., 1:-1] - ends[..., :-2]).exp()  # from the end of a chunk over the whole next one
    found = dual.between.diagonal(-2, dim1=-2, dim2=-1).double()
    torch.testing.assert_close(found, two_on, rtol=1e-5, atol=1e-7)


def test_keeps_little_for_the_backward_pass() -> None:
    layer = Mamba2(32)
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        layer(torch.randn(3, 243, 32))
    projections = 32 + layer.in_proj.out_features + layer.d_inner + 1  # the last: the norm's scale
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
