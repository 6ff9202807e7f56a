"""The loss against its formula, worked out joint by joint."""

import math

import pytest
import torch

from poselift.training.losses import losses


def naive(prediction: torch.Tensor, target: torch.Tensor) -> dict[str, float]:
    """The three terms with loops over clips, frames and joints."""
    p, t = prediction.tolist(), target.tolist()
    n_clips, n_frames, n_joints = prediction.shape[:3]
    position, scaled, velocity = [], [], []
    for b in range(n_clips):
        for f in range(n_frames):
            dot = sum(x * y for j in range(n_joints) for x, y in zip(p[b][f][j], t[b][f][j], strict=True))
            size = sum(x * x for j in range(n_joints) for x in p[b][f][j])
            for j in range(n_joints):
                position.append(math.dist(p[b][f][j], t[b][f][j]))
                scaled.append(math.dist([dot / size * x for x in p[b][f][j]], t[b][f][j]))
                if f:
                    moved_p = [x - y for x, y in zip(p[b][f][j], p[b][f - 1][j], strict=True)]
                    moved_t = [x - y for x, y in zip(t[b][f][j], t[b][f - 1][j], strict=True)]
                    velocity.append(math.dist(moved_p, moved_t))
    terms = {"mpjpe": position, "n_mpjpe": scaled, "velocity": velocity}
    return {name: sum(values) / len(values) for name, values in terms.items()}


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    prediction, target = torch.randn(2, 3, 4, 17, 3, generator=generator, dtype=torch.float64)
    return prediction, target - target[..., :1, :]


def test_terms_are_the_published_ones(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    found, expected = losses(*pair), naive(*pair)
    for name, value in expected.items():
        assert found[name].item() == pytest.approx(value)
    total = expected["mpjpe"] + 0.5 * expected["n_mpjpe"] + 20 * expected["velocity"]
    assert found["total"].item() == pytest.approx(total)
    assert losses(*pair)["total"].item() == pytest.approx(total)


def test_weights(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    terms = naive(*pair)
    assert losses(*pair, n_mpjpe_weight=0, velocity_weight=0)["total"].item() == pytest.approx(terms["mpjpe"])
    weighted = losses(*pair, n_mpjpe_weight=3, velocity_weight=7)["total"].item()
    assert weighted == pytest.approx(terms["mpjpe"] + 3 * terms["n_mpjpe"] + 7 * terms["velocity"])


def test_the_root_has_to_be_learned(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    target = pair[1]
    shifted = target + torch.tensor([0.3, 0.0, 0.4], dtype=torch.float64)
    assert losses(shifted, target)["mpjpe"].item() == pytest.approx(0.5)


def test_gradient_equals_finite_differences(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    prediction, target = (x[:1, :3, :4] for x in pair)
    assert torch.autograd.gradcheck(lambda p: losses(p, target)["total"], prediction.clone().requires_grad_())


@pytest.mark.parametrize("start", ["target", "zero"])
def test_gradient_is_finite_where_distances_vanish(
    pair: tuple[torch.Tensor, torch.Tensor], start: str
) -> None:
    target = pair[1].float()
    prediction = (target.clone() if start == "target" else torch.zeros_like(target)).requires_grad_()
    losses(prediction, target)["total"].backward()
    assert prediction.grad is not None
    assert prediction.grad.isfinite().all()
