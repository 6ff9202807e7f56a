"""The learning rate by step."""

import math

from poselift.config.run import TrainingSettings


def learning_rate(recipe: TrainingSettings, step: int, steps_per_epoch: int) -> float:
    """The learning rate of optimiser step `step`, counted from 0 over the whole run.

    `exponential`: lr x lr_decay^epoch, constant within an epoch, as published. `cosine`: from lr at the first
    step to 0 after the last (Loshchilov and Hutter, SGDR, ICLR 2017, eq. 5, without restarts). The first
    `warmup_steps` steps are a linear warm-up.
    """
    if recipe.lr_scheduler == "exponential":
        factor = recipe.lr_decay ** (step // steps_per_epoch)
    elif recipe.lr_scheduler == "cosine":
        factor = (1 + math.cos(math.pi * step / (recipe.epochs * steps_per_epoch))) / 2
    else:
        factor = 1.0
    warmup = min(1.0, (step + 1) / recipe.warmup_steps) if recipe.warmup_steps else 1.0
    return recipe.lr * factor * warmup
