"""The training loop, in plain PyTorch: epochs of steps, an evaluation after each, states to go on from.

Nothing in a step waits for the device: losses are summed there, and a loss that is no number shows in their
sum. The host reads it every `LOOK_EVERY` steps, before it saves a state, and at the end of an epoch.
"""

import logging
import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn, cast

import torch
from torch import Tensor, nn
from tqdm import tqdm

from poselift.config.run import ExecutionSettings, RunSettings
from poselift.data.batches import Batches, LoaderBatches, Part, resident
from poselift.data.store import Split
from poselift.errors import PoseliftError
from poselift.models.checkpoints import load_checkpoint
from poselift.models.registry import build_run
from poselift.monitoring.progress import device_name
from poselift.training.arithmetic import autocast, seed, set_arithmetic, step_seed
from poselift.training.distributed import Ranks
from poselift.training.interruptions import Stopped, StopRequest
from poselift.training.losses import TERMS, losses
from poselift.training.optimizer import make_optimizer
from poselift.training.report import Reporter
from poselift.training.schedule import learning_rate
from poselift.training.state import Errors, StateFolder, TrainingState, on_cpu
from poselift.training.validation import Validation

log = logging.getLogger("poselift.train")

LOOK_EVERY = 50
"""Steps between looks at the losses."""


@dataclass(frozen=True)
class Circumstances:
    """Where a run takes place, and whom it reports to."""

    device: torch.device
    ranks: Ranks
    execution: ExecutionSettings
    keeper: StateFolder
    reporter: Reporter
    stop: StopRequest


