"""Intervals against normal theory, scipy's bootstrap and simulated experiments whose truth is known."""

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from poselift.evaluation.statistics import (
    Bootstrap,
    Errors,
    Interval,
    Resampled,
    SeedVariance,
    _bartlett,
    holm,
    prediction_interval,
    seed_interval,
)


def one_each(n_actions: int, n_recordings: int) -> tuple[NDArray, NDArray]:
    """Actions and recordings of sequences, one sequence a recording."""
    actions = np.repeat(np.arange(n_actions), n_recordings)
    return actions, np.arange(len(actions))


def errors(values: NDArray, frames: NDArray | None = None) -> Errors:
    return Errors(np.atleast_2d(values), np.ones(np.shape(values)[-1]) if frames is None else frames)


def interval(of: Errors, actions, recordings, minus: Errors | None = None, **options) -> Interval:
    bootstrap = Bootstrap(actions, recordings, **options)
    return bootstrap.interval(bootstrap.resampled(of), minus and bootstrap.resampled(minus))


def test_the_estimate_is_the_protocols_number():
    # action 0: 10 over 1 frame and 40 over 2, so 30; action 1: 6; their mean: 18, and 2 more with seed 1
    values = np.array([[10.0, 40, 6, 6], [12, 42, 8, 8]])
    found = interval(Errors(values, np.array([1.0, 2, 5, 1])), [0, 0, 1, 1], [0, 1, 2, 3])
    assert found.estimate == pytest.approx(19)
    assert found.seeds == 2


def test_a_constant_shift_is_found_exactly():
    rng = np.random.default_rng(0)
    base = rng.normal(40, 5, (3, 60))
    frames = rng.integers(100, 900, 60).astype(float)
    found = interval(Errors(base - 1.5, frames), *one_each(15, 4), minus=Errors(base, frames))
    assert (found.estimate, found.low, found.high) == pytest.approx((-1.5, -1.5, -1.5))
    assert found.p < 1e-3


def test_identical_models_differ_by_nothing():
    base = errors(np.random.default_rng(0).normal(40, 5, (3, 60)))
    found = interval(base, *one_each(15, 4), minus=base)
    assert (found.estimate, found.low, found.high, found.p) == (0, 0, 0, 1)
    assert found.p_equivalent < 1e-3


def test_one_seed_equals_normal_theory():
    # the variance of the mean over actions of means: sum over actions of var / n, over actions squared
    values = np.random.default_rng(1).normal(0, 5, 15 * 16)
    expected = np.sqrt((values.reshape(15, 16).var(axis=1, ddof=1) / 16).sum()) / 15
    found = interval(errors(values), *one_each(15, 16))
    half = stats.norm.ppf(0.975) * expected
    assert found.low == pytest.approx(values.mean() - half, abs=0.04 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.04 * half)


def test_one_action_equals_scipys_bootstrap():
    values = np.random.default_rng(2).exponential(5, 200)  # skewed: percentiles are not symmetric
    found = interval(errors(values), np.zeros(200), np.arange(200))
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert found.low == pytest.approx(theirs.low, abs=0.03 * width)
    assert found.high == pytest.approx(theirs.high, abs=0.03 * width)


def test_seeds_alone_equal_students_t():
    # recordings that do not differ: what varies is the seed
    by_seed = np.array([1.0, 1.4, 0.9])
    values = np.repeat(by_seed[:, None], 60, axis=1)
    found = interval(errors(values), *one_each(15, 4))
    expected = stats.ttest_1samp(by_seed, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=5e-3)
    assert seed_interval(by_seed) == pytest.approx((expected.low, expected.high))
    assert seed_interval([40.0]) is None
    other = stats.ttest_1samp(by_seed, 0).confidence_interval(0.8)
    found = interval(errors(values), *one_each(15, 4), confidence=0.8)
    assert (found.low, found.high) == pytest.approx((other.low, other.high), rel=5e-3)
    assert seed_interval(by_seed, 0.8) == pytest.approx((other.low, other.high))


def test_of_two_recordings_one_is_drawn():
    bootstrap = Bootstrap([0, 0], [0, 1], resamples=100)
    as_they_are, *drawn = bootstrap.resampled(errors(np.array([10.0, 30]))).ravel().tolist()
    assert as_they_are == 20
    assert set(drawn) == {10, 30}


