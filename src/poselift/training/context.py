"""What a training is given from outside: where it runs, what it reports to, where it saves its states."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import nn

from poselift.config.run import ExecutionSettings
from poselift.training.distributed import Ranks
from poselift.training.state import TrainingState


class Reporter(Protocol):
    """What is told about the progress of a run."""

    def ready(self, loop: Any) -> None:
        """The model and the data of the `loop.Loop` are set up."""

    def phase(self, phase: Literal["training", "evaluating"]) -> None:
        """A new phase has begun."""

    def log_step(self, state: TrainingState, lr: float, loss: float) -> None:
        """A step of an epoch is done; `loss` is the mean of the epoch so far."""

    def epoch_done(self, state: TrainingState) -> None:
        """The last epoch of `state` is done, its errors known if they were due."""


class Checkpoints(Protocol):
    """Where training states are saved."""

    def save(self, state: TrainingState) -> None:
        """Begin to write `state`, which must not change any more."""

    def finish(self) -> None:
        """Wait until the last state is written."""


@dataclass(frozen=True)
class RunContext:
    """The device and the processes of a run, and where it reports and saves its states to."""

    device: torch.device
    ranks: Ranks
    execution: ExecutionSettings
    checkpoints: Checkpoints
    reporter: Reporter
    stop: Callable[[], int]
    """the signal that has asked the run to stop, 0 if none has"""
    prepare: Callable[[nn.Module], object]
    """given the model with its random weights: loads others, or makes it need less memory"""
