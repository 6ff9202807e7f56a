r"""How sure a number or a difference between two models is: an interval from paired resampling.

Two things vary from one experiment to the next.

*Which motion the test set holds.* The unit is the recording: its frames are correlated, and so are the
cameras that filmed it. Recordings are resampled within each action, so that every resample keeps the
protocol's form, the unweighted mean over actions of the mean over frames. The strata are action x subject,
since a person's recordings are alike; where a subject has a single recording of an action, the whole action
is one. Of n recordings, n - 1 are drawn with replacement and weigh n / (n - 1), which makes the bootstrap
variance of a mean unbiased (Rao and Wu, JASA 1988; with so few recordings, n draws would give intervals that
are too narrow). Their variance is an estimate, so that deviations are scaled as Student's t scales those of a
normal variable, with as many degrees of freedom as recordings were drawn. An action with a single recording
cannot show how it varies; it is given the average of the others' share.

*The seed of the training.* The few seeds are not resampled (three have ten distinct resamples). Their part
enters as Student's t, scaled by the standard error of the mean over seeds, added to the resampled deviations:
without variation between recordings this is the classical t interval, without variation between seeds the
bootstrap's percentile interval. The variance over seeds is pooled over the models of a study where they do
not differ in it (`SeedVariance`), which gives it more than the few degrees of freedom of a pair of models.

Differences are paired in both: the same resampled recordings for both models, seed by seed where trainings of
one seed are alike, which the initial weights of unlike architectures need not make them. With one seed the
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
    """The errors of one model: `values` (S, Q) by seed and sequence, each the mean over its `frames` (Q,), or
    over as many differences of frames."""

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
    p_equivalent: float | None = None
    """of the hypothesis that it is at least the margin away from zero, by two one-sided tests (TOST)"""
    detectable: float | None = None
    """the smallest true difference that such an experiment finds significant with 80 % power"""

    @property
    def tested(self) -> bool:
        """Whether the interval speaks of more than one seed."""
        return self.p is not None and self.seeds > 1


Resampled = NDArray[np.float64]
"""The protocol's number by resample and seed, (1 + R, S); the first row is that of the data as they are."""

POWER = 0.8
"""of the detectable difference"""

UNEQUAL = 0.25
"""Level of Bartlett's test before variances are pooled: a liberal one, as a missed inequality costs more than
a variance that is not pooled."""

ALIKE = 0.05
"""Level of the test for what trainings of one seed have in common, before differences are paired by seed."""


@dataclass(frozen=True)
class SeedVariance:
    """The variance of a training's number over seeds, pooled over models."""

    within: float
    """around the mean of its model"""
    residual: float
    """the same without what trainings of one seed have in common, if they have; else as `within`"""
    freedom: int
    freedom_residual: int
    paired: bool
    models: int

    @classmethod
    def pooled(cls, values: ArrayLike) -> "SeedVariance | None":
        """That of models (M, S) by seed; None for less than two of either, or where the models differ in
        their variance (Bartlett, Proc. R. Soc. A 1937, at the level `UNEQUAL`)."""
        numbers = np.asarray(values, dtype=np.float64)
        m, s = numbers.shape
        if m < 2 or s < 2:
            return None
        around = numbers - numbers.mean(axis=1, keepdims=True)
        of_seed = around.mean(axis=0)
        left = around - of_seed
        freedom = m * (s - 1), (m - 1) * (s - 1)
        residual = float((left**2).sum() / freedom[1])
        common = m * float((of_seed**2).sum()) / (s - 1)
        # a two-way analysis of variance, model x seed
        paired = common > 0 and (not residual or special.fdtrc(s - 1, freedom[1], common / residual) < ALIKE)
        if _bartlett((left if paired else around).var(axis=1, ddof=1), s - 1) < UNEQUAL:
            return None
        within = float((around**2).sum() / freedom[0])
        if not paired:
            return cls(within, within, freedom[0], freedom[0], paired, m)
        return cls(within, residual, *freedom, paired, m)


def _bartlett(variances: NDArray[np.float64], freedom: int) -> float:
    """The p-value of equal variances, each with `freedom` degrees of freedom."""
    if not variances.all():
        return float(not variances.any())
    m = len(variances)
    statistic = m * freedom * math.log(variances.mean()) - freedom * np.log(variances).sum()
    return float(special.chdtrc(m - 1, max(0.0, statistic) / (1 + (m + 1) / (3 * m * freedom))))


