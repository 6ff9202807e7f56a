"""Intervals of models and of the differences between them, from the table of results."""

import re
from collections.abc import Iterable
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
    """What a sequence of the table, `[<action>/]<name>[.<camera>]`, was filmed of: the same for all
    cameras."""
    name, _, camera = sequence.rpartition(".")
    return re.sub(r"_cam?_\d+$", "", name or camera)


class Differences:
    """The intervals of `results`, all from the same resamples of its sequences."""

    def __init__(self, results: pd.DataFrame, statistics: Statistics) -> None:
        owner = [*Model._fields, "metric", "checkpoint"]
        rows = results[results["group"] == "sequence"]
        by_sequence = rows.pivot_table("value", [*owner, "seed"], "name", observed=True)
        # a row a seed, a column a sequence; sequences without the metric are left out
        self._errors = {
            key: errors.reset_index(owner, drop=True).dropna(axis="columns").sort_index(axis="columns")
            for key, errors in by_sequence.groupby(level=owner, observed=True)
        }
        self._statistics = statistics
        self._bootstraps: dict[tuple[str, ...], Bootstrap] = {}
        self._resampled: dict[tuple[object, ...], Resampled] = {}

    def interval(self, model: Model, metric: str, checkpoint: str) -> Interval | None:
        """The interval of a model's own error; None without a run of it."""
        errors = self._errors.get((*model, metric, checkpoint))
        if errors is None:
            return None
        names = tuple(map(str, errors))
        return self._bootstrap(names).interval(self._resample(model, metric, checkpoint, errors, names))

    def difference(self, model: Model, base: Model, metric: str, checkpoint: str) -> Interval | None:
        """The interval of the error of `model` minus that of `base`, over the seeds and the sequences that
        both have; None without any."""
        errors = [self._errors.get((*each, metric, checkpoint)) for each in (model, base)]
        if errors[0] is None or errors[1] is None:
            return None
        names = tuple(errors[0].columns.intersection(errors[1].columns))
        seeds = errors[0].index.intersection(errors[1].index)
        if seeds.empty or not names:
            return None
        numbers = [
            self._resample(each, metric, checkpoint, its, names)[:, its.index.get_indexer(seeds)]
            for each, its in zip((model, base), errors, strict=True)
            if its is not None
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

    def _resample(
        self, model: Model, metric: str, checkpoint: str, errors: pd.DataFrame, names: tuple[str, ...]
    ) -> Resampled:
        key = (model, metric, checkpoint, names)
        if key not in self._resampled:
            frames = self._errors[*model, "frames", checkpoint]
            columns = list(names)
            self._resampled[key] = self._bootstrap(names).resampled(
                Errors(errors[columns].to_numpy(), frames[columns].iloc[0].to_numpy())
            )
        return self._resampled[key]

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
