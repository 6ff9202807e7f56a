"""The optimisers against their update rules, and which parameters decay."""

import pytest
import torch
from torch import nn

from poselift.config.run import TrainingSettings
from poselift.training.optimizer import make_optimizer, parameter_groups


def test_marked_parameters_go_without_weight_decay():
    model = nn.Linear(2, 2)
    model.bias._no_weight_decay = True
    groups = parameter_groups(model, 0.1)
    assert [(g["weight_decay"], [p.shape for p in g["params"]]) for g in groups] == [
        (0.1, [model.weight.shape]),
        (0.0, [model.bias.shape]),
    ]


def by_hand(name: str, weight: float, gradients: list[float], lr: float, decay: float) -> float:
    """One weight after these gradients; Adam with beta 0.9 and 0.999, eps 1e-8."""
    m = v = largest = 0.0
    for t, g in enumerate(gradients, 1):
        if name == "adamw":
            weight -= lr * decay * weight
        else:
            g += decay * weight
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        largest = max(largest, v) if name == "amsgrad" else v
        weight -= lr * (m / (1 - 0.9**t)) / ((largest / (1 - 0.999**t)) ** 0.5 + 1e-8)
    return weight


@pytest.mark.parametrize("name", ["adamw", "amsgrad"])
def test_updates_are_those_of_the_papers(name):
    model = nn.Linear(1, 1, bias=False).double()
    start, gradients = model.weight.item(), [0.5, -30.0, 0.01, 0.02]
    optimizer = make_optimizer(model, TrainingSettings(optimizer=name, lr=0.1, weight_decay=0.2))
    for gradient in gradients:
        model.weight.grad = torch.full_like(model.weight, gradient)
        optimizer.step()
    assert model.weight.item() == pytest.approx(by_hand(name, start, gradients, 0.1, 0.2), rel=1e-9)