class Bootstrap:
    """Resamples of a test set, drawn once for all numbers that are taken from it.

    `actions`, `recordings` and `subjects` (Q,) say what each sequence is of; without `subjects` it is one.
    Differences smaller than `margin` count as none. The same arguments give the same intervals, whatever the
    order of the sequences.
    """

    def __init__(
        self,
        actions: ArrayLike,
        recordings: ArrayLike,
        resamples: int = 10_000,
        confidence: float = 0.95,
        seed: int = 0,
        subjects: ArrayLike | None = None,
        margin: float = 0.5,
    ) -> None:
        rng = np.random.default_rng(seed)
        people = np.zeros(np.shape(actions)) if subjects is None else np.asarray(subjects)
        self._actions = _draws(np.asarray(actions), people, np.asarray(recordings), resamples, rng)
        self._confidence, self._margin, self._seed = confidence, margin, seed
        # all quantiles of a distribution once, in random order: less noise than random numbers
        self._ranks = (rng.permutation(resamples) + 0.5) / resamples
        drawn = sum(action.freedom for action in self._actions)
        self._scales = np.sqrt(drawn / special.chdtri(max(1, drawn), rng.permutation(self._ranks)))

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

    def interval(
        self,
        resampled: Resampled,
        minus: Resampled | None = None,
        tested: float = 0.0,
        variance: SeedVariance | None = None,
        comparisons: int = 1,
    ) -> Interval:
        """The interval of a number, or of the difference `resampled` - `minus` of two, whose seeds are
        paired in their order; its p-value is that of the value `tested`.

        Without a pooled `variance` over seeds it is that of these seeds. The detectable difference is that of
        one of so many `comparisons`.
        """
        if minus is not None and minus.shape != resampled.shape:
            raise ValueError(f"{resampled.shape[1]} and {minus.shape[1]} seeds are not paired")
        drawn = resampled if minus is None else resampled - minus
        estimate, n_seeds = float(drawn[0].mean()), drawn.shape[1]
        deviations = self._deviations(drawn, self._ranks, _seed_error(drawn[0], minus is not None, variance))
        if deviations is None:
            return Interval(estimate, None, None, n_seeds)
        tail = (1 - self._confidence) / 2
        low, high = np.quantile(deviations, [tail, 1 - tail])
        p = _two_sided(deviations, estimate - tested)
        outside = max(
            np.count_nonzero(deviations <= estimate - self._margin),
            np.count_nonzero(deviations >= estimate + self._margin),
        )
        p_equivalent = min(1.0, (outside + 1) / (len(deviations) + 1))
        bounds = float(estimate + low), float(estimate + high)
        found = detectable(deviations, self._confidence, comparisons)
        return Interval(estimate, *bounds, n_seeds, p, p_equivalent, found)

    def extreme(
        self,
        models: Sequence[Resampled],
        tested: float = 0.0,
        highest: bool = False,
        variances: Sequence[SeedVariance | None] = (),
    ) -> Interval:
        """The interval of the lowest (or `highest`) of the models' numbers, whichever model's it is.

        It is made of intervals that hold for all models at once, by the bootstrap of the largest studentised
        deviation, so that the choice among them is paid for.
        """
        sign, rng = -1 if highest else 1, np.random.default_rng([self._seed, 1])
        estimates = np.array([sign * drawn[0].mean() for drawn in models])
        found = []
        for drawn, variance in zip(models, variances or [None] * len(models), strict=True):
            ranks = rng.permutation(self._ranks)  # the seeds of the models are not the same
            found.append(self._deviations(drawn, ranks, _seed_error(drawn[0], False, variance)))
        n_seeds = min(drawn.shape[1] for drawn in models)
        best = float(sign * estimates.min())
        deviations = [each for each in found if each is not None]
        if len(deviations) < len(models):
            return Interval(best, None, None, n_seeds)
        errors = np.array([each.std() or np.finfo(float).tiny for each in deviations])
        largest = np.max(np.abs(np.array(deviations)) / errors[:, None], axis=0)
        reach = np.quantile(largest, self._confidence) * errors
        ends = sorted((sign * (estimates - reach).min(), sign * (estimates + reach).min()))
        above = sign * tested - estimates
        distance = (above / errors).max() if above.max() > 0 else (-above / errors).min()
        p = (np.count_nonzero(largest >= distance) + 1) / (len(largest) + 1)
        return Interval(best, float(ends[0]), float(ends[1]), n_seeds, float(min(1.0, p)))

    def _deviations(
        self, drawn: Resampled, ranks: NDArray[np.float64], seeds: tuple[float, int]
    ) -> NDArray[np.float64] | None:
        """How far the mean over seeds may lie from its expected value (R,); None where nothing varies.
        `seeds` are the standard error due to them and its degrees of freedom."""
        deviations = np.zeros(len(ranks))
        varied = np.mean([action.counts.shape[1] > 1 for action in self._actions])
        if varied:
            deviations += self._scales * (drawn[1:].mean(axis=1) - drawn[0].mean()) / np.sqrt(varied)
        error, freedom = seeds
        if freedom:
            deviations += error * special.stdtrit(freedom, ranks)
        return deviations if varied or freedom else None


