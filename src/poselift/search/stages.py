"""Planning the search: the trials of each configured stage."""

import json
import shlex
from collections import Counter
from dataclasses import dataclass

from poselift.config.experiment import Config, Variant
from poselift.config.options import options
from poselift.config.search import Finalists, Halving, Stage
from poselift.config.sections import parse
from poselift.errors import PoseliftError
from poselift.search.settings import MODEL, Trial, value_of
from poselift.search.space import Point, grid, random_points, trial_name


@dataclass(frozen=True)
class Plan:
    """A stage's trials by name, and how they are compared."""

    trials: dict[str, Trial]
    start_from: str | None
    halving: Halving | None
    finalists: Finalists | None = None

    @property
    def whole_rung(self) -> int:
        """The rung at whose end trials have their whole length; rungs count from 0."""
        return len(self.halving.epochs) if self.halving else 0

    @property
    def last_rung(self) -> int:
        """The rung at whose end trials are finished: there finalists have their further seeds."""
        return self.whole_rung + (self.finalists is not None)

    def stop_after(self, rung: int) -> int | None:
        """The epochs that trials have after this rung; None for their whole length."""
        return self.halving.epochs[rung] if self.halving and rung < self.whole_rung else None

    def options(self, name: str, rung: int) -> str:
        """What a trial is and how far it runs, as options of `poselift.search.trial`."""
        trial, stop_after = self.trials[name], self.stop_after(rung)
        words = ["--trial", name, "--rung", str(rung)]
        words += ["--values", json.dumps(trial.values)] if trial.values else []
        words += ["--factors", json.dumps(trial.factors)] if trial.factors else []
        words += ["--stop-after", str(stop_after)] if stop_after else []
        if self.finalists and rung == self.whole_rung:
            words.append("--goes-on")
        if self.finalists and rung == self.last_rung:
            words += ["--seeds", *map(str, self.finalists.seeds)]
        return f"{shlex.join(words)} {options(trial.base, without=('architecture_file',))}"


def plan(config: Config) -> dict[str, Plan]:
    """The stages of the search by name, in their order. What a trial gets from a winner is known only when
    that winner is; everything else is checked here. Raises `PoseliftError` that names the stage."""
    plans: dict[str, Plan] = {}
    models: dict[str | None, Point] = {None: {}}
    for stage in config.search.by_architecture():
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
        by_name = {trial.name: trial for trial in trials}
        plans[stage.name] = Plan(by_name, stage.start_from, stage.halving, stage.finalists)
    return plans


def _trial(config: Config, stage: Stage, model: Point, values: Point, factors: Point) -> Trial:
    chosen = {key: values.get(key) or model[key] for key in MODEL}
    for key, value in chosen.items():
        if value is None:
            varied = f": stage '{stage.start_from}' has several" if stage.start_from else ""
            raise PoseliftError(f"say which {key}{varied}")
    training = {"processes": 1} | ({"epochs": stage.epochs} if stage.epochs else {})
    variant = parse(Variant, {"name": stage.name, **chosen, "training": training}, "")
    run = config.run(**chosen, seed=config.search.seed, variant=variant)
    base = run.model_copy(update={"validation_subject": config.search.validation_subject})
    # as the configuration understands them ('1e-4' is a number): what names the trial
    resolved = Trial("", base, values, factors).settings({})
    values = {key: value_of(resolved, key) for key in values}
    return Trial(trial_name(values, factors), base, values, factors)


def _check(stage: Stage, trials: list[Trial]) -> None:
    name, count = Counter(trial.name for trial in trials).most_common(1)[0]
    if count > 1:
        raise PoseliftError(f"two trials are {name}")
    shortest = min(trial.base.training.epochs for trial in trials)
    if stage.halving and (last := stage.halving.epochs[-1]) >= shortest:
        raise PoseliftError(f"halving after {last} epochs, but a trial has {shortest}; compare earlier")
