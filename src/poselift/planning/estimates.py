"""GPU-hours of the trainings of a configuration: measured where they have run, estimated where not."""

import json
import math
import multiprocessing
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from tqdm import tqdm

from poselift.analysis.runs import read_run
from poselift.config.experiment import Config
from poselift.config.run import RunSettings
from poselift.config.sections import Section
from poselift.data.store import clips_folder
from poselift.errors import PoseliftError
from poselift.files import write_json
from poselift.planning.gpus import Gpu
from poselift.provenance.code_hash import code_hash
from poselift.provenance.hashing import json_hash
from poselift.search.stages import plan as search_plan
from poselift.training.memory import Memory, settle
from poselift.training.step_cost import Operator, StepCost, count_step

FORWARD = 1 / 3
"""The share of the forward pass in a step; a validation takes two of a clip, one of its mirror image."""


@dataclass(frozen=True)
class Training:
    """A training, or the trials of a search that are like it: `epochs` in all, on `clips` (train, test)."""

    part: str
    settings: RunSettings
    epochs: int
    clips: tuple[int, int] | None
    folder: Path
    """of the run, whether it is there or not"""

    @property
    def group(self) -> str:
        """The part without the name of its entry: `ablation`, `search`, or the part itself."""
        return self.part.split(".")[0]


@dataclass(frozen=True)
class Estimate:
    """The GPU-hours of a training, and those that it really took once it is `measured`."""

    training: Training
    memory: int
    recomputed: bool
    """whether it fits as parts of the model are computed again (`execution.memory`)"""
    estimated: float | None
    """None where the number of clips is not known"""
    measured: float | None = None


def trainings(config: Config, results: Path = Path("results")) -> list[Training]:
    """All trainings of a configuration, by the parts of the paper, and its search."""

    def made(part: str, runs: Mapping[str, RunSettings], folder: str) -> Iterator[Training]:
        for name, run in runs.items():
            clips = _clips(config, results, folder, run.n_frames)
            yield Training(part, run, run.training.epochs, clips, results / folder / "runs" / name)

    main, of_paper = config.dataset, config.in_experiment()
    found = [*made("grid", config.runs(), main)]
    found += made("ground-truth 2D", of_paper.ground_truth_runs(), main)
    for entry in of_paper.ablation:
        found += made(f"ablation.{entry.name}", config.variant_runs([entry]), main)
    for name in config.further_data:
        found += made(name, config.runs(name), f"{main}/{name}")
    for stage, planned in search_plan(config).items():
        alive, epochs = len(planned.trials), 0
        ends = [planned.stop_after(rung) for rung in range(planned.whole_rung)]
        full = min(trial.base.training.epochs for trial in planned.trials.values())
        for before, end in pairwise([0, *filter(None, ends), full]):
            epochs += alive * (end - before)
            alive = math.ceil(alive * planned.halving.keep) if planned.halving else alive
        if planned.finalists:
            epochs += full * len(planned.finalists.seeds) * min(planned.finalists.count, len(planned.trials))
        for trial in planned.trials.values():
            run = trial.settings({})
            clips = _clips(config, results, main, run.n_frames)
            share = round(epochs / len(planned.trials))
            found.append(Training(f"search.{stage}", run, share, clips, results / main / "search" / stage))
    return found


def _clips(config: Config, results: Path, folder: str, n_frames: int) -> tuple[int, int] | None:
    """Clips of n_frames for training and test: counted, or expected; those of other lengths in proportion."""
    manifest = clips_folder(results / folder / "data", n_frames) / "manifest.json"
    if manifest.exists():
        counted = json.loads(manifest.read_text(encoding="utf-8"))["clips"]
        return counted["train"], counted["test"]
    further = folder.removeprefix(config.dataset).lstrip("/")
    data = config.further_data[further] if further else config
    expected = getattr(data if further else config.data, "expected_clips", None)
    if not expected or set(expected) != {"train", "test"}:
        return None
    return tuple(round(expected[split] * data.n_frames / n_frames) for split in ("train", "test"))


