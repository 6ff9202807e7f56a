"""The figures of errors: comparison, per action, per joint, by place in the clip, ablation."""

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from poselift.analysis.intervals import Differences, Model
from poselift.analysis.view import AblationEntry, Grid
from poselift.config.experiment import Statistics
from poselift.figures import ablation, comparison, joints, per_action, place
from poselift.skeleton import JOINTS
from shown import view

VIEW = view()
STATISTICS = Statistics(resamples=200)

HALF = 4.302653 / np.sqrt(3)  # Student's t for 95 % and 2 degrees of freedom, three seeds 1 mm apart


def bars(ax):
    """Marker position and ends of the bar of everything that was drawn with an error bar."""
    for container in ax.containers:
        point, _caps, lines = container.lines
        ends = lines[0].get_segments()[0][:, 0] if lines else None
        yield point.get_xdata()[0], point.get_ydata()[0], ends


def test_comparison_shows_each_seed_their_mean_and_its_interval(results):
    ax = comparison.draw(results, VIEW).axes[0]
    found = list(bars(ax))
    assert [x for x, _, _ in found] == pytest.approx([41, 39, 41, 39])  # two architectures in two sizes
    assert found[0][2] == pytest.approx([41 - HALF, 41 + HALF], abs=1e-5)
    seeds = next(line for line in ax.lines if line.get_marker() == "|")
    assert seeds.get_xdata().tolist() == [40, 41, 42]


def test_comparison_has_a_panel_of_aligned_errors(results):
    ax = comparison.draw(results, VIEW).axes[1]
    assert [x for x, _, _ in bars(ax)][:2] == pytest.approx([0.8 * 41, 0.8 * 39])
    assert ax.get_xlabel() == "P-MPJPE (mm)"


def test_the_interval_follows_the_confidence_level(results, words):
    figure = comparison.draw(results, view(statistics=Statistics(confidence=0.9)))
    ends = next(bars(figure.axes[0]))[2]
    assert ends[1] - 41 == pytest.approx(2.919986 / np.sqrt(3), abs=1e-5)
    assert any("90 %" in line for line in words(figure))


def test_a_single_seed_has_no_bar_and_says_so(make_table, words):
    one = make_table({("full", "base", "", 0): 40.0})
    for figure in (
        comparison.draw(one, view(Grid(("full",), ("base",), (0,)))),
        per_action.draw(one, view(Grid(("full",), ("base",), (0,)))),
    ):
        assert next(bars(figure.axes[0]))[2] is None
        assert "a single seed: no interval" in words(figure)


def test_bars_that_go_on_beyond_the_panel_have_an_arrow(make_table, words):
    two = make_table({("full", "base", "", 0): 40.0, ("full", "base", "", 1): 41.0})
    figure = comparison.draw(two, view(Grid(("full",), ("base",), (0, 1))))
    ax = figure.axes[0]
    low, high = ax.get_xlim()
    assert low < 40 < 41 < high < 41 + 2  # the interval is 12.7 mm wide: the seeds are still seen apart
    assert next(bars(ax))[2] == pytest.approx([40.5 - 6.3531, 40.5 + 6.3531], abs=1e-3)
    assert {"<", ">"} <= {line.get_marker() for line in ax.lines}
    assert any("arrow" in line for line in words(figure))


def test_bars_that_end_within_the_panel_have_none(make_table, words):
    errors = {
        (n, "base", "", s): x + 0.01 * s for n, x in (("full", 40.0), ("baseline", 50.0)) for s in range(3)
    }
    figure = comparison.draw(make_table(errors), view(Grid(("full", "baseline"), ("base",), (0, 1, 2))))
    assert not any("arrow" in line for line in words(figure))


def test_actions_are_sorted_by_error_with_the_mean_below(results):
    ax = per_action.draw(results, VIEW).axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Sitting", "Walking", "Mean"]
    expected = [share * mean for share in (1.2, 0.8, 1.0) for mean in (41, 39)]
    assert [x for x, _, _ in bars(ax)] == pytest.approx(expected)


def circles(ax):
    (found,) = [one for one in ax.collections if isinstance(one, PathCollection)]
    return found


def test_joints_are_coloured_by_their_mean_error_on_one_scale(results):
    figure = joints.draw(results, VIEW)
    baseline, full, *_ = figure.axes
    expected = np.arange(1, 17) * 2 / 16  # the root has none
    assert np.asarray(circles(baseline).get_array()) == pytest.approx(41 * expected)
    assert np.asarray(circles(full).get_array()) == pytest.approx(39 * expected)
    assert circles(baseline).norm is circles(full).norm
    assert circles(baseline).get_sizes().argmax() == 15


def test_joints_stand_where_their_names_say():
    at = dict(zip(JOINTS, joints.STANDING, strict=True))
    for side, sign in (("left", 1), ("right", -1)):  # seen from the front
        assert all(sign * at[f"{side} {joint}"][0] > 0 for joint in ("hip", "foot", "wrist", "shoulder"))
        assert at[f"{side} hip"][1] > at[f"{side} knee"][1] > at[f"{side} foot"][1]
        assert at[f"{side} shoulder"][1] > at[f"{side} elbow"][1] > at[f"{side} wrist"][1]
    assert [at[joint][0] for joint in ("hip", "spine", "thorax", "neck", "head")] == [0] * 5


