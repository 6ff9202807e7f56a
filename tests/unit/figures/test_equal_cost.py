"""Each model beside a baseline of no fewer parameters."""

import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from made_up import LAST
from poselift.analysis.costs import Cost
from poselift.analysis.intervals import Differences, Model
from poselift.analysis.view import Grid
from poselift.config.experiment import Statistics
from poselift.figures import equal_cost
from shown import GRID, view

ARCHITECTURES, SIZES = ("baseline", "mamba_gcn", "full"), ("xsmall", "small", "base", "large")
MILLIONS = {
    "xsmall": (2.2, 2.8, 4.0),
    "small": (4.8, 5.5, 8.7),
    "base": (11.7, 12.6, 18.4),
    "large": (19.0, 20.6, 34.1),
}


def costs(millions):
    return {
        (architecture, size): Cost(27, round(1e6 * count), 10**9, 10**9)
        for size, counts in millions.items()
        for architecture, count in zip(ARCHITECTURES, counts, strict=True)
    }


def test_the_difference_has_its_interval_and_the_row_names_both_models(results, words):
    """Two models of 4 and 4.8 million; the full base model is larger than every baseline."""
    counted = {("baseline", "base"): 4.8, ("full", "xsmall"): 4.0, ("full", "base"): 9.0}
    shown = view(statistics=Statistics(resamples=500, confidence=0.8))
    figure = equal_cost.draw(
        results, {model: Cost(27, round(1e6 * n), 10**9, 10**9) for model, n in counted.items()}, shown
    )
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "Full, xsmall (4.00 M)\nbeside Baseline, base (4.80 M)"
    ]
    differences = Differences(results, shown.statistics)
    change = differences.difference(Model("full", "xsmall"), Model("baseline", "base"), "mpjpe", "last")
    (drawn,) = ax.containers
    ((x, y),) = drawn.lines[0].get_xydata()
    assert (x, y) == (pytest.approx(change.estimate), ax.get_yticks()[0])
    (bar,) = drawn.lines[2][0].get_segments()
    assert bar[:, 0] == pytest.approx([change.low, change.high])
    low, high = ax.get_xlim()
    assert low < change.low < change.high < high  # no interval is cut off
    assert to_hex(drawn.lines[0].get_markerfacecolor()) == "#ffffff"
    card = shown.card("full")
    assert (to_hex(drawn.lines[0].get_color()), drawn.lines[0].get_marker()) == (
        card.colour.lower(),
        card.marker,
    )
    assert any("exploratory, not corrected" in line for line in words(figure))
    assert any("bar: 80 % interval" in line for line in words(figure))


def test_the_labels_of_six_pairs_do_not_touch(make_table):
    errors = {
        (name, size, "", seed): 40.0 + number + seed
        for number, name in enumerate(ARCHITECTURES)
        for size in SIZES
        for seed in (0, 1, 2)
        if (name, size) != ("full", "small")
    }
    shown = view(Grid(ARCHITECTURES, SIZES, (0, 1, 2)))
    figure = equal_cost.draw(make_table(errors), costs(MILLIONS), shown)
    figure.draw_without_rendering()
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    assert sum("beside" in text.get_text() for text in texts) == 6
    assert sum(text.get_text() == "missing" for text in texts) == 1
    boxes = [text.get_window_extent() for text in texts]
    touching = [
        (one.get_text(), other.get_text())
        for i, (one, box) in enumerate(zip(texts, boxes, strict=True))
        for other, its in zip(texts[:i], boxes[:i], strict=True)
        if box.overlaps(its)
    ]
    assert touching == []


def test_a_grid_without_such_a_pair_says_so(make_table, words):
    """A single size, in which the baseline is the smallest: the paper of a demonstration."""
    one = make_table({(name, "base", "", 0): LAST[name, "base"][0] for name in GRID.architectures})
    figure = equal_cost.draw(
        one, costs({"base": MILLIONS["base"]}), view(Grid(GRID.architectures, ("base",), (0,)))
    )
    assert "no model beside one of no fewer parameters" in words(figure)