def test_people_are_strata():
    """Two people whose recordings do not differ, one 10 mm above the other: nothing varies."""
    values, actions, people = np.array([40.0, 40, 50, 50]), [0] * 4, [9, 9, 11, 11]
    strata = Bootstrap(actions, range(4), subjects=people)
    assert strata.resampled(errors(values)).ravel() == pytest.approx(45)
    assert Bootstrap(actions, range(4)).resampled(errors(values)).std() > 1
    # with a single recording of one of them the action is a stratum
    alone = Bootstrap(actions[:3], range(3), subjects=people[:3])
    assert alone.resampled(errors(values[:3])).std() > 1
    # of two recordings one is drawn and counts twice, of three two count one and a half times: 3 : 2 remains
    unlike = Bootstrap([0] * 5, range(5), subjects=[9, 9, 9, 11, 11])
    assert unlike.resampled(errors(np.array([40.0, 40, 40, 50, 50]))).ravel() == pytest.approx(44)


def test_few_recordings_have_students_t():
    """Six recordings of one action: the interval is that of a t-test."""
    values = np.random.default_rng(3).normal(0, 5, 6)
    found = interval(errors(values), np.zeros(6), np.arange(6), resamples=50_000)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found.high - found.low == pytest.approx(expected.high - expected.low, rel=0.06)
    # of five people, far apart, with two recordings each, which are 6 mm apart: five degrees of freedom
    values = np.add.outer(np.random.default_rng(3).normal(40, 5, 5), [-3, 3]).ravel()
    options = {"subjects": np.repeat(np.arange(5), 2), "resamples": 50_000}
    found = interval(errors(values), np.zeros(10), np.arange(10), **options)
    half = stats.t.ppf(0.975, 5) * np.sqrt(18 / 10)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.06)


def test_few_recordings_give_the_standard_error_of_a_mean():
    # three recordings an action: with as many draws as recordings it would be 18 % too small
    values = np.random.default_rng(7).normal(0, 5, 600)
    expected = np.sqrt((values.reshape(200, 3).var(axis=1, ddof=1) / 3).sum()) / 200
    found = interval(errors(values), *one_each(200, 3))
    assert found.high - found.low == pytest.approx(2 * stats.norm.ppf(0.975) * expected, rel=0.05)


def test_cameras_of_a_recording_are_no_further_evidence():
    values = np.random.default_rng(3).normal(0, 5, 60)
    actions, recordings = one_each(15, 4)
    alone = interval(errors(values), actions, recordings)
    four = interval(errors(np.repeat(values, 4)), np.repeat(actions, 4), np.repeat(recordings, 4))
    assert (four.low, four.high) == pytest.approx((alone.low, alone.high))
    as_if_apart = interval(errors(np.repeat(values, 4)), np.repeat(actions, 4), np.arange(240))
    assert as_if_apart.high - as_if_apart.low < 0.6 * (alone.high - alone.low)
    by_camera = (values[:, None] + np.array([-3, -1, 0, 4])).ravel()  # which see it differently
    unlike = interval(errors(by_camera), np.repeat(actions, 4), np.repeat(recordings, 4))
    assert (unlike.low, unlike.high) == pytest.approx((alone.low, alone.high))


def test_an_action_with_one_recording_has_the_average_share():
    values = np.random.default_rng(4).normal(0, 5, 60)
    actions, recordings = one_each(15, 4)
    kept = (actions != 3) | (recordings % 4 == 0)
    whole = interval(errors(values), actions, recordings)
    lonely = interval(errors(values[kept]), actions[kept], recordings[kept])
    assert lonely.high - lonely.low == pytest.approx(whole.high - whole.low, rel=0.15)
    # of two actions one cannot vary: its share of the variance is taken to be that of the other
    spread = np.append(np.random.default_rng(8).normal(0, 5, 50), 3.0)
    half = interval(errors(spread), [0] * 50 + [1], np.arange(51))
    expected = stats.norm.ppf(0.975) * spread[:50].std(ddof=1) / np.sqrt(50) * np.sqrt(2) / 2
    assert half.high - half.low == pytest.approx(2 * expected, rel=0.05)


def test_nothing_to_resample_is_no_interval():
    found = interval(errors(np.array([10.0, 30])), [0, 1], [0, 1])
    assert found == Interval(20, None, None, 1)
    assert not found.tested
    of_seeds = interval(errors(np.array([[10.0, 30], [11, 31]])), [0, 1], [0, 1])
    assert of_seeds.low < 20 < of_seeds.high