class StepCosts:
    """Costs of steps, counted once for all runs whose steps are alike, and kept in the file `kept`."""

    def __init__(self, config: Config, kept: Path, fused: bool, pins: Mapping[str, str]) -> None:
        self.config, self.kept, self.fused, self.pins = config, kept, fused, pins
        self.costs: dict[str, StepCost] = {}
        try:
            found = json.loads(kept.read_text(encoding="utf-8"))
            self.costs = {
                key: StepCost(Counter({Operator(*one): n for n, *one in operators}), *memory)
                for key, (operators, *memory) in found.items()
            }
        except (OSError, ValueError, TypeError):
            pass  # counted again

    def key(self, run: RunSettings, again: bool) -> str:
        """What a step's cost depends on. Numbers between 0 and 1 are rates and weights, which change no
        shape: only whether they are 0 counts."""
        of_step = ("batch_size", "processes", "gradient_accumulation_steps", "precision", "kernels")
        hyperparameters = {
            name: value > 0 if isinstance(value, float) and 0 <= value <= 1 else value
            for name, value in run.model.model_dump(mode="json").items()
        }
        recipe = run.training.model_dump(include=set(of_step))
        code = code_hash(
            "poselift.training.step_cost", *self.config.code_entries(run.architecture), pins=self.pins
        )
        shape = [run.architecture, run.depth, run.dim, run.n_frames, self.fused, again]
        return json_hash([code, shape, hyperparameters, recipe])

    def count(self, runs: Iterable[RunSettings], again: bool = False) -> None:
        """Count what is not yet known, a process per CPU core; `again` as in `count_step`."""
        missing = {key: run for run in runs if (key := self.key(run, again)) not in self.costs}
        if not missing:
            return
        count = partial(count_step, fused=self.fused, again=again)
        with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
            counted = pool.map(count, missing.values())
            bar = tqdm(counted, "counting operators of the models", len(missing), leave=False, disable=None)
            self.costs |= zip(missing, bar, strict=True)
        write_json(
            self.kept,
            {
                key: ([[n, *one] for one, n in cost.operators.items()], cost.kept, cost.in_work)
                for key, cost in self.costs.items()
            },
        )

    def cost(self, run: RunSettings, again: bool) -> StepCost:
        """The cost of a step of a run that was counted."""
        return self.costs[self.key(run, again)]


def estimates(found: Iterable[Training], costs: StepCosts, gpu: Gpu, memory: Memory) -> list[Estimate]:
    """The estimate of each training on a device, and what those took that have run on it; `memory` as in
    `execution`."""
    found = list(found)
    runs = [training.settings for training in found]
    costs.count(runs)
    if memory != "keep":
        large = [run for run in runs if not gpu.holds(costs.cost(run, again=False))]
        costs.count(runs if memory == "recompute" else large, again=True)
    return [_estimate(training, costs, gpu, memory) for training in found]


def _estimate(training: Training, costs: StepCosts, gpu: Gpu, memory: Memory) -> Estimate:
    recipe, hours = training.settings.training, None
    again, cost = settle(memory, recipe.compile, partial(costs.cost, training.settings), gpu.holds)
    if training.clips:
        train, test = training.clips
        step = gpu.seconds(cost)
        validation = 2 * test / recipe.batch_size * FORWARD * step / recipe.eval_every
        seconds = training.epochs * (math.ceil(train / recipe.batch_size) * step + validation)
        hours = seconds * recipe.processes / 3600
    return Estimate(training, cost.memory, again, hours, _measured(training, gpu))


def _measured(training: Training, gpu: Gpu) -> float | None:
    if not (training.folder / "metrics.json").exists():
        return None
    try:
        run = read_run(training.folder)
    except PoseliftError:
        return None
    alike = _what_trains(run.settings) == _what_trains(training.settings)
    here = gpu.name.casefold() in str(run.summary.get("device", "")).casefold()
    return float(run.summary["gpu_hours"]) if alike and here else None


def _what_trains(settings: Section) -> dict[str, Any]:
    return settings.model_dump(mode="json", exclude={"architecture_file"})


@dataclass(frozen=True)
class Corrected:
    """Estimates, with those of trainings that have not run corrected by what the others took."""

    all: list[Estimate]

    @cached_property
    def ratios(self) -> list[float]:
        """Of the measured hours to the estimated, rising."""
        return sorted(ratio for ratios in self._by_model.values() for ratio in ratios)

    @cached_property
    def _by_model(self) -> dict[tuple[str, str], list[float]]:
        found: dict[tuple[str, str], list[float]] = defaultdict(list)
        for one in self.all:
            if one.measured and one.estimated:
                found[_model(one)].append(one.measured / one.estimated)
        return found

    def hours(self, one: Estimate) -> float:
        """The GPU-hours of a training: its own, or its estimate times what others took of theirs, those of
        the same model if they have run."""
        if one.measured is not None:
            return one.measured
        ratios = self._by_model.get(_model(one)) or self.ratios or [1.0]
        return (one.estimated or 0) * statistics.median_high(ratios)


def _model(one: Estimate) -> tuple[str, str]:
    return one.training.settings.architecture, one.training.settings.size
