"""Intervals against normal theory, scipy's bootstrap and simulated experiments whose truth is known."""

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from poselift.evaluation.statistics import Bootstrap, Errors, Interval, Resampled, holm, seed_interval


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
    assert found == Interval(0, 0, 0, 3, 1)


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
def experiments() -> Callable[..., Iterator[tuple[Bootstrap, list[Resampled]]]]:
    """Simulated experiments: the errors of some models, all with the same expected value. Sds in mm: 0.3 of a
    training, 1.5 of a model on a recording, 0.5 of a training on a recording."""
    actions, recordings = (each[:RECORDINGS] for each in one_each(15, 4))
    bootstrap = Bootstrap(actions, recordings, resamples=2000)

    def simulated(
        n: int, models: int, seeds: int = 3, of_seeds: ArrayLike = 0.3, seed: int = 0
    ) -> Iterator[tuple[Bootstrap, list[Resampled]]]:
        rng = np.random.default_rng(seed)
        shared = rng.normal(0, 8, RECORDINGS)
        for _ in range(n):
            training = rng.normal(0, 1, (models, seeds)) * np.broadcast_to(of_seeds, models)[:, None]
            values = 40 + shared + rng.normal(0, 1.5, (models, 1, RECORDINGS)) + training[..., None]
            values += rng.normal(0, 0.5, values.shape)
            drawn = bootstrap.resampled(errors(values.reshape(-1, RECORDINGS), np.full(RECORDINGS, 900.0)))
            yield bootstrap, np.split(drawn, models, axis=1)

    return simulated


def test_the_family_wise_error_is_at_most_five_percent(experiments):
    """Four sizes of three architectures that do not differ: the comparisons of each two of one size."""
    n, alone, corrected = 200, 0, 0
    for bootstrap, models in experiments(n, models=12):
        sizes = [models[i : i + 3] for i in range(0, 12, 3)]
        pairs = [pair for size in sizes for pair in combinations(size, 2)]
        p = [bootstrap.interval(*pair).p for pair in pairs]
        alone += min(p) <= 0.05
        corrected += min(holm(p)) <= 0.05
    assert corrected / n <= 0.05
    assert alone / n > 0.1  # what the correction is for


def test_models_that_are_not_paired_are_refused():
    with pytest.raises(ValueError, match="not paired"):
        interval(errors(np.zeros((3, 4))), [0, 0, 1, 1], range(4), minus=errors(np.zeros((2, 4))))
