"""The error by look-ahead is that of the place in the clip with so many frames after it."""

import numpy as np
import pytest

from poselift.config.experiment import Statistics
from poselift.evaluation.statistics import seed_interval
from poselift.figures import streaming
from shown import SYNTHETIC, view


def rows_of_places(results):
    rows = results[(results["group"] == "place") & (results["checkpoint"] == "last")]
    return rows[(rows["architecture"] == "full") & (rows["size"] == "base")]


def test_a_look_ahead_of_k_is_the_place_k_before_the_last(results):
    errors = streaming.by_look_ahead(results, "full", "base")
    rows = rows_of_places(results)
    n = rows["name"].nunique()
    assert list(errors.columns) == list(range((n - 1) // 2 + 1))
    for k in errors.columns:
        there = rows[rows["name"] == str(n - 1 - k)].set_index("seed")["value"]
        assert errors[k].to_dict() == there.to_dict()


def test_line_and_band_are_mean_and_interval_over_seeds(results):
    shown = view(notice=SYNTHETIC, statistics=Statistics(confidence=0.8))
    figure = streaming.draw(results, shown)
    assert "band: its 80 % t interval" in figure._supxlabel.get_text()
    (ax,) = figure.axes
    errors = streaming.by_look_ahead(results, "full", "base")
    line = ax.lines[1]
    np.testing.assert_array_equal(line.get_xdata(), errors.columns)
    np.testing.assert_allclose(line.get_ydata(), errors.mean())
    low, high = seed_interval(errors[0], shown.statistics.confidence)
    band = ax.collections[1].get_paths()[0].vertices
    at_zero = band[band[:, 0] == 0, 1]
    assert (at_zero.min(), at_zero.max()) == pytest.approx((low, high))


def test_two_seeds_have_no_band(results):
    two = results[results["seed"].isna() | (results["seed"] < 2)]
    figure = streaming.draw(two, view())
    assert not figure.axes[0].collections
    assert "fewer than three seeds: no interval" in figure._supxlabel.get_text()