class Loop:
    """A run that is set up: `run` trains it from its state on."""

    def __init__(
        self, settings: RunSettings, train: Split, held_out: Split, state: TrainingState, at: Circumstances
    ) -> None:
        self.name, self.seed, self.recipe = settings.name, settings.seed, settings.training
        self.state, self.at = state, at
        self.saved = (state.epoch, state.step)
        device, recipe, ranks = at.device, settings.training, at.ranks

        if device.type == "cuda":
            torch.cuda.set_device(device)
        set_arithmetic(recipe)
        torch.manual_seed(settings.seed)
        model = build_run(settings)
        if settings.init_from:
            load_checkpoint(settings.init_from, model)
        self.model = ranks.synchronised(model.to(device), device)
        compiled = torch.compile(self.model) if recipe.compile else self.model
        self.forward = cast(nn.Module, compiled)
        self.parallel = ranks.parallel(self.forward, device)
        self.optimizer = make_optimizer(self.model, recipe)
        # for fp16, whose small gradients would vanish; otherwise it does nothing
        self.scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "fp16")
        if state.model:
            self.model.load_state_dict(state.model)
            self.optimizer.load_state_dict(state.optimizer)
            self.scaler.load_state_dict(state.scaler)

        arrays = [train.inputs, train.labels, held_out.inputs, held_out.target_mm]
        fits = resident(at.execution, [array for array in arrays if array is not None], device)
        self.batches = (Batches if fits else LoaderBatches)(
            train, recipe.batch_size, recipe.flip, settings.seed, device,
            recipe.gradient_accumulation_steps, ranks.rank, ranks.size, at.execution,
        )  # fmt: skip
        self.validation = Validation(held_out, device, fits, ranks)
        self.steps = len(self.batches)
        parameters = sum(p.numel() for p in self.model.parameters())
        log.info("%s: %s parameters on %s", self.name, f"{parameters:,}", device_name(device))
        log.info(
            "%s clips to train on, %s steps an epoch, %s clips to validate on; frames %s",
            len(train), self.steps, len(held_out), "on the device" if fits else "read by workers",
        )  # fmt: skip
        if state.epoch or state.step:
            log.info("resuming after epoch %s, step %s of the next", state.epoch, state.step)

    def run(self, until: int) -> TrainingState:
        """Train until so many epochs are done; the state then, with the errors of its last epoch.

        Raises `PoseliftError` for a loss that is no number, and `Stopped` when asked to stop.
        """
        while self.state.epoch < until:
            epoch = self.state.epoch
            due = (epoch + 1) % self.recipe.eval_every == 0 or epoch + 1 == self.recipe.epochs
            row = self._train_epoch(epoch)
            began = time.perf_counter()
            errors = self._evaluate(self._stop_if_asked) if due else None
            row |= {"train_seconds": self.state.seconds}
            row |= {"seconds": self.state.seconds + time.perf_counter() - began}
            self._snapshot()
            self.state = self.state.after_epoch(row, errors)
            self._save()
            self.at.reporter.epoch_done(self.state, self.steps, self._clips(self.steps))
        self.at.keeper.finish()
        if self.state.history["mpjpe"][-1] is None:  # ended by the caller between two evaluations
            return self.state.judged(self._evaluate(lambda: None))
        return self.state

    def _train_epoch(self, epoch: int) -> dict[str, float]:
        """The steps of an epoch that are not done yet; its mean losses and last learning rate."""
        state, device, first = self.state, self.at.device, self.state.step
        self.began = time.perf_counter() - state.seconds
        self.at.reporter.phase("training")
        # each process sums the losses of its own shares; what was saved is the sum of all
        saved = state.sums if state.sums and self.at.ranks.first else [0.0] * len(TERMS)
        self.sums = torch.tensor(saved, dtype=torch.float64, device=device)
        self.sound_until = torch.full((), first, device=device)
        self.model.train()
        lr = self._learning_rate(epoch, max(first - 1, 0))
        bar = tqdm(total=self.steps, initial=first, desc=f"epoch {epoch + 1}", leave=False, disable=None)
        with bar:
            for parts in self.batches.epoch(epoch, first):
                number = epoch * self.steps + state.step  # of the step in the whole run
                lr = self._learning_rate(epoch, state.step)
                for group in self.optimizer.param_groups:
                    group["lr"] = lr
                # dropout draws from this generator: seeded by step, a resumed run draws the same
                seed(step_seed(self.seed, number, self.at.ranks.rank), device)
                self._step(parts, self._clips(state.step + 1) - self._clips(state.step))
                state.step += 1
                bar.update()
                if state.step % LOOK_EVERY == 0 or state.step == first + 1:
                    done = self._clips(state.step)
                    loss = self._sums()[-1] / done
                    self.at.reporter.look(state, self.steps, self._clips(self.steps), done, lr, loss)
                if (number + 1) % self.at.execution.checkpoint_every == 0 and state.step < self.steps:
                    self._snapshot()
                    self._save()
                self._stop_if_asked()
        state.sums = self._sums()
        state.seconds = time.perf_counter() - self.began
        means = [value / self._clips(self.steps) for value in state.sums]
        return {f"loss_{name}": mean for name, mean in zip(TERMS, means, strict=True)} | {"lr": lr}

    def _learning_rate(self, epoch: int, step: int) -> float:
        return learning_rate(self.recipe, epoch * self.steps + step, self.steps)

    def _clips(self, step: int) -> int:
        """How many clips so many steps of an epoch are."""
        return min(step * self.recipe.batch_size, len(self.batches.split))

    def _step(self, parts: list[Part], clips: int) -> None:
        """One optimiser step on a batch of `clips` clips, of which `parts` are this process's."""
        for part in parts[:-1]:
            with self.at.ranks.unsynchronised(self.parallel):
                self._backward(part, clips)
        self._backward(parts[-1], clips)
        self.sound_until += torch.isfinite(self.sums[-1])  # a sum stays without a number once it is
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)

    def _backward(self, part: Part, clips: int) -> None:
        """Add a part's gradients to those that are there, and its losses to their sums."""
        with autocast(self.recipe, self.at.device):
            prediction = self.parallel(part.inputs)
        terms = losses(
            prediction.float(), part.labels, self.recipe.n_mpjpe_weight, self.recipe.velocity_weight
        )
        # the gradient of the batch's mean; over processes a mean is taken, where a sum is due
        self.scaler.scale(terms["total"] * (part.weight * self.at.ranks.size)).backward()
        self.sums += torch.stack([terms[name].detach() for name in TERMS]).double() * (part.weight * clips)

    def _evaluate(self, between: Callable[[], None]) -> Errors:
        """The errors as the model is now; `between` is called between batches."""
        self.at.reporter.phase("evaluating")
        self.at.ranks.share_buffers(self.model)
        self.model.eval()
        try:
            errors = self.validation(self._predict, between)
        except torch.linalg.LinAlgError:  # of the alignment, on the CPU
            errors = Errors(math.nan, math.nan)
        if not math.isfinite(sum(errors)):
            self._diverged("the prediction is not finite", self.steps)
        return errors

    def _predict(self, inputs: Tensor) -> Tensor:
        with autocast(self.recipe, self.at.device):
            return self.forward(inputs)

    def _sums(self) -> list[float]:
        """The losses of the epoch so far, summed over clips and processes: here the host waits."""
        sums: list[float] = self.at.ranks.sum(self.sums.clone()).tolist()
        if not math.isfinite(sums[-1]):
            step = int(self.at.ranks.min(self.sound_until.clone())) + 1
            self._diverged(f"the loss is {sums[-1]}", step)
        return sums

    def _diverged(self, what: str, step: int) -> NoReturn:
        self.at.keeper.finish()
        advice = [f"a smaller learning rate than {self.recipe.lr}", "a longer warm-up (--warmup-steps)"]
        if self.recipe.precision != "fp32":
            advice.append("--precision fp32")
        raise PoseliftError(
            f"{self.name}: {what} in epoch {self.state.epoch + 1}, step {step} of {self.steps}; try "
            f"{' or '.join(advice)}; the state after epoch {self.saved[0]}, step {self.saved[1]} is kept"
        )

    def _snapshot(self) -> None:
        """Bring the state up to the step that was done last."""
        self.state.sums, now = self._sums(), time.perf_counter()
        if self.state.step < self.steps:
            self.state.seconds = now - self.began
        sound = torch.stack([parameter.isfinite().all() for parameter in self.model.parameters()]).all()
        if not sound:  # the last gradient was not, though the loss was
            self._diverged("the weights are not finite", self.state.step)
        if self.at.ranks.first:
            self.state.model = on_cpu(self.model.state_dict())
            self.state.optimizer = on_cpu(self.optimizer.state_dict())
            self.state.scaler = on_cpu(self.scaler.state_dict())

    def _save(self) -> None:
        if self.at.ranks.first:
            self.at.keeper.save(replace(self.state))
        self.saved = (self.state.epoch, self.state.step)

    def _stop_if_asked(self) -> None:
        """After a step or between batches of an evaluation: save and stop if any process was asked to."""
        own = self.at.stop.signum or (signal.SIGTERM if self.at.ranks.orphaned() else 0)
        if signum := self.at.ranks.any(own):
            self._snapshot()
            self._save()
            self.at.keeper.finish()
            state, name = self.state, signal.Signals(signum).name
            raise Stopped(
                f"{self.name}: stopped by {name} in epoch {state.epoch + 1} after step {state.step} of "
                f"{self.steps}; the state is saved, and the same command goes on from it",
                signum,
            )
