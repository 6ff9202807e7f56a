"""The training loop in plain PyTorch: epochs of optimiser steps, validation, states to resume from.

No step waits for the device: losses are summed there, and a non-finite loss shows in their sum. The host
reads it every `LOG_EVERY` steps, before it saves a state, and at the end of an epoch.

Logging, saved states and signals come in from outside (`RunContext`), so that their code is no part of what
decides the weights.
"""

import math
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn, cast

import torch
from torch import Tensor, nn
from tqdm import tqdm

from poselift.config.run import RunSettings
from poselift.data.batches import Batches, MicroBatch, resident
from poselift.data.store import Split
from poselift.errors import PoseliftError
from poselift.models.registry import build_run
from poselift.training.arithmetic import autocast, seed, set_arithmetic, step_seed
from poselift.training.half_kernels import equip
from poselift.training.losses import TERMS, losses
from poselift.training.optimizer import make_optimizer
from poselift.training.schedule import learning_rate
from poselift.training.state import Errors, TrainingState, on_cpu
from poselift.training.validation import Validation, target_of

if TYPE_CHECKING:
    from poselift.training.context import RunContext

LOG_EVERY = 50
"""Steps between two log entries, for each of which the host waits for the device."""


class Stopped(Exception):
    """The run was asked to stop and has saved its state. The message is a line for people."""

    def __init__(self, message: str, signum: int) -> None:
        super().__init__(message)
        self.exit_status = 128 + signum
        """130 after Ctrl-C, 143 after SIGTERM, as shells have it"""


