"""The kernels for half precision against their definitions in double precision, and blocks that call them.

Run by `test_half_kernels.py` with TRITON_INTERPRET=1, in a process of its own. The interpreter multiplies no
bfloat16: half precision is float16 here, and where only the arithmetic counts, float32.
"""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from poselift.config.command_line import run_from_options
from poselift.errors import PoseliftError
from poselift.models import graph_triton, kernel_launch, mlp_triton
from poselift.models.blocks import ResidualBlock
from poselift.models.graph import TemporalGraph
from poselift.models.registry import build_run
from poselift.training.half_kernels import equip, use

CPU = torch.device("cpu")
EPS = 1e-5


def residual_mlp(
    x: Tensor, norm_weight: Tensor, norm_bias: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor,
    scale: Tensor,
) -> Tensor:  # fmt: skip
    """The end of a residual block as its definition reads."""
    centred = x - x.mean(-1, keepdim=True)
    n = centred / (centred.square().mean(-1, keepdim=True) + EPS).sqrt() * norm_weight + norm_bias
    u = n @ w1.mT + b1
    return x + scale * (u * (1 + torch.erf(u / 2**0.5)) / 2 @ w2.mT + b2)


def mlp_arguments(rows: int, dim: int, hidden: int) -> list[Tensor]:
    torch.manual_seed(rows)
    shapes = [(rows, dim), (dim,), (dim,), (hidden, dim), (hidden,), (dim, hidden), (dim,), (dim,)]
    values = [torch.randn(shape, dtype=torch.float64) for shape in shapes]
    values[3] /= dim**0.5
    values[5] /= hidden**0.5
    return values