def test_one_seed_is_never_tested():
    found = interval(errors(np.full(60, 3.0)), *one_each(15, 4))
    assert (found.low, found.high) == (3, 3)
    assert not found.tested
    # nor is the lowest of models of which one has a single seed
    bootstrap = Bootstrap(*one_each(15, 4), resamples=100)
    models = [bootstrap.resampled(errors(np.full((seeds, 60), 3.0))) for seeds in (3, 1, 2)]
    assert bootstrap.extreme(models).seeds == 1


def test_order_does_not_matter_and_the_seed_decides():
    rng = np.random.default_rng(5)
    values, frames = rng.normal(0, 5, (3, 60)), rng.integers(50, 500, 60).astype(float)
    actions, recordings = one_each(15, 4)
    found = interval(Errors(values, frames), actions, recordings)
    shuffled = rng.permutation(60)
    again = interval(
        Errors(values[::-1, shuffled], frames[shuffled]), actions[shuffled], recordings[shuffled]
    )
    assert (again.low, again.high) == pytest.approx((found.low, found.high), rel=1e-9)
    assert interval(Errors(values, frames), actions, recordings) == found
    assert interval(Errors(values, frames), actions, recordings, seed=1) != found


@pytest.mark.parametrize(
    ("seeds", "sigma_seed", "highest"), [(1, 0.0, 0.965), (3, 0.5, 0.995), (3, 2.0, 0.985)]
)
def test_coverage_on_simulated_experiments(seeds: int, sigma_seed: float, highest: float):
    """The truth is 1 mm; recordings scatter by 4 mm around it, trainings by `sigma_seed`."""
    rng = np.random.default_rng(6)
    bootstrap = Bootstrap(*one_each(15, 4), resamples=2000)
    trials, held = 600, 0
    for _ in range(trials):
        values = 1 + rng.normal(0, 4, 60) + rng.normal(0, sigma_seed, (seeds, 1))
        found = bootstrap.interval(bootstrap.resampled(errors(values + rng.normal(0, 1, (seeds, 60)))))
        held += found.low <= 1 <= found.high
    # 95 %, more where few seeds make it cautious; chance moves it by 2 %
    assert 0.925 <= held / trials <= highest


def test_the_p_value_is_that_of_normal_theory():
    values = np.random.default_rng(1).normal(0.3, 5, 15 * 16)
    error = np.sqrt((values.reshape(15, 16).var(axis=1, ddof=1) / 16).sum()) / 15
    bootstrap = Bootstrap(*one_each(15, 16))
    drawn = bootstrap.resampled(errors(values))
    for tested in (0.0, 0.5, -0.9):
        expected = 2 * stats.norm.sf(abs(values.mean() - tested) / error)
        assert bootstrap.interval(drawn, tested=tested).p == pytest.approx(expected, abs=0.02)


def test_the_p_value_of_the_end_of_an_interval_is_its_level():
    values = np.random.default_rng(9).normal(40, 5, (3, 60)) + np.array([[0.0], [1], [3]])
    bootstrap = Bootstrap(*one_each(15, 4), confidence=0.9)
    drawn = bootstrap.resampled(errors(values))
    found = bootstrap.interval(drawn)
    for end in (found.low, found.high):
        assert bootstrap.interval(drawn, tested=end).p == pytest.approx(0.1, abs=1e-3)


def test_holms_correction():
    # by hand: 0.01 x 4, 0.015 x 3, 0.03 x 2, and 0.035 x 1, which is raised to the one before it
    assert holm([0.03, 0.01, 0.035, 0.015]) == pytest.approx([0.06, 0.04, 0.06, 0.045])
    assert holm([0.4, 0.9]) == pytest.approx([0.8, 0.9])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([]) == []


RECORDINGS = 57
"""of Human3.6M's test subjects: two of each action and subject, without three whose annotation is faulty"""