class Loop:
    """A run that is set up: `run` trains it from its state on."""

    def __init__(
        self, settings: RunSettings, train: Split, held_out: Split, state: TrainingState, ctx: "RunContext"
    ) -> None:
        self.name, self.seed, self.recipe = settings.name, settings.seed, settings.training
        self.state, self.ctx = state, ctx
        self.saved = (state.epoch, state.step)
        device, recipe, ranks = ctx.device, settings.training, ctx.ranks

        if device.type == "cuda":
            torch.cuda.set_device(device)
        set_arithmetic(recipe)
        torch.manual_seed(settings.seed)
        model = build_run(settings)
        ctx.prepare(model)
        self.model = model.to(device)
        self.kernels = equip(self.model, settings, device)
        ranks.synchronise(self.model, device)
        compiled = torch.compile(self.model) if recipe.compile else self.model
        self.forward = cast(nn.Module, compiled)
        self.parallel = ranks.parallel(self.forward, device)
        self.optimizer = make_optimizer(self.model, recipe)
        # scales fp16 losses, whose small gradients would vanish; otherwise it does nothing
        self.scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "fp16")
        if state.model:
            self.model.load_state_dict(state.model)
            self.optimizer.load_state_dict(state.optimizer)
            self.scaler.load_state_dict(state.scaler)

        arrays = [train.inputs, train.labels, held_out.inputs, target_of(held_out)]
        self.resident = resident(ctx.execution, arrays, device)
        self.batches = Batches(
            train, recipe, settings.seed, device, ranks.rank, ranks.size, ctx.execution, self.resident
        )
        self.validation = Validation(held_out, device, self.resident, ranks, self.batches.values)
        self.steps, self.clips = len(self.batches), len(train)

        # of the epoch under way: its start, the losses summed over clips, the steps before a non-finite loss
        self.epoch_began = time.perf_counter()
        self.sums = torch.zeros(len(TERMS), dtype=torch.float64, device=device)
        self.finite_steps = torch.zeros((), dtype=torch.int64, device=device)
        ctx.reporter.ready(self)

    def run(self, until: int) -> TrainingState:
        """Train until `until` epochs are done; the state then, with the errors of its last epoch.

        Raises `PoseliftError` for a non-finite loss, and `Stopped` when asked to stop.
        """
        while self.state.epoch < until:
            done = self.state.epoch + 1
            row = self._train_epoch()
            began, trained = time.perf_counter(), self.state.seconds
            due = done % self.recipe.eval_every == 0 or done == self.recipe.epochs
            errors = self._evaluate(self._stop_if_asked) if due else None
            row |= {"train_seconds": trained, "seconds": trained + time.perf_counter() - began}
            self._snapshot()
            self.state = self.state.after_epoch(row, errors)
            self._save()
            self.ctx.reporter.epoch_done(self.state)
        self.ctx.checkpoints.finish()
        if self.state.history["mpjpe"][-1] is None:  # ended by the caller between two validations
            return self.state.with_validation(self._evaluate(lambda: None))
        return self.state

    def _train_epoch(self) -> dict[str, float]:
        """The remaining steps of an epoch; its mean losses and last learning rate."""
        state, ctx = self.state, self.ctx
        epoch, first = state.epoch, state.step
        self.epoch_began = time.perf_counter() - state.seconds
        ctx.reporter.phase("training")
        # each process sums the losses of its own clips; what was saved is the sum of all
        saved = state.sums if state.sums and ctx.ranks.first else [0.0] * len(TERMS)
        self.sums.copy_(torch.tensor(saved, dtype=torch.float64))
        self.finite_steps.fill_(first)
        self.model.train()
        batches = self.batches.epoch(epoch, first)
        with tqdm(batches, f"epoch {epoch + 1}", self.steps, initial=first, leave=False, disable=None) as bar:
            for micro_batches in bar:
                self._step(micro_batches)
                state.step += 1
                if state.step % LOG_EVERY == 0 or state.step == first + 1:
                    loss = self._sums()[-1] / self._clips_seen(state.step)
                    ctx.reporter.log_step(state, self._learning_rate(state.step - 1), loss)
                steps = epoch * self.steps + state.step
                if steps % ctx.execution.checkpoint_every == 0 and state.step < self.steps:
                    self._snapshot()
                    self._save()
                self._stop_if_asked()
        state.sums = self._sums()
        state.seconds = time.perf_counter() - self.epoch_began
        means = {f"loss_{name}": total / self.clips for name, total in zip(TERMS, state.sums, strict=True)}
        return means | {"lr": self._learning_rate(self.steps - 1)}

    def _step(self, micro_batches: list[MicroBatch]) -> None:
        """One optimiser step on a batch, of which `micro_batches` are this process's."""
        recipe, device, ranks, step = self.recipe, self.ctx.device, self.ctx.ranks, self.state.step
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate(step)
        # dropout draws from this generator: seeded by step, a resumed run draws the same
        seed(step_seed(self.seed, self.state.epoch * self.steps + step, ranks.rank), device)
        clips = self._clips_seen(step + 1) - self._clips_seen(step)
        for i, (inputs, labels, weight) in enumerate(micro_batches, start=1):
            ranks.counting(weight)
            with ranks.averaging(self.parallel, now=i == len(micro_batches)):
                with autocast(recipe, device):
                    prediction = self.parallel(inputs)
                terms = losses(prediction.float(), labels, recipe.n_mpjpe_weight, recipe.velocity_weight)
                # the gradient of the batch's mean; the processes' mean is taken, where their sum is due
                self.scaler.scale(terms["total"] * (weight * ranks.size)).backward()
            self.sums += torch.stack([terms[name].detach() for name in TERMS]).double() * (weight * clips)
        self.finite_steps += torch.isfinite(self.sums[-1])  # NaN is sticky
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)

    def _learning_rate(self, step: int) -> float:
        """The learning rate of a step of the epoch under way."""
        return learning_rate(self.recipe, self.state.epoch * self.steps + step, self.steps)

    def _clips_seen(self, step: int) -> int:
        """Clips seen after `step` steps of an epoch."""
        return min(step * self.recipe.batch_size, self.clips)

    def _evaluate(self, between: Callable[[], None]) -> Errors:
        """The errors of the model as it is now; `between` is called between batches."""
        self.ctx.reporter.phase("evaluating")
        self.ctx.ranks.share_buffers(self.model)
        self.model.eval()
        errors = self.validation(self._predict, between)
        if not math.isfinite(sum(errors)):
            self._diverged("the prediction is not finite", self.steps)
        return errors

    def _predict(self, inputs: Tensor) -> Tensor:
        with autocast(self.recipe, self.ctx.device):
            return self.forward(inputs)

    def _sums(self) -> list[float]:
        """The losses of the epoch so far, summed over clips and processes: here the host waits."""
        sums: list[float] = self.ctx.ranks.sum(self.sums.clone()).tolist()
        if not math.isfinite(sums[-1]):
            step = int(self.ctx.ranks.min(self.finite_steps.clone())) + 1
            self._diverged(f"the loss is {sums[-1]}", step)
        return sums

    def _diverged(self, what: str, step: int) -> NoReturn:
        self.ctx.checkpoints.finish()
        advice = [f"a smaller learning rate than {self.recipe.lr}", "a longer warm-up (--warmup-steps)"]
        if self.recipe.precision != "fp32":
            advice.append("--precision fp32")
        raise PoseliftError(
            f"{self.name}: {what} in epoch {self.state.epoch + 1}, step {step} of {self.steps}; try "
            f"{' or '.join(advice)}; the state after epoch {self.saved[0]}, step {self.saved[1]} is kept"
        )

    def _snapshot(self) -> None:
        """Bring the state up to the last step."""
        self.state.sums, now = self._sums(), time.perf_counter()
        if self.state.step < self.steps:
            self.state.seconds = now - self.epoch_began
        finite = torch.stack([parameter.isfinite().all() for parameter in self.model.parameters()]).all()
        if not finite:  # the last gradient was not, though the loss was
            self._diverged("the weights are not finite", self.state.step)
        if self.ctx.ranks.first:
            self.state.model = on_cpu(self.model.state_dict())
            self.state.optimizer = on_cpu(self.optimizer.state_dict())
            self.state.scaler = on_cpu(self.scaler.state_dict())

    def _save(self) -> None:
        if self.ctx.ranks.first:
            self.ctx.checkpoints.save(replace(self.state))
        self.saved = (self.state.epoch, self.state.step)

    def _stop_if_asked(self) -> None:
        """After a step or between batches of a validation: save and stop if any process was asked to."""
        own = self.ctx.stop() or (signal.SIGTERM if self.ctx.ranks.orphaned() else 0)
        if signum := self.ctx.ranks.any(own):
            self._snapshot()
            self._save()
            self.ctx.checkpoints.finish()
            state, name = self.state, signal.Signals(signum).name
            raise Stopped(
                f"{self.name}: stopped by {name} in epoch {state.epoch + 1} after step {state.step} of "
                f"{self.steps}; the state is saved, and the same command resumes from it",
                signum,
            )