def gradients(y: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    torch.manual_seed(1)
    weight = torch.randn(y.shape, dtype=torch.float64)
    return list(torch.autograd.grad((y.double() * weight).sum(), inputs))


# around the sizes of blocks, and rows in several parts of several blocks
@pytest.mark.parametrize(("rows", "dim", "hidden"), [(1, 16, 64), (65, 24, 96), (64, 8, 40), (1060, 4, 16)])
@pytest.mark.parametrize(("half", "tolerance"), [(torch.float32, 2e-6), (torch.float16, 2e-3)])
def test_the_end_of_a_block_is_its_definition(
    rows: int, dim: int, hidden: int, half: torch.dtype, tolerance: float
) -> None:
    exact = [value.requires_grad_() for value in mlp_arguments(rows, dim, hidden)]
    single = [value.detach().float().requires_grad_() for value in exact]
    expected = residual_mlp(*exact)
    found = mlp_triton.residual_mlp(*single, EPS, half)
    assert found.dtype == torch.float32
    assert (found - expected).norm() <= tolerance * expected.norm()
    for ours, theirs in zip(gradients(found, single), gradients(expected, exact), strict=True):
        assert ours.dtype == torch.float32
        assert (ours - theirs).norm() <= tolerance * theirs.norm()


def test_a_channel_whose_scale_is_zero_has_a_gradient() -> None:
    exact = mlp_arguments(5, 8, 32)
    exact[7][3] = 0
    single = [value.float().requires_grad_() for value in exact]
    expected = gradients(residual_mlp(*[v.requires_grad_() for v in exact]), exact)[7][3]
    found = gradients(mlp_triton.residual_mlp(*single, EPS, torch.float32), single)[7][3]
    assert expected.abs() > 0.1
    assert found == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("frames", [3, 31, 32, 65, 243, 260])
def test_links_and_sums_are_those_of_the_graph(frames: int) -> None:
    torch.manual_seed(frames)
    graph = TemporalGraph(8, frames)
    few = frames < 100  # whole numbers: many frames tie, and no sum is rounded
    x = torch.randint(-2, 3, (2, frames, 8)).float() if few else torch.randn(2, frames, 8)
    values = torch.randn(2, frames, 8)
    a, b = values.clone().requires_grad_(), values.clone().requires_grad_()
    found, links, scale = graph_triton.similar_frames(x, b)
    expected = graph.aggregate(x, a)
    bits = ((links[..., None] >> torch.arange(32)) & 1).flatten(2)
    assert torch.equal(bits[..., :frames].bool(), graph.links(x))
    assert not bits[..., frames:].any()
    assert not few or frames == 3 or bits.sum(-1).max() > 2
    torch.testing.assert_close(scale, bits.sum(-1).float().rsqrt())
    torch.testing.assert_close(found, expected)
    (ours,), (theirs,) = gradients(found, [b]), gradients(expected, [a])
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_sums_of_half_precision_are_rounded_once() -> None:
    torch.manual_seed(0)
    x, values = torch.randn(1, 40, 16), torch.randn(1, 40, 16).half()
    found = graph_triton.aggregate(x, values)[0]
    assert found.dtype == torch.float16
    assert torch.equal(found, TemporalGraph(16, 40).aggregate(x, values.float()).half())


def test_the_same_bits_come_again() -> None:
    values = [value.float().requires_grad_() for value in mlp_arguments(200, 16, 64)]
    first, second = (
        [y, *gradients(y, values)]
        for y in (mlp_triton.residual_mlp(*values, EPS, torch.float16) for _ in range(2))
    )
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_are_operators_that_torch_can_trace() -> None:
    values = [value.float().requires_grad_() for value in mlp_arguments(5, 8, 32)]
    torch.library.opcheck(mlp_triton.residual_mlp, (*values, EPS, torch.float16))
    graph = torch.randn(2, 5, 8), torch.randn(2, 5, 8, requires_grad=True)
    torch.library.opcheck(graph_triton.similar_frames, graph)


def test_operations_are_those_of_the_products() -> None:
    rows, dim, hidden = 7, 8, 32
    values = [value.float().requires_grad_() for value in mlp_arguments(rows, dim, hidden)]
    product = 2 * rows * dim * hidden
    with FlopCounterMode(display=False) as counter:
        y = mlp_triton.residual_mlp(*values, EPS, torch.float32)
    assert counter.get_total_flops() == 2 * product
    with FlopCounterMode(display=False) as counter:
        y.sum().backward()
    # u and the gradient of h for the input and again for the weights; those of n, W1 and W2
    assert counter.get_total_flops() == (2 + 2 + 3) * product
    x, v = torch.randn(2, 5, 8), torch.randn(2, 5, 8, requires_grad=True)
    with FlopCounterMode(display=False) as counter:
        graph_triton.aggregate(x, v)[0].sum().backward()
    assert counter.get_total_flops() == 3 * 2 * 2 * 5 * 5 * 8  # similarities, sums, and sums back


def test_what_is_counted_is_launched(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `counted` the same kernels are told of, with the same tensors, and none runs."""
    launched: list[list[torch.Size]] = []

    def noted(kernels, name, grid, *given, **options):
        launched.append([each.shape for each in given if isinstance(each, Tensor)])
        return kernel_launch.launch(kernels, name, grid, *given, **options)

    monkeypatch.setattr(mlp_triton, "_launch", lambda *a, **k: noted(mlp_triton._kernels, *a, **k))
    values = [value.float().requires_grad_() for value in mlp_arguments(5, 8, 32)]
    mlp_triton.residual_mlp(*values, EPS, torch.float32).sum().backward()
    ran = launched.copy()
    launched.clear()
    told: list[list[torch.Size]] = []
    monkeypatch.setattr(mlp_triton, "_kernels", lambda: 1 / 0)
    with kernel_launch.counted(lambda tensors: told.append([each.shape for each in tensors])):
        mlp_triton.residual_mlp(*values, EPS, torch.float32).sum().backward()
    assert told == ran == launched
    assert len(told) == 3


def half_run(architecture: str = "baseline", **options: object):
    shape = {"size": "tiny", "depth": 1, "dim": 16, "n_frames": 9, "precision": "fp16"}
    width = (
        {}
        if architecture == "baseline"
        else {"mamba_gcn_dim": 16, "gcn_dropout": 0.0, "ssm_backend": "torch"}
    )
    return run_from_options({"architecture": architecture} | shape | width | options)


@pytest.mark.parametrize("architecture", ["baseline", "mamba_gcn"])
def test_a_model_that_calls_them_is_the_one_in_torch(
    architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = half_run(architecture)
    torch.manual_seed(0)
    ours = build_run(run)
    for name, parameter in ours.named_parameters():
        if "layer_scale" in name:
            nn.init.normal_(parameter)
    theirs = copy.deepcopy(ours)
    assert equip(ours, run, CPU) == ("triton", None, "")
    x = torch.randn(1, 9, 17, 3)
    assert torch.equal(ours(x), theirs(x))  # in single precision nothing has changed
    again = copy.deepcopy(ours)
    called = []
    monkeypatch.setattr(mlp_triton, "mlp", lambda *given: called.append(1) or mlp_triton.residual_mlp(*given))
    with torch.autocast("cpu", torch.float16):
        found, copied, expected = ours(x), again(x), theirs(x)
    assert len(called) == 2 * sum(hasattr(module, "transform") for module in ours.modules())
    assert torch.equal(found, copied)
    assert (found - expected).norm() <= 0.02 * expected.norm()
    found.float().square().sum().backward()
    expected.float().square().sum().backward()
    for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        if b.grad.norm() > 1e-2:
            assert (a.grad - b.grad).norm() <= 0.1 * b.grad.norm(), name
    assert ours.state_dict().keys() == theirs.state_dict().keys()


def test_a_block_compiles() -> None:
    torch.manual_seed(0)
    block = ResidualBlock(16, TemporalGraph(16, 9))
    x = torch.randn(1, 9, 2, 16)
    use(block)
    with torch.autocast("cpu", torch.float16):
        compiled = torch.compile(block, backend="aot_eager", fullgraph=True)
        torch.testing.assert_close(compiled(x), block(x))


def test_what_they_cannot_do_is_left_to_torch() -> None:
    reason = "triton cannot be used here: its kernels do 128 channels and 1024 frames at most, found"
    for sizes in ({"dim": 136}, {"n_frames": 1025}):
        run = half_run(**sizes)
        choice = equip(nn.Sequential(), run, CPU)
        assert choice.name == "torch"
        assert choice.reason == f"{reason} {run.dim} and {run.n_frames}"
        with pytest.raises(PoseliftError, match=f"^kernels: {reason}.*; choose auto or torch$"):
            equip(nn.Sequential(), half_run(**sizes, kernels="triton"), CPU)


def test_what_gives_other_results_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_triton, "aggregate", lambda x, values: (values,))
    choice = equip(nn.Sequential(), half_run(n_frames=10), CPU)
    assert str(choice) == (
        "torch (triton cannot be used here: it gives other results than torch does; please report this)"
    )
