"""What a run needs to go on after any step."""

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from torch import Tensor


class Errors(NamedTuple):
    """The outcome of a validation, in mm, or in pixels where there is no mm per pixel."""

    mpjpe: float
    p_mpjpe: float


@dataclass
class TrainingState:
    """The training state. The weights and the optimiser are on the CPU.

    There is no random state in it: every step draws from a generator of its own seed, and so does the order
    of every epoch.
    """

    epoch: int = 0
    """Epochs that are done, validation included."""
    step: int = 0
    """Optimiser steps that are done in the epoch after these."""
    seconds: float = 0.0
    """How long these steps have taken."""
    sums: list[float] = field(default_factory=list)
    """The losses of these steps, summed over clips, in the order of `losses.TERMS`."""
    model: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    scaler: dict[str, Any] = field(default_factory=dict)
    best_model: dict[str, Any] = field(default_factory=dict)
    best_epoch: int = -1
    history: dict[str, list[float | None]] = field(default_factory=dict)
    """A value per epoch for each quantity that is logged; None where there was no validation."""

    def after_epoch(self, row: dict[str, float], errors: Errors | None) -> "TrainingState":
        """The state after one more epoch, of which `row` has a number for each quantity that is logged."""
        known: dict[str, float | None] = {**row, "mpjpe": None, "p_mpjpe": None}
        history = {name: [*self.history.get(name, []), value] for name, value in known.items()}
        state = replace(self, epoch=self.epoch + 1, step=0, seconds=0.0, sums=[], history=history)
        return state.with_validation(errors) if errors else state

    def with_validation(self, errors: Errors) -> "TrainingState":
        """The state with the errors of its last epoch, which may be the best one; ties go to the later
        epoch."""
        history = self.history | {
            name: [*self.history[name][:-1], value] for name, value in errors._asdict().items()
        }
        best = min(value for value in history["mpjpe"] if value is not None)
        if errors.mpjpe > best:
            return replace(self, history=history)
        return replace(self, history=history, best_epoch=self.epoch - 1, best_model=self.model)


def on_cpu(value: Any) -> Any:
    """A copy of a state dict whose tensors are on the CPU and share no memory with it."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: on_cpu(item) for key, item in value.items()}
    return [on_cpu(item) for item in value] if isinstance(value, list) else value
