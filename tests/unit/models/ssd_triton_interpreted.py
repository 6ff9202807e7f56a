"""The kernels in Triton against the recurrence and against the layer in torch.

Run by `test_ssd_triton.py` with TRITON_INTERPRET=1, in a process of its own: Triton reads it when it is
imported.
"""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from poselift.errors import PoseliftError
from poselift.models.architectures import full
from poselift.models.mamba_gcn_block import TemporalSSM
from poselift.models.ssd import Mamba2
from poselift.models.ssd_triton import CHUNK, mix, ssd_mix

EPS = 1e-5


def mix_by_recurrence(
    projected: Tensor, conv_weight: Tensor, conv_bias: Tensor, dt_bias: Tensor, A_log: Tensor, D: Tensor,
    norm_weight: Tensor,
) -> Tensor:  # fmt: skip
    """What lies between the projections as its definition reads, one step after the other."""
    inner, heads = len(norm_weight), len(A_log)
    n = (len(conv_bias) - inner) // 2
    z, xBC, dt = projected.split([inner, inner + 2 * n, heads], -1)
    padded = F.pad(xBC, (0, 0, conv_weight.shape[-1] - 1, 0))
    xBC = F.silu(F.conv1d(padded.mT, conv_weight, conv_bias, groups=len(conv_bias)).mT)
    x, B, C = xBC.split([inner, n, n], -1)
    x, dt = x.unflatten(-1, (heads, -1)), F.softplus(dt + dt_bias)
    state, y = torch.zeros(len(x), heads, n, inner // heads, dtype=x.dtype), []
    for t in range(x.shape[1]):
        decay = torch.exp(-dt[:, t] * A_log.exp())
        entry = torch.einsum("bh,bn,bhp->bhnp", dt[:, t], B[:, t], x[:, t])
        state = decay[..., None, None] * state + entry
        y.append(torch.einsum("bn,bhnp->bhp", C[:, t], state) + D[:, None] * x[:, t])
    gated = torch.stack(y, 1).flatten(2) * F.silu(z)
    return gated / (gated.square().mean(-1, keepdim=True) + EPS).sqrt() * norm_weight


def arguments(length: int, headdim: int, d_state: int, heads: int = 2) -> list[Tensor]:
    """A projection, of two sequences if they are short, and parameters of order one; in double precision."""
    torch.manual_seed(length)
    inner, channels = heads * headdim, heads * headdim + 2 * d_state
    shapes = [
        (1 if length > 60 else 2, length, inner + channels + heads),
        (channels, 1, 4),
        *[(k,) for k in (channels, heads, heads, heads, inner)],
    ]
    return [torch.randn(shape, dtype=torch.float64) for shape in shapes]


def gradients(y: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    torch.manual_seed(1)
    weight = torch.randn(y.shape, dtype=torch.float64)
    return list(torch.autograd.grad((y.double() * weight).sum(), inputs))


# around the lengths of chunks; widths at powers of two and between; states in one part and in more
@pytest.mark.parametrize(
    ("length", "headdim", "d_state", "heads", "reverse"),
    [
        (1, 4, 8, 2, False),
        (2, 33, 16, 2, True),
        (63, 8, 33, 1, True),
        (65, 5, 12, 3, True),
        (18, 64, 128, 1, False),
        (243, 32, 16, 1, True),
    ],
)
def test_equals_the_recurrence(length: int, headdim: int, d_state: int, heads: int, reverse: bool) -> None:
    exact = [value.requires_grad_() for value in arguments(length, headdim, d_state, heads)]
    single = [value.detach().float().requires_grad_() for value in exact]
    order = (1,) if reverse else ()
    expected = mix_by_recurrence(exact[0].flip(order), *exact[1:]).flip(order)
    found = ssd_mix(*single, EPS, reverse)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(gradients(found, single), gradients(expected, exact), strict=True):
        assert (ours - theirs).norm() <= 2e-5 * theirs.norm() + 1e-5


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 5e-2), (torch.float16, 5e-3)])
def test_half_precision_is_summed_in_single(dtype: torch.dtype, tolerance: float) -> None:
    projected, *parameters = arguments(64, 16, 16)
    exact = [projected.to(dtype).double().requires_grad_(), *(p.requires_grad_() for p in parameters)]
    half = [projected.to(dtype).requires_grad_(), *(p.detach().float().requires_grad_() for p in parameters)]
    expected, found = mix_by_recurrence(*exact), ssd_mix(*half, EPS, False)
    assert found.dtype == dtype
    assert (found - expected).norm() <= tolerance * expected.norm()
    for ours, theirs, given in zip(gradients(found, half), gradients(expected, exact), half, strict=True):
        assert ours.dtype == given.dtype
        assert (ours - theirs).norm() <= tolerance * theirs.norm()


