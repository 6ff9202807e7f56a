"""How much memory a training needs on a device, and whether it keeps what its backward pass needs."""

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal

import torch

from poselift.config.run import RunSettings
from poselift.errors import PoseliftError

if TYPE_CHECKING:
    from poselift.training.step_cost import StepCost

log = logging.getLogger("poselift.train")

Memory = Literal["auto", "keep", "recompute"]

ROOM = 0.94
"""Of the free memory of a GPU, what the count of a step may fill. What is left is for libraries, what the
allocator cannot use, and the frames. A card of 80 GB by its name then has 80 GB of its 85."""


def settle(
    memory: Memory, compiled: bool, count: "Callable[[bool], StepCost]", fits: "Callable[[StepCost], bool]"
) -> "tuple[bool, StepCost]":
    """Whether a training computes parts of its model again, and what its step costs then: as it was asked
    for, else where it would not fit otherwise. `count` counts a step with and without.

    A compiled model does not: the compiler decides itself what it computes again.
    """
    if memory == "recompute" and not compiled:
        return True, count(True)
    cost = count(False)
    if memory == "keep" or compiled or fits(cost):
        return False, cost
    again = count(True)
    return (True, again) if again.memory < cost.memory else (False, cost)  # a lifter of one's own


def recomputes(settings: RunSettings, memory: Memory, device: torch.device, fused: bool) -> bool:
    """Whether a run on `device` computes parts of its model again; on a GPU the log says what it needs.
    `fused` is whether it runs the project's kernels.

    Raises `PoseliftError` where what the run has to keep is more than the whole GPU has.
    """
    if device.type != "cuda":
        return memory == "recompute" and not settings.training.compile
    again, needed = _on_gpu(settings, memory, device, fused, *torch.cuda.mem_get_info(device))
    log.info("%s needs %s", settings.name, needed)
    return again


def _on_gpu(
    settings: RunSettings, memory: Memory, device: torch.device, fused: bool, free: int, total: int
) -> tuple[bool, str]:
    """As `recomputes`, and what the run needs, in words."""
    from poselift.training.step_cost import count_step  # takes half a second, which the CPU can do without

    def fits(cost: "StepCost") -> bool:
        return cost.memory <= ROOM * free

    compiled = settings.training.compile
    again, cost = settle(memory, compiled, partial(count_step, settings, fused), fits)
    if cost.kept > total and not compiled:
        raise PoseliftError(
            f"{settings.name}: needs about {_gb(cost.memory)} of memory, {device} has {_gb(total)}; try "
            f"{advice(settings, again, device)}"
        )
    needed = f"about {_gb(cost.memory)} of memory of the {_gb(free)} that are free on {device}"
    how = ", with parts of the model computed again in the backward pass" if again else ""
    how += ", or less, as it is compiled" if compiled else ""
    return again, needed + how + ("" if fits(cost) else "; it may not be enough")


def advice(settings: RunSettings, again: bool, device: torch.device) -> str:
    """What makes a run need less memory that computes parts `again` or does not."""
    recipe = settings.training
    parts = 2 * recipe.gradient_accumulation_steps
    options = [] if again or recipe.compile else ["--memory recompute (the same weights)"]
    options.append(
        f"--gradient-accumulation-steps {parts} (as many clips per step, in {parts} parts, each with its own "
        "batch norm)"
    )
    if recipe.precision == "fp32" and device.type == "cuda":
        options.append("--precision bf16")
    return f"{' or '.join(options)}, or a smaller batch_size"


def _gb(size: float) -> str:
    return f"{size / 1e9:.0f} GB"