@pytest.fixture(scope="module")
def experiments() -> Callable[..., Iterator[tuple[Bootstrap, list[Resampled], SeedVariance | None]]]:
    """Simulated experiments: the errors of models whose expected values do not differ, but for the second,
    which is higher by `shift`. Sds in mm: 0.3 of a training, 1.5 of a model on a recording, 0.5 of a training
    on a recording. The expected error is 0."""
    there = ~np.isin(np.arange(60), (12, 25, 50))
    actions, recordings, people = (each[there] for each in (*one_each(15, 4), np.tile([9, 9, 11, 11], 15)))
    bootstrap = Bootstrap(actions, recordings, resamples=2000, subjects=people)
    frames = np.full(RECORDINGS, 900.0)

    def simulated(
        n: int, models: int, seeds: int = 3, sd: ArrayLike = 0.3, common: float = 0, shift: float = 0
    ) -> Iterator[tuple[Bootstrap, list[Resampled], SeedVariance | None]]:
        rng = np.random.default_rng(0)
        for _ in range(n):
            values = rng.normal(0, 0.5, (models, seeds, RECORDINGS))
            values += rng.normal(0, 1.5, (models, 1, RECORDINGS)) + rng.normal(0, common, (1, seeds, 1))
            values += rng.normal(0, 1, (models, seeds, 1)) * np.broadcast_to(sd, models)[:, None, None]
            values[1] += shift
            drawn = bootstrap.resampled(errors(values.reshape(-1, RECORDINGS), frames))
            by_model = np.split(drawn, models, axis=1)
            yield bootstrap, by_model, SeedVariance.pooled([each[0] for each in by_model])

    return simulated


@pytest.mark.parametrize(
    "how",
    [{}, {"common": 0.5}, {"sd": np.repeat([0.15, 0.3, 0.3, 0.6], 3)}],
    ids=["alike", "paired", "unlike"],
)
def test_coverage_and_the_family_wise_error_where_models_do_not_differ(experiments, how):
    """Four sizes of three architectures: each two of one size are compared."""
    n, alone, corrected, covered = 200, 0, 0, 0
    for bootstrap, models, variance in experiments(n, models=12, **how):
        sizes = [models[i : i + 3] for i in range(0, 12, 3)]
        pairs = [pair for size in sizes for pair in combinations(size, 2)]
        found = [bootstrap.interval(*pair, variance=variance) for pair in pairs]
        covered += np.mean([each.low <= 0 <= each.high for each in found])
        alone += min(each.p for each in found) <= 0.05
        corrected += min(holm([each.p for each in found])) <= 0.05
    assert corrected / n <= 0.05
    assert alone / n > 0.15  # what the correction is for
    assert 0.94 <= covered / n <= 0.99


def test_the_detectable_difference_is_found_in_four_of_five_experiments(experiments):
    n = 200
    detectable = np.mean(
        [
            bootstrap.interval(models[1], models[0], variance=variance).detectable
            for bootstrap, models, variance in experiments(n, models=12)
        ]
    )
    assert detectable < 1.4  # mm; with the two degrees of freedom of a pair it is larger
    found = [
        bootstrap.interval(models[1], models[0], variance=variance).p <= 0.05
        for bootstrap, models, variance in experiments(n, models=12, shift=detectable)
    ]
    assert 0.7 <= np.mean(found) <= 0.9


def test_the_detectable_difference_is_that_of_normal_theory():
    values = np.random.default_rng(1).normal(0, 5, 15 * 16)
    error = np.sqrt((values.reshape(15, 16).var(axis=1, ddof=1) / 16).sum()) / 15
    bootstrap = Bootstrap(*one_each(15, 16), resamples=50_000)
    drawn = bootstrap.resampled(errors(values))
    for comparisons in (1, 8):
        expected = error * (stats.norm.ppf(1 - 0.025 / comparisons) + stats.norm.ppf(0.8))
        found = bootstrap.interval(drawn, comparisons=comparisons).detectable
        assert found == pytest.approx(expected, rel=0.04)


def test_equivalence_is_two_one_sided_tests():
    values = np.random.default_rng(1).normal(0.1, 3, 15 * 16)
    error = np.sqrt((values.reshape(15, 16).var(axis=1, ddof=1) / 16).sum()) / 15
    for margin in (0.5, 0.3, 0.05):
        bootstrap = Bootstrap(*one_each(15, 16), margin=margin)
        below, above = (stats.norm.sf((margin - sign * values.mean()) / error) for sign in (1, -1))
        found = bootstrap.interval(bootstrap.resampled(errors(values))).p_equivalent
        assert found == pytest.approx(max(below, above), abs=0.02)


