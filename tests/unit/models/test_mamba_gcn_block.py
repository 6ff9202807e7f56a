"""The MambaGCN block: who sees whom, and that each of its hyper-parameters does what it says."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from poselift import skeleton
from poselift.models.architectures import full
from poselift.models.mamba_gcn_block import MambaGCNBlock, SkeletonGraph

B, T, J, C = 2, 70, 17, 16  # more frames than the SSD layer takes at once

Wake = Callable[[nn.Module], nn.Module]


def block(wake: Wake | None = None, **settings: Any) -> MambaGCNBlock:
    torch.manual_seed(0)
    made = MambaGCNBlock(C, full.Settings(**{"mamba_gcn_dim": 32, **settings})).eval()
    if wake:
        wake(made)
    return made


def tokens(n_frames: int = T) -> Tensor:
    return torch.randn(B, n_frames, J, C, generator=torch.Generator().manual_seed(1))


def changed(x: Tensor, *index: Any) -> Tensor:
    x = x.clone()
    x[index] += torch.randn(x[index].shape, generator=torch.Generator().manual_seed(2))
    return x


def test_starts_as_the_identity_up_to_the_layer_scale() -> None:
    made, x = block(), tokens()
    difference = (made(x) - x).abs().max().item()
    largest = made.mix(made.norm1(x)).abs().max().item() + made.mlp(made.norm2(x)).abs().max().item()
    assert 0 < difference < 1.1e-5 * largest
    assert difference < 1e-4


def test_is_the_formula(wake: Wake) -> None:
    made, x = block(wake), tokens(9)
    h = made.norm1(x)
    forwards = torch.stack([made.ssm.forwards(h[:, :, j]) for j in range(J)], 2)
    assert made.ssm.backwards is not None
    backwards = torch.stack([made.ssm.backwards(h[:, :, j].flip(1)).flip(1) for j in range(J)], 2)
    edges = torch.eye(J)
    for a, b in skeleton.BONES:
        edges[a, b] = edges[b, a] = 1
    degree = edges.sum(1)
    graph = made.gcn[0]
    adjacency = edges / (degree[:, None] * degree).sqrt() + graph.residual
    y_gcn = torch.stack([adjacency @ (frame @ graph.linear.weight.T + graph.linear.bias) for frame in h[0]])
    a = 1 / (1 + torch.exp(-made.theta))
    y = a * (forwards + backwards)[0] / 2 + (1 - a) * y_gcn
    z = x[0] + made.layer_scale_1 * y
    expected = z + made.layer_scale_2 * made.mlp(made.norm2(z))
    torch.testing.assert_close(made(x)[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("t", [0, 1, 33, 64, 69])
def test_forward_only_leaves_earlier_frames_alone(t: int, wake: Wake) -> None:
    made, x = block(wake, ssm_directions="forward"), tokens()
    y, z = made(x), made(changed(x, slice(None), t))
    assert torch.equal(z[:, :t], y[:, :t])
    assert not torch.equal(z[:, t], y[:, t])


def test_both_directions_see_later_frames(wake: Wake) -> None:
    made, x = block(wake), tokens()
    y, z = made(x), made(changed(x, slice(None), 40))
    assert (y != z)[:, 39].any()
    assert (y != z)[:, 41].any()


def test_reversing_time_swaps_the_directions(wake: Wake) -> None:
    made, x = block(wake, mamba_gcn_parts="ssm"), tokens()
    y = made(x)
    made.ssm.forwards, made.ssm.backwards = made.ssm.backwards, made.ssm.forwards
    torch.testing.assert_close(made(x.flip(1)).flip(1), y, rtol=1e-5, atol=1e-5)


def test_without_graph_a_joint_leaves_the_others_alone(wake: Wake) -> None:
    made, x = block(wake, mamba_gcn_parts="ssm"), tokens()
    y, z = made(x), made(changed(x, slice(None), slice(None), 8))
    others = [j for j in range(J) if j != 8]
    assert torch.equal(z[:, :, others], y[:, :, others])
    assert not torch.equal(z[:, :, 8], y[:, :, 8])


def test_without_ssm_a_frame_leaves_the_others_alone(wake: Wake) -> None:
    made, x = block(wake, mamba_gcn_parts="gcn"), tokens()
    y, z = made(x), made(changed(x, slice(None), 5))
    others = [t for t in range(T) if t != 5]
    assert torch.equal(z[:, others], y[:, others])
    assert not torch.equal(z[:, 5], y[:, 5])


def test_ssm_sees_frames_of_its_joint_and_graph_joints_of_its_frame(wake: Wake) -> None:
    made, x = block(wake), tokens()
    touched = (made(changed(x, 0, 30, 9)) != made(x)).any(-1)
    assert not touched[1].any()  # the other clip
    others = [t for t in range(T) if t != 30]
    joints = touched[0, others].any(0)
    assert joints.nonzero().flatten().tolist() == [9]
    assert touched[0, 30].all()  # the residual adjacency, awake, links all joints


def test_graph_starts_as_the_skeleton() -> None:
    graph = SkeletonGraph(C)
    x = tokens(1)
    influence = torch.stack(
        [(graph(changed(x, slice(None), 0, j)) != graph(x))[0, 0].any(-1) for j in range(J)], 1
    )
    assert torch.equal(influence, torch.tensor(skeleton.adjacency()) + torch.eye(J) > 0)


def test_graph_learns_edges_beyond_the_skeleton() -> None:
    graph = SkeletonGraph(C)
    graph(tokens(2)).square().sum().backward()
    assert graph.residual.grad is not None
    assert (graph.residual.grad != 0).all()


@pytest.mark.parametrize("alpha", [0.3, 0.7])
def test_fusion_starts_at_alpha(alpha: float) -> None:
    made = block(fusion_alpha=alpha)
    torch.testing.assert_close(made.theta.sigmoid(), torch.full((C,), alpha))
    h = tokens(9)
    torch.testing.assert_close(made.mix(h), alpha * made.ssm(h) + (1 - alpha) * made.gcn(h))


def test_fixed_fusion_has_nothing_to_learn() -> None:
    learned, fixed = block(), block(mamba_gcn_fusion="fixed", fusion_alpha=0.3)
    assert {n for n, _ in learned.named_parameters()} - {n for n, _ in fixed.named_parameters()} == {"theta"}
    torch.testing.assert_close(fixed.theta.sigmoid(), torch.full((C,), 0.3))


def test_dropout_falls_on_the_graph_only() -> None:
    h = tokens(50)
    made = block(gcn_dropout=0.25, mamba_gcn_parts="gcn").train()
    assert (made.mix(h) == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)
    made = block(gcn_dropout=0.25, mamba_gcn_parts="ssm").train()
    assert torch.equal(made.mix(h), made.mix(h))
    assert torch.equal(block(gcn_dropout=0.25).mix(h), block(gcn_dropout=0.0).mix(h))


@pytest.mark.parametrize("inner", [8, 64, 128, 512])
def test_inner_width_is_that_of_the_ssm(inner: int) -> None:
    made = block(mamba_gcn_dim=inner)
    assert made.ssm.forwards.out_proj.weight.shape == (C, inner)
    assert len(made.ssm.forwards.A_log) == 8
    assert made(tokens(3)).isfinite().all()


def test_every_parameter_is_used(wake: Wake) -> None:
    made = block(wake)
    made(tokens(5)).square().sum().backward()
    unused = [name for name, p in made.named_parameters() if p.grad is None or not p.grad.any()]
    assert unused == []


def test_gradcheck(wake: Wake) -> None:
    torch.manual_seed(0)
    made = wake(MambaGCNBlock(8, full.Settings(mamba_gcn_dim=8)).eval()).double()
    x = torch.randn(1, 3, J, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(made, (x,), fast_mode=True)