def _seed_error(
    by_seed: NDArray[np.float64], difference: bool, variance: SeedVariance | None
) -> tuple[float, int]:
    """The standard error that the seeds (S,) leave, and its degrees of freedom, 0 for a single seed."""
    n = len(by_seed)
    if n < 2:
        return 0.0, 0
    if variance is None:
        return _standard_error(by_seed), n - 1
    if difference:
        return math.sqrt(2 * variance.residual / n), variance.freedom_residual
    return math.sqrt(variance.within / n), variance.freedom


def _two_sided(deviations: NDArray[np.float64], distance: float) -> float:
    """Twice the share of deviations that reach from the estimate to the tested value, which is `distance`
    below it. No share is taken to be zero (Davison and Hinkley 1997, eq. 4.11)."""
    reached = min(np.count_nonzero(deviations <= -distance), np.count_nonzero(deviations >= -distance))
    return min(1.0, 2 * (reached + 1) / (len(deviations) + 1))


def detectable(deviations: NDArray[np.float64], confidence: float, comparisons: int) -> float:
    """The smallest true difference that a test finds with 80 % power, one of so many `comparisons`, where an
    estimate deviates from its expected value so (R,)."""
    tail = (1 - confidence) / 2 / comparisons
    ends = np.quantile(deviations, [tail, 1 - tail, 1 - POWER, POWER])
    return float(ends[1] - ends[0] + ends[3] - ends[2]) / 2


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


def prediction_interval(
    values: ArrayLike, confidence: float = 0.95, variance: SeedVariance | None = None
) -> tuple[float, float] | None:
    """Where the number of one more training lies, on this very test set, from those of some seeds (S,); None
    for a single seed. A published number is of one training, and is to be compared with such."""
    values = np.asarray(values, dtype=np.float64)
    error, freedom = _seed_error(values, False, variance)
    if not freedom:
        return None
    half = float(error * math.sqrt(len(values) + 1) * special.stdtrit(freedom, (1 + confidence) / 2))
    return float(values.mean()) - half, float(values.mean()) + half


@dataclass(frozen=True)
class _Action:
    """The sequences of one action, and how often each of its recordings was drawn."""

    sequences: NDArray[np.intp]
    recording: NDArray[np.intp]
    """of each sequence"""
    counts: NDArray[np.float64]
    """(1 + R, recordings), in recordings' worth; the first row, of ones, is the data as they are"""
    freedom: int
    """how many recordings were drawn"""


def _draws(
    actions: NDArray[Any],
    subjects: NDArray[Any],
    recordings: NDArray[Any],
    resamples: int,
    rng: np.random.Generator,
) -> list[_Action]:
    """The resamples by action."""
    drawn = []
    for action in np.unique(actions):  # sorted, as the recordings: the order of the sequences does not matter
        sequences = np.flatnonzero(actions == action)
        names, first, recording = np.unique(recordings[sequences], return_index=True, return_inverse=True)
        counts = np.ones((1 + resamples, len(names)))
        of_person = subjects[sequences][first]
        people, sizes = np.unique(of_person, return_counts=True)
        strata = [of_person == person for person in people] if sizes.min() > 1 else [slice(None)]
        for stratum in strata if len(names) > 1 else []:
            n = counts[0, stratum].size
            drawn_here = rng.multinomial(n - 1, np.full(n, 1 / n), size=resamples)
            counts[1:, stratum] = drawn_here * (n / (n - 1))
        drawn.append(_Action(sequences, recording, counts, len(names) - len(strata)))
    return drawn
