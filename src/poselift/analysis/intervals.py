"""Intervals of models and of the differences between them, from the table of results, and which differences
are significant.

A difference is significant if it belongs to a family of comparisons that the configuration declares
(`statistics.families`), is one of the primary metric after the last epoch, and has a p-value within the level
after Holm's correction for its family. All others are exploratory.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, reduce
from itertools import chain, combinations
from typing import Any, Literal, NamedTuple

import pandas as pd

from poselift.analysis.view import AblationEntry, Grid, View
from poselift.config.experiment import FamilyName, Statistics
from poselift.evaluation.metrics import METRICS
from poselift.evaluation.report import COUNTS
from poselift.evaluation.statistics import (
    Bootstrap,
    Errors,
    Interval,
    Resampled,
    SeedVariance,
    holm,
    prediction_interval,
)


class Model(NamedTuple):
    """What a table calls a model: its runs differ in their seeds alone."""

    architecture: str
    size: str
    variant: str = ""


Pair = tuple[Model, Model]
"""A model and the one that it is compared with."""

Families = Mapping[FamilyName, Sequence[Pair]]
"""The comparisons of each part of the study."""

Finding = Literal["significant", "equivalent", "inconclusive", "exploratory", "not tested"]


class Adjusted(NamedTuple):
    """The p-values of a comparison after the correction for its family."""

    different: float
    """of no difference"""
    equivalent: float
    """of a difference of at least the margin"""


def grid_pairs(grid: Grid) -> list[Pair]:
    """The comparisons in a grid: each two architectures of one size."""
    return [
        (Model(second, size, grid.variant), Model(first, size, grid.variant))
        for size in grid.sizes
        for first, second in combinations(grid.architectures, 2)
    ]


def entry_pairs(entries: Iterable[AblationEntry]) -> list[Pair]:
    """The comparisons of an ablation: each entry with the model that it is compared with."""
    return [(Model(each.architecture, each.size, each.name), Model(*each.base)) for each in entries]


def families_of(view: View) -> Families:
    """The comparisons of the parts of the study on the main data set."""
    on_truth = view.ground_truth_2d
    return {
        "grid": grid_pairs(view.grid),
        "ablation": entry_pairs(view.ablation),
        "ground_truth_2d": grid_pairs(on_truth) if on_truth else [],
    }


def recording(sequence: str) -> str:
    """The recording that a sequence `[<action>/]<name>[.<camera>]` shows, the same for all cameras."""
    name, _, camera = sequence.rpartition(".")
    return re.sub(r"_cam?_\d+$", "", name or camera)


def subject(sequence: str) -> str:
    """The person of a sequence, as Human3.6M names it (`s_09_act_02_…`); the same for all where it does not
    say."""
    found = re.match(r"s_\d+(?=_act_)", sequence.rpartition("/")[2])
    return found[0] if found else ""


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
        families = families or {}
        self._families = {name: pairs for name, pairs in families.items() if name in statistics.families}
        self._studies = [list(dict.fromkeys(chain(*pairs))) for pairs in families.values()]
        self._variances: dict[tuple[Any, ...], SeedVariance | None] = {}
        self._bootstraps: dict[tuple[str, ...], Bootstrap] = {}
        self._resampled: dict[tuple[tuple[str, ...], tuple[str, ...]], Resampled] = {}
        self._intervals: dict[tuple[tuple[Model, ...], str, str, float], Interval | None] = {}

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
        key = (models, metric, checkpoint, tested)
        if key not in self._intervals:  # a cell and its star ask for the same one
            self._intervals[key] = self._made(*key)
        return self._intervals[key]

    def _made(
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
        variance = self.variance(models, metric, checkpoint, seeds, names)
        comparisons = self._comparisons(models) if (metric, checkpoint) == self._endpoint else 1
        return self._bootstrap(names).interval(number, next(iter(minus), None), tested, variance, comparisons)

    def extreme(
        self, models: Sequence[Model], metric: str, checkpoint: str, tested: float = 0.0
    ) -> Interval | None:
        """The interval of the best number of several models, that of whichever it is; None without a run."""
        owners = [(*model, metric, checkpoint) for model in models]
        errors = {owner: self._errors[owner] for owner in owners if owner in self._errors}
        if not errors:
            return None
        first = next(iter(errors.values()))
        names = tuple(str(name) for name in first if all(name in each for each in errors.values()))
        return self._bootstrap(names).extreme(
            [self._resample(owner, names) for owner in errors],
            tested,
            METRICS[metric].higher_is_better,
            [self.variance((Model(*o[:3]),), metric, checkpoint, e.index, names) for o, e in errors.items()],
        )

    def prediction(self, model: Model, metric: str, checkpoint: str) -> tuple[float, float] | None:
        """Where the number of one more training of this model lies; None with less than two."""
        owner = (*model, metric, checkpoint)
        if owner not in self._errors:
            return None
        names, seeds = tuple(map(str, self._errors[owner])), self._errors[owner].index
        variance = self.variance((model,), metric, checkpoint, seeds, names)
        by_seed = self._resample(owner, names)[0]
        return prediction_interval(by_seed, self._statistics.confidence, variance)

    @property
    def _endpoint(self) -> tuple[str, str]:
        return self._statistics.primary, "last"

    def _comparisons(self, models: tuple[Model, ...]) -> int:
        """How many comparisons the family of this one has; 1 for one of no family."""
        sizes = (len(pairs) for pairs in self._families.values() if set(models) in map(set, pairs))
        return next(sizes, 1)

    def variance(
        self, models: tuple[Model, ...], metric: str, checkpoint: str, seeds: pd.Index, names: tuple[str, ...]
    ) -> SeedVariance | None:
        """The variance over these seeds, pooled over the models of the part of the study that these are of,
        as far as they have these seeds and sequences; None where it cannot be pooled."""
        study = next((study for study in self._studies if set(models) <= set(study)), [])
        key = (*map(tuple, study), metric, checkpoint, *seeds, names)
        if key not in self._variances:
            owners = [(*model, metric, checkpoint) for model in study]
            alike = [
                (owner, self._errors[owner].index.get_indexer(seeds))
                for owner in owners
                if owner in self._errors
                and seeds.isin(self._errors[owner].index).all()
                and all(name in self._errors[owner] for name in names)
            ]
            values = [self._resample(owner, names)[0, places] for owner, places in alike]
            self._variances[key] = SeedVariance.pooled(values) if len(values) > 1 else None
        return self._variances[key]

    def finding(self, model: Model, base: Model, metric: str, checkpoint: str) -> Finding:
        """What is found of a difference: `exploratory` if it is in no declared family."""
        found = self.difference(model, base, metric, checkpoint)
        if found is None or not found.tested:
            return "not tested"
        if (metric, checkpoint) != self._endpoint:
            return "exploratory"
        pair, level = frozenset((model, base)), 1 - self._statistics.confidence
        p = next((corrected[pair] for corrected in self.corrected.values() if pair in corrected), None)
        if p is None:
            return "exploratory"
        if p.different <= level:
            return "significant"
        return "equivalent" if p.equivalent <= level else "inconclusive"

    def significant(self, model: Model, base: Model, metric: str, checkpoint: str) -> bool:
        """Whether a difference is significant after the correction for its family."""
        return self.finding(model, base, metric, checkpoint) == "significant"

    @cached_property
    def corrected(self) -> dict[FamilyName, dict[frozenset[Model], Adjusted]]:
        """The adjusted p-values of each comparison that is tested, by family."""
        found: dict[FamilyName, dict[frozenset[Model], Adjusted]] = {}
        for name, pairs in self._families.items():
            differences = {frozenset(pair): self.difference(*pair, *self._endpoint) for pair in pairs}
            tested = {pair: each for pair, each in differences.items() if each and each.tested}
            different = holm([each.p for each in tested.values() if each.p is not None])
            equivalent = holm([each.p_equivalent or 0.0 for each in tested.values()])
            found[name] = dict(zip(tested, map(Adjusted, different, equivalent), strict=True))
        return found

    def detectable(self, family: FamilyName | None = None) -> list[float]:
        """The smallest difference that each test of the families, or of one, finds with 80 % power,
        ascending."""
        chosen = [pairs for name, pairs in self._families.items() if family in (None, name)]
        found = (self.difference(*pair, *self._endpoint) for pairs in chosen for pair in pairs)
        return sorted(
            each.detectable for each in found if each and each.tested and each.detectable is not None
        )

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
            *model, metric, checkpoint = owner
            columns = list(names)
            errors = self._errors[owner][columns].to_numpy()
            counted = COUNTS[METRICS[metric].order]
            counts = self._errors[*model, counted, checkpoint][columns].iloc[0].to_numpy()
            self._resampled[owner, names] = self._bootstrap(names).resampled(Errors(errors, counts))
        return self._resampled[owner, names]

    def _bootstrap(self, names: tuple[str, ...]) -> Bootstrap:
        if names not in self._bootstraps:
            self._bootstraps[names] = Bootstrap(
                [name.rpartition("/")[0] for name in names],
                [recording(name) for name in names],
                self._statistics.resamples,
                self._statistics.confidence,
                self._statistics.seed,
                [subject(name) for name in names],
                self._statistics.equivalence_margin,
            )
        return self._bootstraps[names]
