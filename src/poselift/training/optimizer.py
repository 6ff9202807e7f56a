"""The optimiser of a run."""

from typing import Any

import torch
from torch import nn

from poselift.config.run import TrainingSettings


def make_optimizer(model: nn.Module, recipe: TrainingSettings) -> torch.optim.Optimizer:
    """The optimiser that `recipe` names: AdamW (Loshchilov and Hutter, ICLR 2019), or Adam with the AMSGrad
    correction (Reddi et al., ICLR 2018), whose weight decay is an L2 penalty."""
    groups = parameter_groups(model, recipe.weight_decay)
    # fused: one kernel for all parameters, and under a gradient scaler no wait for the host
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr, fused=True)
    return torch.optim.Adam(groups, lr=recipe.lr, amsgrad=True, fused=True)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters with and without weight decay: those that a model marks `_no_weight_decay` go without."""
    groups: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for parameter in model.parameters():
        groups[not getattr(parameter, "_no_weight_decay", False)].append(parameter)
    decays = {True: weight_decay, False: 0.0}
    return [{"params": group, "weight_decay": decays[decay]} for decay, group in groups.items() if group]