def test_strong_decays_stay_finite_and_the_same_bits_come_again() -> None:
    values = [value.float().requires_grad_() for value in arguments(40, 8, 8)]
    with torch.no_grad():
        values[3] += 50  # dt, for decays of exp(-800) a step
        values[4] += 3
    first, second = ([y, *gradients(y, values)] for y in (ssd_mix(*values, EPS, False) for _ in range(2)))
    assert all(value.isfinite().all() for value in first)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_is_an_operator_that_torch_can_trace() -> None:
    values = [value.float().requires_grad_() for value in arguments(3, 4, 8)]
    torch.library.opcheck(ssd_mix, (*values, EPS, True))


def test_operations_are_those_of_the_products() -> None:
    length, p, n, heads = 2 * CHUNK, 4, 8, 2
    values = [value.float().requires_grad_() for value in arguments(length, p, n, heads)]
    chunks = 2 * heads * 2  # of two sequences
    ln, lp, np = CHUNK * CHUNK * n, CHUNK * CHUNK * p, CHUNK * n * p
    with FlopCounterMode(display=False) as counter:
        y = ssd_mix(*values, EPS, False)
    forward = 2 * chunks * (ln + lp + 2 * np)  # C B, scores x, C state, B x
    assert counter.get_total_flops() == forward
    with FlopCounterMode(display=False) as counter:
        y.sum().backward()
    # y once more, then gradients: scores again; to B, C and x from the chunk, from the state and to the state
    assert counter.get_total_flops() == forward + 2 * chunks * (3 * ln + 2 * lp + 4 * np)


def both(dtype: torch.dtype = torch.float32) -> tuple[TemporalSSM, TemporalSSM, Tensor]:
    """The same layers twice, with Triton and with torch, and tokens for them."""
    torch.manual_seed(0)
    made = [TemporalSSM(16, full.Settings(mamba_gcn_dim=32, ssm_backend=name)) for name in ("auto", "torch")]
    for layer in (made[0].forwards, made[0].backwards):
        nn.init.normal_(layer.norm.weight)
        assert layer.backend_used == "triton"
    made[1].load_state_dict(made[0].state_dict())
    assert made[1].forwards.backend_used == "torch"
    return *made, torch.randn(1, 20, 1, 16)


def test_the_block_is_the_one_in_torch_in_both_directions() -> None:
    ours, theirs, x = both()
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-5)
    y = ours(x)
    changed = x.clone()
    changed[:, 10] += 1
    forwards, backwards = (
        (layer(changed[:, :, 0], reverse) != layer(x[:, :, 0], reverse)).any(-1)[0]
        for layer, reverse in ((ours.forwards, False), (ours.backwards, True))
    )
    assert forwards.nonzero().min() == 10
    assert backwards.nonzero().max() == 10
    y.sum().backward()
    theirs(x).sum().backward()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-4)


def test_autocast_compile_and_copies_go_through() -> None:
    ours, theirs, x = both()
    with torch.autocast("cpu", torch.bfloat16):
        found, expected = copy.deepcopy(ours).forwards(x[:, :, 0]), theirs.forwards(x[:, :, 0])
    assert found.dtype == torch.bfloat16
    assert (found - expected).norm() <= 0.03 * expected.norm()
    compiled = torch.compile(ours.forwards, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x[:, :, 0]), theirs.forwards(x[:, :, 0]), rtol=1e-4, atol=1e-5)


def test_the_backward_pass_keeps_the_projections_alone() -> None:
    layer, kept = Mamba2(16, headdim=4), {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        layer(torch.randn(1, 20, 16))
    rows = 16 + layer.in_proj.out_features + layer.d_inner
    assert sum(kept.values()) <= 20 * rows * 4 + sum(p.nbytes for p in layer.parameters())


def test_heads_that_the_kernels_cannot_do() -> None:
    reason = "its kernels do heads of at most 64 channels, found 65"
    assert str(Mamba2(65, headdim=65).choice) == f"torch (triton cannot be used here: {reason})"
    with pytest.raises(PoseliftError, match=f"ssm_backend: triton cannot be used here: {reason}"):
        Mamba2(65, headdim=65, backend="triton")


def test_double_precision_is_left_to_torch() -> None:
    layer = Mamba2(16, headdim=4)
    assert layer.choice.kernel is mix
    assert str(layer.double().choice) == "torch (in double precision)"
