"""The learning rate against its formulas, written out step by step."""

import math

import pytest

from poselift.config.run import TrainingSettings
from poselift.training.schedule import learning_rate


def curve(steps_per_epoch: int, **recipe: object) -> list[float]:
    settings = TrainingSettings.model_validate(recipe)
    total = settings.epochs * steps_per_epoch
    return [learning_rate(settings, step, steps_per_epoch) for step in range(total)]


def test_exponential_falls_by_epochs_as_published():
    expected = [5e-4 * 0.99**epoch for epoch in range(60) for _ in range(3)]
    assert curve(3) == pytest.approx(expected)


def test_cosine_goes_from_lr_to_almost_nothing():
    rates = curve(5, epochs=4, lr=0.1, lr_scheduler="cosine")
    assert rates == pytest.approx([0.05 * (1 + math.cos(math.pi * i / 20)) for i in range(20)])
    assert rates[0] == 0.1
    assert 0 < rates[-1] < 0.001


def test_constant():
    assert curve(2, epochs=3, lr=0.1, lr_scheduler="constant") == [0.1] * 6


@pytest.mark.parametrize("scheduler", ["exponential", "cosine", "constant"])
def test_warm_up_rises_linearly_and_ends_in_the_course(scheduler):
    plain = curve(4, epochs=5, lr_scheduler=scheduler)
    warmed = curve(4, epochs=5, lr_scheduler=scheduler, warmup_steps=10)
    assert warmed[10:] == plain[10:]
    assert [w / p for w, p in zip(warmed, plain, strict=True)][:10] == pytest.approx(
        [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    )