def test_joints_show_the_change_from_the_baseline(results):
    baseline, full, *_ = joints.draw(results, VIEW).axes
    numbers = [[text.get_text() for text in ax.texts] for ax in (baseline, full)]
    assert numbers[0][-1] == "82.0"  # right wrist, 2 x 41
    assert numbers[1][-1] == "−4.0"
    assert "change from Baseline" in full.get_title()


def test_joints_without_the_baseline_show_errors(make_table):
    ax = joints.draw(
        make_table({("full", "base", "", 0): 40.0}), view(Grid(("full",), ("base",), (0,)))
    ).axes[0]
    assert ax.texts[-1].get_text() == "80.0"
    assert "error" in ax.get_title()


def test_place_shows_mean_and_range_over_seeds_in_the_order_of_frames(results):
    ax = place.draw(results, VIEW).axes[0]
    line = ax.lines[0]
    assert line.get_xdata().tolist() == list(range(1, 12))
    assert line.get_ydata() == pytest.approx(41 + np.abs(np.arange(11) - 5))
    band = ax.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (40, 42 + 5)


def test_place_ends_where_the_clips_of_a_model_do(results):
    shorter = results[
        (results["architecture"] != "full")
        | (results["group"] != "place")
        | results["name"].isin(["0", "1", "2"])
    ]
    ax = place.draw(shorter, VIEW).axes[0]
    assert [len(line.get_xdata()) for line in ax.lines] == [11, 3]
    assert ax.get_xlim() == (1, 11)


def entry(name, architecture="full", size="base", title=""):
    return AblationEntry(name=name, title=title, architecture=architecture, size=size, seeds=(0, 1, 2))


@pytest.fixture
def ablated(make_table):
    errors = {("full", "base", "", seed): 38.0 + 0.1 * seed for seed in range(3)}
    for name, change in (("better", -1.0), ("worse", 3.0), ("same", 0.0)):
        wobble = (0.1, -0.1, 0.0) if name == "same" else (0.01, 0.0, -0.01)
        errors |= {("full", "base", name, s): 38.0 + 0.1 * s + change + wobble[s] for s in range(3)}
    return make_table(errors)


def test_entries_are_sorted_by_what_they_change(ablated):
    entries = [entry("better", title="a better one"), entry("worse"), entry("same")]
    ax = ablation.draw(ablated, view(ablation=entries, statistics=STATISTICS)).axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["worse", "same", "a better one"]
    found = list(bars(ax))
    assert [x for x, _, _ in found] == pytest.approx([3, 0, -1])
    heights = [y for _, y, _ in found]
    assert heights == sorted(heights)
    assert ax.yaxis_inverted()


def test_entries_have_the_paired_interval_and_are_filled_where_it_leaves_out_zero(ablated):
    ax = ablation.draw(ablated, view(ablation=[entry("worse"), entry("same")], statistics=STATISTICS)).axes[0]
    base = Model("full", "base")
    expected = Differences(ablated, STATISTICS).difference(
        base._replace(variant="worse"), base, "mpjpe", "last"
    )
    (_, _, ends), _ = bars(ax)
    assert ends == pytest.approx([expected.low, expected.high])
    assert 2.5 < ends[0] < 3 < ends[1] < 3.5
    faces = [container.lines[0].get_markerfacecolor() for container in ax.containers]
    assert faces[0] != "white"
    assert faces[1] == "white"


def test_there_is_a_line_at_zero_within_the_panel(ablated):
    ax = ablation.draw(ablated, view(ablation=[entry("worse")], statistics=STATISTICS)).axes[0]
    assert any(list(line.get_xdata()) == [0, 0] for line in ax.lines)
    low, high = ax.get_xlim()
    assert low < 0 < 3 < high


def test_an_entry_that_was_not_run_is_last_and_named(ablated, words):
    figure = ablation.draw(
        ablated, view(ablation=[entry("forgotten"), entry("worse")], statistics=STATISTICS)
    )
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["worse", "forgotten"]
    assert "missing" in words(figure)
    assert "DRAFT: 3 runs missing" in words(figure)


def test_an_ablation_with_a_single_seed_says_so(make_table, words):
    results = make_table({("full", "base", "", 0): 38.0, ("full", "base", "worse", 0): 41.0})
    one = entry("worse").model_copy(update={"seeds": (0,)})
    figure = ablation.draw(results, view(ablation=[one], statistics=STATISTICS))
    assert any("a single seed" in line for line in words(figure))
    assert figure.axes[0].containers[0].lines[0].get_markerfacecolor() == "white"


def test_no_entry_is_a_figure_that_says_so(ablated, words):
    assert "no entry declared" in words(ablation.draw(ablated, view(ablation=[], statistics=STATISTICS)))
