"""The metrics against values worked by hand, a per-frame reference, and what they must not see."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from torch import Tensor

from poselift.evaluation.metrics import METRICS, acceleration_error, mpjpe, mpjve, n_mpjpe, p_mpjpe
from poselift.geometry import align


def poses(*shape: int, seed: int = 0) -> Tensor:
    """Random poses in mm, float64."""
    generator = torch.Generator().manual_seed(seed)
    return 300 * torch.randn(*shape, 17, 3, generator=generator, dtype=torch.float64)


def reference_p_mpjpe(prediction: NDArray, target: NDArray) -> NDArray:
    """One frame after another: scipy's best proper rotation, then the least-squares scale."""
    errors = np.empty(prediction.shape[:-1])
    for i in np.ndindex(prediction.shape[:-2]):
        source = prediction[i] - prediction[i].mean(axis=0)
        goal = target[i] - target[i].mean(axis=0)
        rotated = Rotation.align_vectors(goal, source)[0].apply(source)
        scale = np.vdot(rotated, goal) / np.vdot(rotated, rotated)
        errors[i] = np.sqrt(((scale * rotated - goal) ** 2).sum(axis=-1))
    return errors


def random_rotations(n: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(Rotation.random(n, random_state=seed).as_matrix())


def test_mpjpe_by_hand() -> None:
    prediction, target = torch.zeros(2, 3, 3), torch.zeros(2, 3, 3)
    prediction[0, 1] = torch.tensor([3.0, 4.0, 0.0])
    target[1, 2] = torch.tensor([2.0, 3.0, 6.0])
    assert mpjpe(prediction, target).tolist() == [[0, 5, 0], [0, 0, 7]]


def test_n_mpjpe_by_hand() -> None:
    # joints at 1 and 2 on x, to be brought to 1 and 3: s = (1*1 + 2*3) / (1 + 4) = 1.4, errors 0.4 and 0.2
    prediction = torch.tensor([[1.0, 0, 0], [2, 0, 0]], dtype=torch.float64)
    target = torch.tensor([[1.0, 0, 0], [3, 0, 0]], dtype=torch.float64)
    assert n_mpjpe(prediction, target).tolist() == pytest.approx([0.4, 0.2])


def test_n_mpjpe_forgives_scale_frame_by_frame_and_nothing_else() -> None:
    target = poses(4)
    scales = torch.tensor([0.1, 0.9, 2, 50], dtype=torch.float64)[:, None, None]
    assert n_mpjpe(scales * target, target).max() < 1e-9
    assert n_mpjpe(target @ random_rotations(4), target).mean() > 10
    assert n_mpjpe(target + 50, target).mean() > 10


def test_n_mpjpe_of_coinciding_joints_is_the_distance_to_the_root() -> None:
    target = poses(2)
    assert torch.equal(n_mpjpe(torch.zeros_like(target), target), target.norm(dim=-1))


@pytest.mark.parametrize("noise", [1.0, 100.0, 1000.0])  # at 1000 about half the best orthogonal maps reflect
def test_p_mpjpe_equals_a_reference_frame_by_frame(noise: float) -> None:
    target = poses(20, 10, seed=1)
    prediction = (
        0.4 * target @ random_rotations(200).reshape(20, 10, 3, 3) + 700 + noise * poses(20, 10, seed=2) / 300
    )
    expected = reference_p_mpjpe(prediction.numpy(), target.numpy())
    np.testing.assert_allclose(p_mpjpe(prediction, target).numpy(), expected, rtol=0, atol=1e-6)


def test_p_mpjpe_forgives_similarities() -> None:
    target = poses(100)
    scale = torch.logspace(-3, 2, 100, dtype=torch.float64)[:, None, None]
    prediction = scale * target @ random_rotations(100) + 1000 * poses(100, seed=3)[:, :1]
    assert p_mpjpe(prediction, target).max() < 1e-6


def test_p_mpjpe_does_not_forgive_reflections() -> None:
    target = poses(10)
    reflected = target * torch.tensor([-1.0, 1, 1], dtype=torch.float64)
    error = p_mpjpe(reflected, target)
    assert error.mean() > 50
    np.testing.assert_allclose(error, reference_p_mpjpe(reflected.numpy(), target.numpy()), rtol=0, atol=1e-6)


def test_alignment_cannot_be_bettered() -> None:
    target, prediction = poses(5), poses(5, seed=4)
    aligned = align(prediction, target)
    least = (aligned - target).square().sum(dim=(-2, -1))
    centre = aligned.mean(dim=-2, keepdim=True)
    for seed in range(20):
        turn = torch.from_numpy(
            Rotation.from_rotvec(1e-2 * np.random.default_rng(seed).normal(size=3)).as_matrix()
        )
        other = (1 + 1e-2 * (seed % 3 - 1)) * (aligned - centre) @ turn + centre + 1e-1 * (seed % 5 - 2)
        assert ((other - target).square().sum(dim=(-2, -1)) > least).all()


def test_p_mpjpe_of_flat_poses_equals_the_reference() -> None:
    target = poses(50)
    flat = target.clone()
    flat[..., 2] = 0
    np.testing.assert_allclose(
        p_mpjpe(flat, target), reference_p_mpjpe(flat.numpy(), target.numpy()), rtol=0, atol=1e-6
    )


def test_p_mpjpe_of_straight_poses() -> None:
    # on a line, whatever the turn about the line: reference positions are reached exactly
    along = torch.linspace(-1, 1, 17, dtype=torch.float64)[:, None]
    prediction = along * torch.tensor([100.0, 0, 0], dtype=torch.float64)
    target = along * torch.tensor([0, 300.0, 400], dtype=torch.float64) + 5
    assert p_mpjpe(prediction, target).max() < 1e-9


def test_p_mpjpe_of_coinciding_joints_is_the_distance_to_the_centroid() -> None:
    target = poses(3)
    expected = (target - target.mean(dim=1, keepdim=True)).norm(dim=-1)
    torch.testing.assert_close(p_mpjpe(torch.full_like(target, 7), target), expected)
    assert torch.equal(p_mpjpe(target, torch.zeros_like(target)), torch.zeros(3, 17, dtype=torch.float64))


def test_mpjve_by_hand() -> None:
    # the target moves by 1, 1; the prediction by 4 and then stands: errors 3 and 1
    target = torch.zeros(3, 1, 3)
    target[:, 0, 0] = torch.tensor([0.0, 1, 2])
    prediction = torch.zeros(3, 1, 3)
    prediction[:, 0, 0] = torch.tensor([9.0, 13, 13])
    assert mpjve(prediction, target).tolist() == [[3], [1]]


def test_acceleration_by_hand() -> None:
    # x = t^2 has second difference 2; y = 3t has none; the target stands
    t = torch.arange(5.0)
    prediction = torch.zeros(5, 2, 3)
    prediction[:, 0, 0] = t**2
    prediction[:, 1, 1] = 3 * t
    assert acceleration_error(prediction, torch.zeros(5, 2, 3)).tolist() == [[2, 0]] * 3


def test_motion_errors_compare_within_a_clip_only() -> None:
    target, other = poses(3, 6), poses(3, 6, seed=5)
    changed = other.clone()
    changed[1] += 1e3 * poses(6, seed=6)
    for metric in (mpjve, acceleration_error):
        before, after = metric(other, target), metric(changed, target)
        assert torch.equal(before[[0, 2]], after[[0, 2]])
        assert not torch.equal(before[1], after[1])
        assert torch.allclose(metric(other + 100, target), before)  # a constant offset does not move


def test_what_each_metric_is_called_and_measured_in() -> None:
    # velocities and accelerations are a tenth of positions, so that they have a decimal more
    assert [(m.name, m.label, m.unit, m.order, m.decimals(1)) for m in METRICS.values()] == [
        ("mpjpe", "MPJPE", "mm", 0, 1), ("p_mpjpe", "P-MPJPE", "mm", 0, 1),
        ("n_mpjpe", "N-MPJPE", "mm", 0, 1), ("mpjve", "MPJVE", "mm/frame", 1, 2),
        ("acceleration", "Acceleration", "mm/frame^2", 2, 2),
        ("pck", "PCK", "%", 0, 1), ("auc", "AUC", "%", 0, 1),
    ]  # fmt: skip
    assert {name for name, metric in METRICS.items() if metric.higher_is_better} == {"pck", "auc"}
    target, prediction = torch.zeros(5, 17, 3), torch.ones(5, 17, 3)
    for metric in METRICS.values():
        assert metric.function(prediction, target).shape == (5 - metric.order, 17)
