"""Planning the search: the trials of each configured stage."""

import json
import shlex
from collections import Counter
from dataclasses import dataclass

from poselift.config.experiment import Config, Variant
from poselift.config.run import RunSettings
from poselift.config.search import Stage
from poselift.config.sections import options, parse
from poselift.errors import PoseliftError
from poselift.search.settings import MODEL, Trial, value_of
from poselift.search.space import Point, grid, random_points, trial_name


@dataclass(frozen=True)
class Plan:
    """A stage's trials by name, and how they are compared."""

    name: str
    start_from: str | None
    trials: dict[str, Trial]
    halving: tuple[int, ...]
    """Epochs after which all but a fraction stop, before the last."""
    keep: float | None

    @property
    def last_rung(self) -> int:
        """The rung at whose end trials are finished; rungs count from 0."""
        return len(self.halving)

    def stop_after(self, rung: int) -> int | None:
        """The epochs that trials have after this rung; None for their whole length."""
        return self.halving[rung] if rung < self.last_rung else None

    def options(self, name: str, rung: int) -> str:
        """What a trial is and how far it runs, as options of `poselift.search.trial`."""
        trial, stop_after = self.trials[name], self.stop_after(rung)
        words = ["--trial", name, "--rung", str(rung)]
        words += ["--values", json.dumps(trial.values)] if trial.values else []
        words += ["--factors", json.dumps(trial.factors)] if trial.factors else []
        words += ["--stop-after", str(stop_after)] if stop_after else []
        return f"{shlex.join(words)} {options(trial.base)}"


def plan(config: Config) -> dict[str, Plan]:
    """The stages of the search by name, in their order. What a trial gets from a winner is known only when
    that winner is; everything else is checked here. Raises `PoseliftError` that names the stage."""
    plans: dict[str, Plan] = {}
    models: dict[str | None, Point] = {None: {}}
    for stage in config.search.stages:
        start = models[stage.start_from]
        models[stage.name] = {
            key: None if key in stage.keys else getattr(stage, key) or start.get(key) for key in MODEL
        }
        try:
            trials = [
                _trial(config, stage, models[stage.name], values, factors)
                for values in (random_points(stage.random) if stage.random else grid(stage.grid))
                for factors in grid(stage.factors)
            ]
            _check(stage, trials)
        except PoseliftError as error:
            raise PoseliftError(f"search stage '{stage.name}': {error}") from None
        plans[stage.name] = Plan(
            name=stage.name,
            start_from=stage.start_from,
            trials={trial.name: trial for trial in trials},
            halving=tuple(stage.halving.epochs) if stage.halving else (),
            keep=stage.halving.keep if stage.halving else None,
        )
    return plans


def _trial(config: Config, stage: Stage, model: Point, values: Point, factors: Point) -> Trial:
    chosen = {key: values.get(key) or model[key] for key in MODEL}
    for key, value in chosen.items():
        if value is None:
            varied = f": stage '{stage.start_from}' has several" if stage.start_from else ""
            raise PoseliftError(f"say which {key}{varied}")
    base = _base(config, stage, chosen["architecture"], chosen["size"])
    # as the configuration understands them ('1e-4' is a number): what names the trial
    resolved = Trial("", base, values, factors).settings({})
    values = {key: value_of(resolved, key) for key in values}
    return Trial(trial_name(values, factors), base, values, factors)


def _base(config: Config, stage: Stage, architecture: str, size: str) -> RunSettings:
    """The run that the stage's trials of this model are changes of."""
    training = {"processes": 1} | ({} if stage.epochs is None else {"epochs": stage.epochs})
    stated = {"name": stage.name, "architecture": architecture, "size": size, "training": training}
    variant = parse(Variant, stated, "")
    run = config.run(architecture, size, config.search.seed, variant)
    return run.model_copy(update={"validation_subject": config.search.validation_subject})


def _check(stage: Stage, trials: list[Trial]) -> None:
    name, count = Counter(trial.name for trial in trials).most_common(1)[0]
    if count > 1:
        raise PoseliftError(f"two trials are {name}")
    shortest = min(trial.base.training.epochs for trial in trials)
    if stage.halving and (last := stage.halving.epochs[-1]) >= shortest:
        raise PoseliftError(f"halving after {last} epochs, but a trial has {shortest}; compare earlier")
