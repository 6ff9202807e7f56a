"""Intervals of models and of the differences between them, from the table of results."""

import re
from collections.abc import Iterable
from functools import reduce
from typing import NamedTuple

import pandas as pd

from poselift.config.experiment import Statistics
from poselift.evaluation.metrics import METRICS
from poselift.evaluation.statistics import Bootstrap, Errors, Interval, Resampled


class Model(NamedTuple):
    """What a table calls a model: its runs differ in their seeds alone."""

    architecture: str
    size: str
    variant: str = ""


def recording(sequence: str) -> str:
    """The recording that a sequence `[<action>/]<name>[.<camera>]` shows, the same for all cameras."""
    name, _, camera = sequence.rpartition(".")
    return re.sub(r"_cam?_\d+$", "", name or camera)


class Differences:
    """The intervals of `results`, all from the same resamples of its sequences."""

    def __init__(self, results: pd.DataFrame, statistics: Statistics) -> None:
        owner = [*Model._fields, "metric", "checkpoint"]
        rows = results[results["group"] == "sequence"]
        by_sequence = rows.pivot_table("value", [*owner, "seed"], "name", observed=True)
        # a row per seed, a column per sequence; sequences without the metric are left out
        self._errors = {
            key: errors.reset_index(owner, drop=True).dropna(axis="columns").sort_index(axis="columns")
            for key, errors in by_sequence.groupby(level=owner, observed=True)
        }
        self._statistics = statistics
        self._bootstraps: dict[tuple[str, ...], Bootstrap] = {}
        self._resampled: dict[tuple[tuple[str, ...], tuple[str, ...]], Resampled] = {}

    def interval(self, model: Model, metric: str, checkpoint: str) -> Interval | None:
        """The interval of a model's own error; None without a run of it."""
        return self._interval((model,), metric, checkpoint)

    def difference(self, model: Model, base: Model, metric: str, checkpoint: str) -> Interval | None:
        """The interval of the error of `model` minus that of `base`, over the seeds and the sequences that
        both have; None without any."""
        return self._interval((model, base), metric, checkpoint)

    def _interval(self, models: tuple[Model, ...], metric: str, checkpoint: str) -> Interval | None:
        owners = [(*model, metric, checkpoint) for model in models]
        if not all(owner in self._errors for owner in owners):
            return None
        errors = [self._errors[owner] for owner in owners]
        names = tuple(str(name) for name in errors[0] if all(name in each for each in errors))
        seeds = reduce(lambda one, other: one.intersection(other), [each.index for each in errors])
        if seeds.empty or not names:
            return None
        numbers = [
            self._resample(owner, names)[:, each.index.get_indexer(seeds)]
            for owner, each in zip(owners, errors, strict=True)
        ]
        return self._bootstrap(names).interval(*numbers)

    def better(self, model: Model, others: Iterable[Model], metric: str, checkpoint: str) -> bool:
        """Whether the number of `model` is significantly better than that of each of the others, which is
        lower for an error; False without any other."""
        sign = -1 if METRICS[metric].higher_is_better else 1
        differences = [self.difference(model, other, metric, checkpoint) for other in others]
        return bool(differences) and all(
            found is not None and found.significant and sign * found.estimate < 0 for found in differences
        )

    def _resample(self, owner: tuple[str, ...], names: tuple[str, ...]) -> Resampled:
        if (owner, names) not in self._resampled:
            *model, _, checkpoint = owner
            columns = list(names)
            errors = self._errors[owner][columns].to_numpy()
            frames = self._errors[*model, "frames", checkpoint][columns].iloc[0].to_numpy()
            self._resampled[owner, names] = self._bootstrap(names).resampled(Errors(errors, frames))
        return self._resampled[owner, names]

    def _bootstrap(self, names: tuple[str, ...]) -> Bootstrap:
        if names not in self._bootstraps:
            self._bootstraps[names] = Bootstrap(
                [name.rpartition("/")[0] for name in names],
                [recording(name) for name in names],
                self._statistics.resamples,
                self._statistics.confidence,
                self._statistics.seed,
            )
        return self._bootstraps[names]
