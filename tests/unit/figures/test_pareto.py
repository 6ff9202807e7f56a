"""Accuracy against cost."""

import re
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex

from made_up import LAST, best_epoch
from poselift.analysis.costs import Cost
from poselift.analysis.published import Published, Row
from poselift.analysis.view import Grid
from poselift.errors import PoseliftError
from poselift.figures import make, pareto
from poselift.figures.style import MUTED, save
from shown import view

VIEW = view()
COSTS = {
    ("baseline", "xsmall"): Cost(27, 2_000_000, 1_000_000_000, 0),
    ("baseline", "base"): Cost(27, 12_000_000, 48_000_000_000, 0),
    ("full", "xsmall"): Cost(27, 3_000_000, 2_000_000_000, 0),
}


def row(method, **values):
    return Row(
        **{"method": method, "detector": "SH", "frames": 243, "sure": "A", "source": "made up"} | values
    )


PUBLISHED = Published(
    detector="SH",
    rows=[
        row("both", parameters=4.0, macs=9.0, mpjpe=42.0),
        row("unsure", parameters=5.0, mpjpe=43.0, unsure=["parameters"]),
        row("remembered", parameters=6.0, mpjpe=44.0, sure="C"),
        row("elsewhere", detector="CPN", macs=10.0, mpjpe=45.0),
    ],
)


def ours(ax):
    return [container.lines[0].get_xydata().tolist() for container in ax.containers]


def published(ax):
    return {
        tuple(line.get_xydata()[0]): to_hex(line.get_markerfacecolor())
        for line in ax.lines
        if line.get_color() == MUTED
    }


def test_points_are_the_mean_after_the_last_epoch_over_each_cost(results):
    parameters, macs = pareto.draw(results, COSTS, None, VIEW).axes
    xsmall = 159.5 / 3
    assert ours(parameters) == [[[2, xsmall], [12, 42]], [[3, 48.5]]]  # full base was not counted
    assert ours(macs) == [[[1, xsmall], [48, 42]], [[2, 48.5]]]


def test_sizes_are_joined_by_their_cost_and_named_once(results):
    figure = pareto.draw(
        results, COSTS, None, view(Grid(("baseline", "full"), ("base", "xsmall"), (0, 1, 2)))
    )
    parameters, _ = figure.axes
    assert ours(parameters)[0] == [[2, 159.5 / 3], [12, 42]]
    assert {text.get_text(): text.xy for text in parameters.texts} == {
        "xsmall": (2, 159.5 / 3),
        "base": (12, 42),
    }


def test_bars_reach_from_the_lowest_to_the_highest_seed(results):
    ax = pareto.draw(results, COSTS, None, VIEW).axes[0]
    segment = ax.containers[0].lines[2][0].get_segments()[0]
    assert np.asarray(segment)[:, 1].tolist() == [50, 56.5]


def test_published_rows_are_grey_and_hollow_with_other_detections(results, words):
    figure = pareto.draw(results, COSTS, PUBLISHED, VIEW)
    parameters, macs = figure.axes
    assert published(parameters) == {(4, 42): MUTED}
    assert published(macs) == {(9, 42): MUTED, (10, 45): "#ffffff"}
    numbers = {ax: {text.get_text(): text.xy for text in ax.texts} for ax in figure.axes}
    assert (numbers[parameters]["1"], numbers[macs]["1"], numbers[macs]["2"]) == ((4, 42), (9, 42), (10, 45))
    listed = {line for line in words(figure) if "(SH)" in line or "(CPN)" in line}
    assert listed == {"1 both (SH)", "2 elsewhere (CPN)"}


def test_beside_published_rows_ours_are_of_the_best_epoch(results):
    figure = pareto.draw(results, COSTS, PUBLISHED, VIEW)
    best = [best_epoch("baseline", "", seed, last) for seed, last in enumerate(LAST["baseline", "base"])]
    assert ours(figure.axes[0])[0][1] == [12, pytest.approx(np.mean(best))]
    assert "best" in figure.axes[0].get_ylabel()
    unsure = Published(detector="SH", rows=[row("remembered", parameters=6.0, mpjpe=44.0, sure="C")])
    alone = pareto.draw(results, COSTS, unsure, VIEW).axes[0]  # none of which is shown
    assert "last" in alone.get_ylabel()
    assert ours(alone)[0][1] == [12, 42]


def test_synthetic_data_are_not_shown_beside_published_results(tmp_path):
    given = {
        "--results": "r.csv", "--costs": "c.csv", "--architectures": "full", "--sizes": "base",
        "--seeds": "0", "--dataset-title": "made up", "--published": "p.yaml",
        "--caption": "x", "--out": str(tmp_path / "x.pdf"),
    }  # fmt: skip
    with pytest.raises(PoseliftError, match="synthetic data cannot be compared"):
        make.main(["pareto", "--synthetic", *(word for pair in given.items() for word in pair)])


def test_a_pointer_is_told_value_seeds_and_cost_where_the_point_is(results, tmp_path):
    """The place is that of a line's marker in the SVG itself."""
    figure = pareto.draw(results, COSTS, PUBLISHED, VIEW)
    points = save(figure, tmp_path / "pareto.pdf")
    texts = [text for _, _, text in points]
    # beside published rows ours are of the best epoch
    seeds = [best_epoch("baseline", "", seed, last) for seed, last in enumerate(LAST["baseline", "base"])]
    each = ", ".join(f"seed {seed}: {value:.4g}" for seed, value in enumerate(seeds))
    assert f"Baseline, base: {np.mean(seeds):.4g} mm ({each}); 12 million parameters" in texts
    assert "both (SH): 42 mm, published; 4 million parameters" in texts
    assert "both (SH): 42 mm, published; 9 billion MACs a clip" in texts

    svg = (tmp_path / "pareto.svg").read_text()
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    markers = np.array(re.findall(r'<use xlink:href="#\w+" x="([\d.]+)" y="([\d.]+)"', svg), dtype=float)
    for x, y, text in points:
        away = np.abs(markers - [x * width, y * height]).max(axis=1).min()
        assert away < 0.5, text


@pytest.mark.parametrize("macs", [(4_700_000, 6_400_000), (48_000_000_000, 64_500_000_000), (10**9, 10**11)])
def test_the_numbers_of_an_axis_stand_apart(results, macs):
    costs = {
        (name, "base"): Cost(27, of // 50, of, 0) for name, of in zip(("baseline", "full"), macs, strict=True)
    }
    figure = pareto.draw(results, costs, None, view(Grid(("baseline", "full"), ("base",), (0, 1, 2))))
    figure.canvas.draw()
    for ax in figure.axes:
        left, right = sorted(ax.get_xlim())
        labels = [label for label in ax.get_xticklabels() if left <= label.get_position()[0] <= right]
        boxes = [label.get_window_extent() for label in labels]
        assert len(boxes) > 1
        assert all(one.padded(3).x1 < next_one.x0 for one, next_one in pairwise(boxes))
