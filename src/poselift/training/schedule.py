"""The learning rate by step."""

import math

from poselift.config.run import TrainingSettings


def learning_rate(recipe: TrainingSettings, step: int, steps_per_epoch: int) -> float:
    """The learning rate of optimiser step `step`, counted from 0 over the whole run.

    `exponential`: lr x lr_decay^epoch, constant within an epoch, as published. `cosine`: from lr at the first
    step to 0 after the last (Loshchilov and Hutter, SGDR, ICLR 2017, eq. 5, without restarts). In the first
    `warmup_steps` steps it is led up to its course linearly.
    """
    if recipe.lr_scheduler == "exponential":
        course = recipe.lr_decay ** (step // steps_per_epoch)
    elif recipe.lr_scheduler == "cosine":
        course = (1 + math.cos(math.pi * step / (recipe.epochs * steps_per_epoch))) / 2
    else:
        course = 1.0
    warmup = min(1.0, (step + 1) / recipe.warmup_steps) if recipe.warmup_steps else 1.0
    return recipe.lr * course * warmup