def test_the_variance_over_seeds_is_pooled_where_models_do_not_differ_in_it():
    rng = np.random.default_rng(0)
    values = rng.normal(40, 0.3, (12, 3)) + np.arange(12)[:, None]
    pooled = SeedVariance.pooled(values)
    assert pooled.within == pytest.approx(values.var(axis=1, ddof=1).mean())
    assert (pooled.freedom, pooled.paired, pooled.models) == (24, False, 12)
    assert pooled.residual == pooled.within
    unlike = rng.normal(40, 1, (6, 5)) * np.array([1, 1, 1, 1, 1, 5])[:, None]
    assert stats.bartlett(*unlike).pvalue < 0.25
    assert SeedVariance.pooled(unlike) is None
    assert SeedVariance.pooled(values[:1]) is None
    assert SeedVariance.pooled(values[:, :1]) is None


def test_bartletts_test_is_that_of_scipy():
    for seed in range(5):
        values = np.random.default_rng(seed).normal(0, 1, (4, 6))
        assert _bartlett(values.var(axis=1, ddof=1), 5) == pytest.approx(stats.bartlett(*values).pvalue)
    assert _bartlett(np.array([0.0, 1.0]), 2) == 0
    assert _bartlett(np.zeros(2), 2) == 1


def test_seeds_are_paired_where_they_have_something_in_common():
    rng = np.random.default_rng(0)
    common = rng.normal(0, 2, (1, 4))
    values = rng.normal(40, 0.1, (6, 4)) + common
    pooled = SeedVariance.pooled(values)
    assert pooled.paired
    assert (pooled.freedom, pooled.freedom_residual) == (18, 15)
    # a two-way analysis of variance leaves what is neither of the model nor of the seed
    left = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    assert pooled.residual == pytest.approx((left**2).sum() / 15)
    # of two models it is the paired t-test
    two = SeedVariance.pooled(values[:2])
    assert 2 * two.residual == pytest.approx(np.var(values[0] - values[1], ddof=1))
    assert two.freedom_residual == 3


def test_the_lowest_of_models_that_are_at_the_bound_is_seldom_below_it(experiments):
    n, supported, covered, chosen = 200, 0, 0, 0
    for bootstrap, models, variance in experiments(n, models=12):
        found = bootstrap.extreme(models, 0.0, variances=[variance] * 12)
        highest = bootstrap.extreme(models, 0.0, highest=True, variances=[variance] * 12)
        assert found.estimate == min(each[0].mean() for each in models)
        assert highest.estimate == max(each[0].mean() for each in models)
        supported += found.p <= 0.05
        covered += (found.low <= 0 <= found.high) and (highest.low <= 0 <= highest.high)
        lowest = models[int(np.argmin([each[0].mean() for each in models]))]
        chosen += bootstrap.interval(lowest, variance=variance).p <= 0.05
    assert supported / n <= 0.05
    assert covered / n >= 0.9
    assert chosen / n > 0.1  # what the choice is paid for


def test_the_p_value_of_the_lowest_agrees_with_its_interval(experiments):
    ((bootstrap, models, variance),) = experiments(1, models=4)
    found = bootstrap.extreme(models, variances=[variance] * 4)
    for end, inside in ((found.low, 0.01), (found.high, -0.01)):
        for tested, rejected in ((end + inside, False), (end - inside, True)):
            p = bootstrap.extreme(models, tested, variances=[variance] * 4).p
            assert (p <= 0.05) is rejected


def test_a_prediction_interval_holds_one_more_training():
    values = np.array([38.1, 38.4, 38.9])
    half = stats.t.ppf(0.975, 2) * values.std(ddof=1) * np.sqrt(1 + 1 / 3)
    assert prediction_interval(values) == pytest.approx((values.mean() - half, values.mean() + half))
    pooled = SeedVariance(0.09, 0.04, 24, 22, True, 12)
    half = stats.t.ppf(0.95, 24) * 0.3 * np.sqrt(1 + 1 / 3)
    found = prediction_interval(values, 0.9, pooled)
    assert found == pytest.approx((values.mean() - half, values.mean() + half))
    assert prediction_interval([38.1]) is None
    rng = np.random.default_rng(0)
    trainings = rng.normal(38, 0.3, (2000, 4))
    bounds = [prediction_interval(each[:3]) for each in trainings]
    held = [low <= each[3] <= high for each, (low, high) in zip(trainings, bounds, strict=True)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_models_that_are_not_paired_are_refused():
    with pytest.raises(ValueError, match="not paired"):
        interval(errors(np.zeros((3, 4))), [0, 0, 1, 1], range(4), minus=errors(np.zeros((2, 4))))
