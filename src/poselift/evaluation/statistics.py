r"""How sure a number or a difference between two models is: an interval from paired resampling.

Two things vary from one experiment to the next.

*Which motion the test set holds.* The unit is the recording: its frames are correlated, and so are the
cameras that filmed it. Recordings are resampled within each action, so that every resample keeps the
protocol's form, the unweighted mean over actions of the mean over frames. Of an action with n recordings,
n - 1 are drawn with replacement, which makes the bootstrap variance of a mean unbiased (Rao and Wu, JASA
1988; with few recordings an action, n draws would give intervals that are too narrow). An action with a
single recording cannot show how it varies; it is given the average of the others' share.

*The seed of the training.* The few seeds are not resampled (three have ten distinct resamples). Their part
enters as Student's t on n - 1 degrees of freedom, scaled by the standard error of the mean over seeds, added
to the resampled deviations: without variation between recordings this is the classical t interval, without
variation between seeds the bootstrap's percentile interval.

Differences are paired in both: the same resampled recordings for both models, seed by seed. With one seed the
interval speaks of the recordings alone, and nothing is `tested`: that two trainings differ is no surprise,
they would with another seed.

Each interval is one of many. It has the p-value at which it would just leave out the tested value; what is
called significant is decided for a family of comparisons at once (`holm`), so that a family without a true
difference has a false finding in at most 5 of 100 experiments.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special


@dataclass(frozen=True)
class Errors:
    """The errors of one model: `values` (S, Q) by seed and sequence, each the mean over its `frames` (Q,)."""

    values: NDArray[np.float64]
    frames: NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A number with its confidence interval, and the two-sided p-value of the hypothesis that it is the
    tested value (zero for a difference). `low`, `high` and `p` are None where nothing can be resampled: there
    is no action with more than one recording, and no more than one seed."""

    estimate: float
    low: float | None
    high: float | None
    seeds: int
    p: float | None = None

    @property
    def tested(self) -> bool:
        """Whether the interval speaks of more than one seed."""
        return self.p is not None and self.seeds > 1


Resampled = NDArray[np.float64]
"""The protocol's number by resample and seed, (1 + R, S); the first row is that of the data as they are."""


class Bootstrap:
    """Resamples of a test set, drawn once for all numbers that are taken from it.

    `actions` and `recordings` (Q,) say what each sequence is of. The same arguments give the same intervals,
    whatever the order of the sequences.
    """

    def __init__(
        self,
        actions: ArrayLike,
        recordings: ArrayLike,
        resamples: int = 10_000,
        confidence: float = 0.95,
        seed: int = 0,
    ) -> None:
        rng = np.random.default_rng(seed)
        self._actions = _draws(np.asarray(actions), np.asarray(recordings), resamples, rng)
        # all quantiles of a distribution once, in random order: less noise than random numbers
        self._ranks = (rng.permutation(resamples) + 0.5) / resamples
        self._tails = [(1 - confidence) / 2, (1 + confidence) / 2]

    def resampled(self, errors: Errors) -> Resampled:
        """The unweighted mean over actions of the mean over their frames, for each resample and seed."""
        total = np.zeros((1 + len(self._ranks), len(errors.values)))
        for action in self._actions:
            frames = errors.frames[action.sequences]
            sums = frames * errors.values[:, action.sequences]
            # a recording's cameras are drawn together
            by_recording = np.zeros((action.counts.shape[1], 1 + len(sums)))
            np.add.at(by_recording, action.recording, np.column_stack([frames, sums.T]))
            drawn = action.counts @ by_recording
            total += drawn[:, 1:] / drawn[:, :1]
        return total / len(self._actions)

    def interval(self, resampled: Resampled, minus: Resampled | None = None, tested: float = 0.0) -> Interval:
        """The interval of a number, or of the difference `resampled` - `minus` of two, whose seeds are
        paired in their order; its p-value is that of the value `tested`."""
        if minus is not None and minus.shape != resampled.shape:
            raise ValueError(f"{resampled.shape[1]} and {minus.shape[1]} seeds are not paired")
        drawn = resampled if minus is None else resampled - minus
        by_seed, estimate = drawn[0], float(drawn[0].mean())
        n_seeds = len(by_seed)

        deviations = np.zeros(len(self._ranks))
        varied = np.mean([action.counts.shape[1] > 1 for action in self._actions])
        if varied:
            deviations += (drawn[1:].mean(axis=1) - estimate) / np.sqrt(varied)
        if n_seeds > 1:
            deviations += _standard_error(by_seed) * special.stdtrit(n_seeds - 1, self._ranks)
        if not varied and n_seeds == 1:
            return Interval(estimate, None, None, n_seeds)
        low, high = estimate + np.quantile(deviations, self._tails)
        p = _two_sided(deviations, estimate - tested)
        return Interval(estimate, float(low), float(high), n_seeds, p)


def _two_sided(deviations: NDArray[np.float64], distance: float) -> float:
    """Twice the share of deviations that reach from the estimate to the tested value, which is `distance`
    below it. No share is taken to be zero (Davison and Hinkley 1997, eq. 4.11)."""
    reached = min(np.count_nonzero(deviations <= -distance), np.count_nonzero(deviations >= -distance))
    return min(1.0, 2 * (reached + 1) / (len(deviations) + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted for their number, in their order: to call those up to 5 % significant makes a
    false finding in at most 5 of 100 experiments, however the tests depend on one another.

    Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 1979.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1)
    return adjusted.tolist()


def _standard_error(values: NDArray[np.float64]) -> float:
    """The standard error of the mean over seeds (S,)."""
    return float(values.std(ddof=1)) / math.sqrt(len(values))


def seed_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float] | None:
    """Student's t interval of the mean over seeds (S,): which seed was drawn, on this very test set. None for
    a single seed."""
    values = np.asarray(values, dtype=np.float64)
    if len(values) < 2:
        return None
    half = float(_standard_error(values) * special.stdtrit(len(values) - 1, (1 + confidence) / 2))
    return float(values.mean()) - half, float(values.mean()) + half


@dataclass(frozen=True)
class _Action:
    """The sequences of one action, and how often each of its recordings was drawn."""

    sequences: NDArray[np.intp]
    recording: NDArray[np.intp]
    """of each sequence"""
    counts: NDArray[np.float64]
    """(1 + R, recordings); the first row, of ones, is the data as they are"""


def _draws(
    actions: NDArray[Any], recordings: NDArray[Any], resamples: int, rng: np.random.Generator
) -> list[_Action]:
    """The resamples by action."""
    drawn = []
    for action in np.unique(actions):  # sorted, as the recordings: the order of the sequences does not matter
        sequences = np.flatnonzero(actions == action)
        names, recording = np.unique(recordings[sequences], return_inverse=True)
        n = len(names)
        counts = np.ones((1 + resamples, n))
        if n > 1:
            counts[1:] = rng.multinomial(n - 1, np.full(n, 1 / n), size=resamples)
        drawn.append(_Action(sequences, recording, counts))
    return drawn
