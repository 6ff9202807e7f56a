"""What a run reports while it trains: the log, `metrics.json`, the file of the monitor, TensorBoard."""

import logging
import platform
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from torch import nn

from poselift.config.run import ExecutionSettings, RunSettings
from poselift.files import write_json
from poselift.monitoring.progress import Events, ProgressFile
from poselift.monitoring.run_progress import Phase, RunProgress, duration
from poselift.training.loop import Loop, Stopped
from poselift.training.state import TrainingState

log = logging.getLogger("poselift.train")

FORECAST_STEP = 200
"""The step of the first epoch after which the log says how long the run will take."""

LOG_SECONDS = 300
"""Longest silence of the log within an epoch."""


class Reporter:
    """The `context.Reporter` of a run; without a run directory (`out` None) it reports to the log alone."""

    def __init__(
        self,
        settings: RunSettings,
        execution: ExecutionSettings,
        out: Path | None,
        device: torch.device,
        processes: int,
    ) -> None:
        self._begun = self._logged = time.perf_counter()
        self._name, self._epochs, self._out = settings.name, settings.training.epochs, out
        self._unit = "px" if settings.validation_subject else "mm"
        self._warmup = settings.training.warmup_steps
        self._device, self._processes, self._batch_size = device, processes, settings.training.batch_size
        self._file = ProgressFile(
            out and out / "state" / "progress.json",
            RunProgress(
                name=settings.name, epochs=self._epochs, unit=self._unit, device=device_name(device),
                processes=processes,
            ),
            partial(memory_bytes, device),
        )  # fmt: skip
        self._events = Events(out / "tensorboard" if out and execution.tensorboard else None)
        self._steps = self._clips = 0  # per epoch
        self._mark: tuple[float, float] | None = None  # a time in this epoch and the clips done by then
        self._rate: float | None = None  # clips per second
        self._first_step_logged = False

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """A block that is the run: tell the monitor how it ended."""
        self.phase("starting")
        try:
            yield
        except Stopped as stopped:
            self.phase("stopped", str(stopped))
            raise
        except BaseException as error:
            self.phase("failed", str(error) or type(error).__name__)
            raise
        self.phase("finished")

    def ready(self, loop: Loop) -> None:
        self._steps, self._clips = loop.steps, loop.clips
        parameters = sum(p.numel() for p in loop.model.parameters())
        log.info("%s: %s parameters on %s", self._name, f"{parameters:,}", device_name(self._device))
        for implementation in {str(m.choice) for m in loop.model.modules() if hasattr(m, "backend_used")}:
            log.info("SSD layer: %s", implementation)
        if loop.kernels:
            log.info("kernels for half precision: %s", loop.kernels)
        log.info(
            "%s clips to train on, %s steps per epoch, %s clips to validate on; frames %s",
            loop.clips, loop.steps, len(loop.validation.clips),
            "on the device" if loop.resident else "read by workers",
        )  # fmt: skip
        if self._batch_size > loop.clips:
            log.info("warning: batch_size = %s, and there are %s clips in all", self._batch_size, loop.clips)
        if self._warmup >= (steps := loop.steps * self._epochs):
            log.info("warning: warmup_steps = %s, and the training has %s steps", self._warmup, steps)
        if loop.state.epoch or loop.state.step:
            log.info("resuming after epoch %s, step %s of the next", loop.state.epoch, loop.state.step)

    def phase(self, phase: Phase, reason: str | None = None) -> None:
        self._file.update(phase, reason=reason)
        if phase == "training":
            self._mark = None

    def log_step(self, state: TrainingState, lr: float, loss: float) -> None:
        now, clips_done = time.perf_counter(), min(state.step * self._batch_size, self._clips)
        if not self._first_step_logged:
            log.info("first step after %.1f s", now - self._begun)
            self._first_step_logged = True
        if self._mark is None:  # after the first step of the epoch, which may be a slow one
            self._mark = (now, clips_done)
        elif clips_done > self._mark[1]:
            self._rate = (clips_done - self._mark[1]) / (now - self._mark[0])
        left = self._seconds_left(state, clips_done)
        self._file.update(
            "training", epoch=state.epoch + 1, step=state.step, steps=self._steps, lr=lr, loss=loss,
            clips_per_second=self._rate, seconds_left=left,
        )  # fmt: skip
        self._events.add({"loss": loss, "lr": lr}, state.epoch * self._steps + state.step)
        forecast_due = state.epoch == 0 and state.step == FORECAST_STEP
        if left is not None and (forecast_due or now - self._logged > LOG_SECONDS):
            place = f"epoch {state.epoch + 1}/{self._epochs}, step {state.step}/{self._steps}"
            self._log(state, f"{place}: loss {loss:.4f}", self._rate, left)

    def epoch_done(self, state: TrainingState) -> None:
        row = {name: values[-1] for name, values in state.history.items()}
        best = None if state.best_epoch < 0 else state.history["mpjpe"][state.best_epoch]
        rate = self._clips / (row["train_seconds"] or 1)
        self._rate = self._rate or rate
        left = self._seconds_left(state, 0) or 0.0
        if self._out:
            write_json(self._out / "metrics.json", {"epochs": state.history})
        self._events.add(row, state.epoch * self._steps)
        self._file.update(
            "training", epoch=state.epoch, lr=row["lr"], loss=row["loss_total"], mpjpe=row["mpjpe"],
            best_mpjpe=best, clips_per_second=rate, seconds_left=left,
        )  # fmt: skip
        errors = "not evaluated"
        if row["mpjpe"] is not None:
            errors = (
                f"MPJPE {row['mpjpe']:.1f} {self._unit}, P-MPJPE {row['p_mpjpe']:.1f} {self._unit} "
                f"(best MPJPE {best:.1f} {self._unit})"
            )
        done = f"epoch {state.epoch}/{self._epochs}: loss {row['loss_total']:.4f}, {errors}"
        self._log(state, done, rate, left)

    def _log(self, state: TrainingState, done: str, rate: float | None, left: float) -> None:
        """Log what is done, how fast, and what is left."""
        spent = sum(filter(None, state.history.get("seconds", []))) + state.seconds
        hours = (spent + left) * self._processes / 3600
        kind = "GPU" if self._device.type == "cuda" else "CPU"
        log.info(
            "%s %s, %.1f clips/s, %s left, %.2f %s-hours in all",
            self._name, done, rate, duration(left), hours, kind,
        )  # fmt: skip
        self._logged = time.perf_counter()

    def _seconds_left(self, state: TrainingState, clips_done: int) -> float | None:
        """From the rate of this epoch and the time of validations so far; None while there is no rate."""
        if self._rate is None:
            return None
        left = self._epochs - state.epoch
        totals = [sum(filter(None, state.history.get(name, []))) for name in ("seconds", "train_seconds")]
        validation = (totals[0] - totals[1]) / max(state.epoch, 1)
        return (left * self._clips - clips_done) / self._rate + left * validation


def memory_bytes(device: torch.device, peak: bool = False) -> int:
    """The memory that the process holds on the device now, or its peak; on the CPU always the peak."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device) if peak else torch.cuda.memory_reserved(device)
    in_units = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return in_units if platform.system() == "Darwin" else 1024 * in_units


def ssm_backend_used(model: nn.Module) -> str | None:
    """The implementation of the SSD layer that runs where the weights are now; None without such a layer.

    Raises `PoseliftError` if another was asked for.
    """
    used = {str(module.backend_used) for module in model.modules() if hasattr(module, "backend_used")}
    return used.pop() if used else None


def device_name(device: torch.device) -> str:
    """The name of a GPU's model, or the type of another device."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
