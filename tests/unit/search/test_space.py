"""Points of a search space: all combinations by hand; draws that are bounded, distinct and repeatable."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poselift.config.search import RandomSampling
from poselift.errors import PoseliftError
from poselift.search.space import grid, random_points, significant, trial_name


def sampling(samples: int, seed: int = 0, **space: object) -> RandomSampling:
    return RandomSampling.model_validate({"samples": samples, "seed": seed, "space": space})


def test_grid_by_hand():
    assert grid({"lr": [1, 2], "batch_size": [32, 64, 96]}) == [
        {"lr": 1, "batch_size": 32},
        {"lr": 1, "batch_size": 64},
        {"lr": 1, "batch_size": 96},
        {"lr": 2, "batch_size": 32},
        {"lr": 2, "batch_size": 64},
        {"lr": 2, "batch_size": 96},
    ]


@given(st.dictionaries(st.sampled_from("abcd"), st.lists(st.integers(), min_size=1, max_size=4, unique=True)))
def test_grid_is_the_product(values):
    points = grid(values)
    assert [tuple(point[key] for key in values) for point in points] == list(
        itertools.product(*values.values())
    )


SPACE = {
    "lr": {"low": 5e-5, "high": 5e-4, "log": True},
    "gcn_dropout": {"low": 0.1, "high": 0.3},
    "mamba_gcn_layers": {"low": 2, "high": 6},
    "batch_size": [32, 64, 96],
    "weight_decay": {"low": 0.1004, "high": 0.1016},  # to three digits 0.1 and 0.102 lie beyond
}


@given(st.integers(0, 1000))
def test_draws_lie_within_their_bounds(seed):
    for point in random_points(sampling(5, seed, **SPACE)):
        assert 5e-5 <= point["lr"] <= 5e-4
        assert 0.1 <= point["gcn_dropout"] <= 0.3
        assert 0.1004 <= point["weight_decay"] <= 0.1016
        assert point["mamba_gcn_layers"] in (2, 3, 4, 5, 6)
        assert isinstance(point["mamba_gcn_layers"], int)
        assert point["batch_size"] in (32, 64, 96)


def test_draws_are_the_same_for_the_same_seed_alone():
    assert random_points(sampling(6, 3, **SPACE)) == random_points(sampling(6, 3, **SPACE))
    assert random_points(sampling(6, 3, **SPACE)) != random_points(sampling(6, 4, **SPACE))


def test_more_samples_leave_the_earlier_ones_alone():
    assert random_points(sampling(30, **SPACE))[:7] == random_points(sampling(7, **SPACE))


def test_keys_are_drawn_independently_and_whole_numbers_reach_both_ends():
    points = random_points(sampling(300, a={"low": 0.0, "high": 1.0}, b={"low": 0.0, "high": 1.0}))
    a, b = (np.array([point[key] for point in points]) for key in "ab")
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.2
    # of 300 uniform draws the mean has a standard deviation of 0.017
    assert abs(a.mean() - 0.5) < 0.07
    whole = {p["layers"] for p in random_points(sampling(5, layers={"low": 2, "high": 6}))}
    assert whole == {2, 3, 4, 5, 6}


def test_logarithmic_draws_are_even_over_the_decades():
    points = random_points(sampling(300, lr={"low": 1e-5, "high": 1e-1, "log": True}))
    share = np.mean([point["lr"] < 1e-3 for point in points])
    assert abs(share - 0.5) < 0.12  # over a straight range it would be 0.01


def test_whole_numbers_are_even_as_their_range_says():
    """Each of a few as often as the others, the ends included; over decades half lie below the middle one."""
    few, wide = {"low": 1, "high": 4}, {"low": 1, "high": 10_000, "log": True}
    points = random_points(sampling(600, few=few, wide=wide, other={"low": 0.0, "high": 1.0}))
    counts = np.bincount([point["few"] for point in points], minlength=5)
    np.testing.assert_allclose(counts[1:] / 600, 0.25, atol=0.07)
    assert np.mean([point["wide"] <= 100 for point in points]) == pytest.approx(0.5, abs=0.07)


def test_points_are_distinct_and_a_space_can_be_too_small():
    points = random_points(sampling(9, batch_size=[32, 64, 96], flip=[0, 0.5, 1]))
    assert sorted((p["batch_size"], p["flip"]) for p in points) == list(
        itertools.product([32, 64, 96], [0, 0.5, 1])
    )
    with pytest.raises(PoseliftError, match="4 samples, but the space seems to have 3 points"):
        random_points(sampling(4, batch_size=[32, 64, 96]))


def test_a_name_says_the_values():
    values = {"lr": 1e-5, "batch_size": 64, "architecture": "full", "compile": True, "velocity_weight": 1e38}
    assert trial_name(values, {"weight_decay": 0.5, "flip": 1.0}) == (
        "lr=1e-05,batch_size=64,architecture=full,compile=true,velocity_weight=1e+38,weight_decay=x0.5,flip=x1"
    )


def test_significant_digits():
    assert significant(0.000123456) == 0.000123
    assert significant(98765.0, 2) == 99000
