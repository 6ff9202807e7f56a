"""Intervals of models and of the differences between them, from the table of results, and which differences
are significant.

A difference is significant if it belongs to a family of comparisons that the configuration declares
(`statistics.families`), is one of the primary metric after the last epoch, and has a p-value within the level
after Holm's correction for its family. All others are exploratory.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, reduce
from itertools import combinations
from typing import Literal, NamedTuple

import pandas as pd

from poselift.analysis.view import AblationEntry, Grid
from poselift.config.experiment import FamilyName, Statistics
from poselift.evaluation.metrics import METRICS
from poselift.evaluation.statistics import Bootstrap, Errors, Interval, Resampled, holm


class Model(NamedTuple):
    """What a table calls a model: its runs differ in their seeds alone."""

    architecture: str
    size: str
    variant: str = ""


Pair = tuple[Model, Model]
"""A model and the one that it is compared with."""

Families = Mapping[FamilyName, Sequence[Pair]]
"""The comparisons of each part of the study."""

Finding = Literal["significant", "inconclusive", "exploratory", "not tested"]


def grid_pairs(grid: Grid) -> list[Pair]:
    """The comparisons in a grid: each two architectures of one size."""
    return [
        (Model(second, size, grid.variant), Model(first, size, grid.variant))
        for size in grid.sizes
        for first, second in combinations(grid.architectures, 2)
    ]


def entry_pairs(entries: Iterable[AblationEntry]) -> list[Pair]:
    """The comparisons of an ablation: each entry with the model that it changes."""
    return [
        (Model(each.architecture, each.size, each.name), Model(each.architecture, each.size))
        for each in entries
    ]


def recording(sequence: str) -> str:
    """The recording that a sequence `[<action>/]<name>[.<camera>]` shows, the same for all cameras."""
    name, _, camera = sequence.rpartition(".")
    return re.sub(r"_cam?_\d+$", "", name or camera)


class Differences:
    """The intervals of `results`, all from the same resamples of its sequences.

    `families` are the comparisons of the parts of the study; parts that the configuration does not declare
    are exploratory.
    """

    def __init__(
        self,
        results: pd.DataFrame,
        statistics: Statistics,
        families: Families | None = None,
    ) -> None:
        owner = [*Model._fields, "metric", "checkpoint"]
        rows = results[results["group"] == "sequence"]
        by_sequence = rows.pivot_table("value", [*owner, "seed"], "name", observed=True)
        # a row per seed, a column per sequence; sequences without the metric are left out
        self._errors = {
            key: errors.reset_index(owner, drop=True).dropna(axis="columns").sort_index(axis="columns")
            for key, errors in by_sequence.groupby(level=owner, observed=True)
        }
        self._statistics = statistics
        self._families = {
            name: pairs for name, pairs in (families or {}).items() if name in statistics.families
        }
        self._bootstraps: dict[tuple[str, ...], Bootstrap] = {}
        self._resampled: dict[tuple[tuple[str, ...], tuple[str, ...]], Resampled] = {}

    def interval(self, model: Model, metric: str, checkpoint: str, tested: float = 0.0) -> Interval | None:
        """The interval of a model's own error, with the p-value of the value `tested`; None without a run."""
        return self._interval((model,), metric, checkpoint, tested)

    def difference(
        self, model: Model, base: Model, metric: str, checkpoint: str, tested: float = 0.0
    ) -> Interval | None:
        """The interval of the error of `model` minus that of `base`, over the seeds and the sequences that
        both have; None without any."""
        return self._interval((model, base), metric, checkpoint, tested)

    def _interval(
        self, models: tuple[Model, ...], metric: str, checkpoint: str, tested: float
    ) -> Interval | None:
        owners = [(*model, metric, checkpoint) for model in models]
        if not all(owner in self._errors for owner in owners):
            return None
        errors = [self._errors[owner] for owner in owners]
        names = tuple(str(name) for name in errors[0] if all(name in each for each in errors))
        seeds = reduce(lambda one, other: one.intersection(other), [each.index for each in errors])
        if seeds.empty or not names:
            return None
        number, *minus = [
            self._resample(owner, names)[:, each.index.get_indexer(seeds)]
            for owner, each in zip(owners, errors, strict=True)
        ]
        return self._bootstrap(names).interval(number, next(iter(minus), None), tested)

    def finding(self, model: Model, base: Model, metric: str, checkpoint: str) -> Finding:
        """What is found of a difference: `exploratory` if it is in no declared family."""
        found = self.difference(model, base, metric, checkpoint)
        if found is None or not found.tested:
            return "not tested"
        if (metric, checkpoint) != (self._statistics.primary, "last"):
            return "exploratory"
        pair = frozenset((model, base))
        p = next((corrected[pair] for corrected in self.corrected.values() if pair in corrected), None)
        if p is None:
            return "exploratory"
        return "significant" if p <= 1 - self._statistics.confidence else "inconclusive"

    def significant(self, model: Model, base: Model, metric: str, checkpoint: str) -> bool:
        """Whether a difference is significant after the correction for its family."""
        return self.finding(model, base, metric, checkpoint) == "significant"

    @cached_property
    def corrected(self) -> dict[FamilyName, dict[frozenset[Model], float]]:
        """The adjusted p-value of each comparison that is tested, by family."""
        found: dict[FamilyName, dict[frozenset[Model], float]] = {}
        for name, pairs in self._families.items():
            differences = {
                frozenset(pair): self.difference(*pair, self._statistics.primary, "last") for pair in pairs
            }
            tested = {pair: each.p for pair, each in differences.items() if each and each.tested and each.p}
            found[name] = dict(zip(tested, holm(list(tested.values())), strict=True))
        return found

    def better(self, model: Model, others: Iterable[Model], metric: str, checkpoint: str) -> bool:
        """Whether the number of `model` is significantly better than that of each of the others, which is
        lower for an error; False without any other."""
        sign = -1 if METRICS[metric].higher_is_better else 1
        differences = [(self.difference(model, other, metric, checkpoint), other) for other in others]
        return bool(differences) and all(
            found is not None
            and sign * found.estimate < 0
            and self.significant(model, other, metric, checkpoint)
            for found, other in differences
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
