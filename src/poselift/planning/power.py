"""Which differences the tests of a configuration find: by assumed variances before anything has run, then by
the spread of what has been evaluated."""

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from scipy import special

from poselift.analysis.intervals import Differences, Model, Pair, families_of
from poselift.analysis.plan import view_of
from poselift.analysis.results import collect
from poselift.config.experiment import Config, FamilyName
from poselift.evaluation.metrics import METRICS
from poselift.evaluation.report import load_reports
from poselift.evaluation.statistics import POWER, detectable

SEED, MODEL_RECORDING, SEED_RECORDING = 0.3, 1.5, 0.5
"""Assumed standard deviations of the MPJPE, mm: of a training, of a model on a recording, of a training on a
recording."""

RECORDINGS, FREEDOM = 57, 30
"""Assumed of the test set, 15 actions of two people: its recordings, and what is left of them after the means
of their strata."""

IN_WORDS: dict[FamilyName, str] = {
    "grid": "in the grid", "ablation": "in the ablation", "ground_truth_2d": "on ground-truth 2D",
}  # fmt: skip


def assumed(seeds: int, models: int, comparisons: int, confidence: float) -> float:
    """The detectable difference of two models, mm, each trained with so many seeds (two or more), by the
    assumed variances; that over seeds is pooled over `models`, the test is one of so many `comparisons`."""
    of_recordings = 2 * (MODEL_RECORDING**2 + SEED_RECORDING**2 / seeds) / RECORDINGS
    of_seeds = 2 * (SEED**2 + SEED_RECORDING**2 / RECORDINGS) / seeds
    n, rng = 10_000, np.random.default_rng(0)
    first, second = ((rng.permutation(n) + 0.5) / n for _ in range(2))
    deviations = math.sqrt(of_recordings) * special.stdtrit(FREEDOM, first)
    deviations += math.sqrt(of_seeds) * special.stdtrit(models * (seeds - 1), second)
    return detectable(deviations, confidence, comparisons)


def _by_assumption(config: Config, pairs: Sequence[Pair]) -> list[float]:
    """The detectable difference of each comparison of a family that has two seeds or more, ascending."""
    seeds: dict[Model, set[int]] = defaultdict(set)
    for run in config.all_runs().values():
        seeds[Model(run.architecture, run.size, run.variant or "")].add(run.seed)
    found = []
    for model, base in pairs:
        shared = seeds[model] & seeds[base]
        alike = sum(shared <= seeds[each] for each in set(chain(*pairs)))
        if len(shared) > 1:
            found.append(assumed(len(shared), alike, len(pairs), config.statistics.confidence))
    return sorted(found)


def power(config: Config, results: Path = Path("results")) -> str:
    """What the tests of the main data set find, in a sentence, by the evaluations that are there; without any
    by assumption, which the sentence says."""
    config = config.in_experiment()
    families, metric = families_of(view_of(config)), METRICS[config.statistics.primary]
    folder = results / config.dataset / "evaluation"
    there = [path for run in config.all_runs() if (path := folder / f"{run}.json").exists()]
    if not there and config.statistics.primary != "mpjpe":
        return f"Which differences in {metric.label} tests find is not known before models are evaluated."
    table = collect(report for path in there for report in load_reports(path)) if there else None

    said = []
    for name, pairs in families.items():
        if not pairs or name not in config.statistics.families:
            continue
        if table is None:
            found = _by_assumption(config, pairs)
        else:  # the variance over seeds is pooled as the tables do, over all families
            found = Differences(table, config.statistics, families).detectable(name)
        of = f"{len(found)} of " if len(found) < len(pairs) else ""
        ends = " to ".join(dict.fromkeys(f"{each:.2g}" for each in (*found[:1], *found[-1:])))
        which = f"{IN_WORDS[name]} ({of}{len(pairs)} comparison{'s' * (len(pairs) != 1)})"
        said.append(f"{ends} {metric.unit} {which}" if found else f"nothing yet {which}")
    if not said:
        return "Nothing is tested: statistics.families has no comparison of this experiment."
    basis = (
        "the spread of what has been evaluated, at the seeds that are there"
        if there
        else f"assumed standard deviations, as nothing has been evaluated ({SEED} mm of a training, "
        f"{MODEL_RECORDING} mm of a model on a recording, {SEED_RECORDING} mm of a training on a recording; "
        f"{RECORDINGS} recordings)"
    )
    return (
        f"The smallest true difference in {metric.label} that a test finds with {100 * POWER:g} % power: "
        f"{', '.join(said)}; by {basis}."
    )
