"""The figures of errors: comparison, per action, per joint, by place in the clip, ablation."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from made_up import LAST, joint_share, place_error
from poselift.analysis.intervals import Differences, Model, entry_pairs
from poselift.analysis.view import AblationEntry, Grid
from poselift.config.experiment import Statistics
from poselift.figures import ablation, comparison, joints, per_action, place, streaming
from poselift.figures.style import style
from poselift.skeleton import JOINTS
from shown import view

VIEW = view()
STATISTICS = Statistics(resamples=200)

# Student's t for 95 % and 2 degrees of freedom; the baseline's seeds are 40, 41, 45: 42 - 2, 42 - 1, 42 + 3
STANDARD_ERROR = np.sqrt(7 / 3)
HALF = 4.302653 * STANDARD_ERROR


def bars(ax):
    """Marker position and ends of the bar of everything that was drawn with an error bar."""
    for container in ax.containers:
        point, _caps, lines = container.lines
        ends = lines[0].get_segments()[0][:, 0] if lines else None
        yield point.get_xdata()[0], point.get_ydata()[0], ends


def test_comparison_shows_each_seed_their_mean_and_its_interval(results):
    ax = comparison.draw(results, VIEW).axes[0]
    found = list(bars(ax))
    # xsmall: baseline and full; base: the same, each pair around the tick of its size
    assert [x for x, _, _ in found] == pytest.approx([159.5 / 3, 48.5, 42, 39.5])
    heights = [y for _, y, _ in found]
    assert heights == sorted(heights)
    assert [round(y) for y in heights] == [0, 0, 1, 1]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["xsmall", "base"]
    assert found[2][2] == pytest.approx([42 - HALF, 42 + HALF], abs=1e-4)
    seeds = [line.get_xdata().tolist() for line in ax.lines if line.get_marker() == "|"]
    assert seeds == [list(LAST[name, size]) for size in VIEW.grid.sizes for name in VIEW.grid.architectures]


def test_each_model_is_drawn_in_the_look_of_its_card_and_the_legend_says_so(results):
    for module in (comparison, per_action):
        figure = module.draw(results, VIEW)
        markers = [container.lines[0] for container in figure.axes[0].containers][:2]
        drawn = {
            VIEW.label(name): (line.get_color(), line.get_marker())
            for name, line in zip(VIEW.grid.architectures, markers, strict=True)
        }
        assert len(set(drawn.values())) == 2
        (legend,) = figure.legends
        handles = zip(legend.get_texts(), legend.legend_handles, strict=True)
        assert {text.get_text(): (line.get_color(), line.get_marker()) for text, line in handles} == drawn
    curves = place.draw(results, VIEW)
    lines = {line.get_linestyle(): line.get_color() for line in curves.axes[0].lines}
    (legend,) = curves.legends
    assert {line.get_linestyle(): line.get_color() for line in legend.legend_handles} == lines


def test_comparison_has_a_panel_of_aligned_errors(results):
    ax = comparison.draw(results, VIEW).axes[1]
    assert [x for x, _, _ in bars(ax)][2:] == pytest.approx([0.8 * 42 - 1, 0.8 * 39.5 - 1])
    assert ax.get_xlabel() == "P-MPJPE (mm)"


def test_the_interval_follows_the_confidence_level(results, words):
    shown = view(statistics=Statistics(confidence=0.9))
    figure = comparison.draw(results, shown)
    ends = list(bars(figure.axes[0]))[2][2]
    assert ends[1] - 42 == pytest.approx(2.919986 * STANDARD_ERROR, abs=1e-4)
    for each in (figure, per_action.draw(results, shown)):
        assert any("90 %" in line for line in words(each))


def test_a_single_seed_has_no_bar_and_says_so(make_table, words):
    one = make_table({("full", "base", "", 0): 40.0})
    for figure in (
        comparison.draw(one, view(Grid(("full",), ("base",), (0,)))),
        per_action.draw(one, view(Grid(("full",), ("base",), (0,)))),
    ):
        assert next(bars(figure.axes[0]))[2] is None
        assert "a single seed: no interval" in words(figure)


def test_the_line_below_is_about_the_model_of_most_seeds(results, words):
    few = results[
        ~results["run"].isin([f"full-{size}-s{seed}" for size in ("xsmall", "base") for seed in (1, 2)])
    ]
    for module in (comparison, per_action):
        assert any("bar: its 95 % t interval" in line for line in words(module.draw(few, VIEW)))
    for module, said in ((place, "band: lowest to highest seed"), (streaming, "band: its 95 % t interval")):
        assert any(said in line for line in words(module.draw(few, VIEW)))


def test_two_seeds_are_drawn_and_have_no_interval(make_table, words):
    """Their interval is 12.7 times as wide as they lie apart: Student's t with one degree of freedom."""
    two = make_table({("full", "base", "", 0): 40.0, ("full", "base", "", 1): 41.0})
    shown = view(Grid(("full",), ("base",), (0, 1)))
    for figure in (comparison.draw(two, shown), per_action.draw(two, shown)):
        ax = figure.axes[0]
        assert all(ends is None for _, _, ends in bars(ax))
        assert [40.0, 41.0] in [line.get_xdata().tolist() for line in ax.lines if line.get_marker() == "|"]
        assert not any("arrow" in line for line in words(figure))
        assert "no 95 % interval: it would be 13 times as wide as they lie apart" in "\n".join(words(figure))


def test_bars_that_go_on_beyond_the_panel_have_an_arrow(make_table, words):
    errors = enumerate((40.0, 40.0, 41.0))  # of a model whose actions are all alike
    three = make_table({("mamba_gcn", "base", "", seed): error for seed, error in errors})
    shown = view(Grid(("mamba_gcn",), ("base",), (0, 1, 2)))
    figure = comparison.draw(three, shown)
    ax = figure.axes[0]
    low, high = ax.get_xlim()
    half = 4.302653 / 3  # the standard error is a third
    assert 121 / 3 - half < low < 40 < 41 < high
    assert next(bars(ax))[2] == pytest.approx([121 / 3 - half, 121 / 3 + half], abs=1e-3)
    for each in (figure, per_action.draw(three, shown)):
        assert "<" in {line.get_marker() for line in each.axes[0].lines}
        assert any("arrow" in line for line in words(each))


def test_bars_that_end_within_the_panel_have_none(make_table, words):
    errors = {
        (n, "base", "", s): x + 0.01 * s for n, x in (("full", 40.0), ("baseline", 50.0)) for s in range(3)
    }
    figure = comparison.draw(make_table(errors), view(Grid(("full", "baseline"), ("base",), (0, 1, 2))))
    assert not any("arrow" in line for line in words(figure))


def test_actions_are_sorted_by_the_error_of_all_models_with_the_mean_below(results):
    ax = per_action.draw(results, VIEW).axes[0]
    expected = {"Eating": (1.1, 1.3), "Sitting": (1.2, 0.85), "Walking": (0.8, 0.9), "Mean": (1, 1)}
    assert [label.get_text() for label in ax.get_yticklabels()] == list(expected)
    means = [
        share * mean for shares in expected.values() for share, mean in zip(shares, (42, 39.5), strict=True)
    ]
    assert [x for x, _, _ in bars(ax)] == pytest.approx(means)


def circles(ax):
    (found,) = [one for one in ax.collections if isinstance(one, PathCollection)]
    return found


def test_joints_are_coloured_by_error_and_by_change_each_on_its_scale(results, make_table):
    figure = joints.draw(results, VIEW)
    baseline, full, *_ = figure.axes
    expected = np.array([joint_share(j) for j in range(1, 17)])  # the root has none
    assert np.asarray(circles(baseline).get_array()) == pytest.approx(42 * expected)
    assert np.asarray(circles(full).get_array()) == pytest.approx(-2.5 * expected)
    scale = circles(baseline).norm
    assert (scale.vmin, scale.vmax) == pytest.approx((42 * expected[0], 42 * expected[-1]))
    # of changes zero is the middle, and white; what falls is blue, what rises would be red
    scale, colours = circles(full).norm, circles(full).cmap
    assert (scale.vmin, scale.vmax) == pytest.approx((-2.5 * expected[-1], 2.5 * expected[-1]))
    assert min(colours(scale(0.0))[:3]) > 0.95
    red, _, blue, _ = colours(scale(-1.0))
    assert blue > red
    areas = circles(baseline).get_sizes()
    assert areas[-8:] / areas[-1] == pytest.approx((expected / expected[-1])[-8:])
    assert circles(full).get_offsets().tolist() == joints.STANDING[1:].tolist()
    errors = {("baseline", "base", "", 0): 40.0, ("full", "base", "", 0): 42.0}
    scale = circles(joints.draw(make_table(errors), VIEW).axes[1]).norm
    assert (scale.vmin, scale.vmax) == pytest.approx((-2 * expected[-1], 2 * expected[-1]))  # all rise


@pytest.mark.parametrize("error", [42.0, 420.0])
def test_no_number_of_a_joint_lies_on_another_or_on_a_circle(make_table, error):
    """In a page-wide figure of three models, with numbers of up to five characters."""
    names = ("baseline", "mamba_gcn", "full")
    runs = {
        (name, "base", "", seed): error * (1 - 0.2 * i) + seed
        for i, name in enumerate(names)
        for seed in (0, 1)
    }
    with style():
        figure = joints.draw(make_table(runs), view(Grid(names, ("base",), (0, 1))))
        figure.draw_without_rendering()
    for ax in figure.axes[:3]:
        texts = [text.get_window_extent() for text in ax.texts]
        assert len(texts) == 16
        assert not any(one.overlaps(other) for one, other in combinations(texts, 2))
        drawn = circles(ax)
        radii = np.sqrt(drawn.get_sizes()) / 2 * figure.dpi / 72
        for (x, y), radius in zip(ax.transData.transform(drawn.get_offsets()), radii, strict=True):
            for box in texts:
                to_box = (max(box.x0 - x, 0, x - box.x1), max(box.y0 - y, 0, y - box.y1))
                assert np.hypot(*to_box) > radius


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
    assert numbers[0][-2:] == [f"{42 * joint_share(15):.1f}", "63.0"]  # the last: right wrist, 1.5 x 42
    assert numbers[1][-1] == "−3.8"  # 1.5 x -2.5
    assert "change from Baseline" in full.get_title()
    first, second, *_ = joints.draw(results, view(Grid(("full", "baseline"), ("base",), (0, 1, 2)))).axes
    assert [ax.texts[-1].get_text() for ax in (first, second)] == ["−3.8", "63.0"]


def test_changes_of_joints_are_paired_by_seed(results):
    ax = joints.draw(results[results["run"] != "full-base-s1"], VIEW).axes[1]
    assert ax.texts[-1].get_text() == "−3.8"  # 1.5 x the mean of -2 and -3, of seeds 0 and 2
    ax = joints.draw(results[results["run"] != "baseline-base-s0"], VIEW).axes[1]
    assert ax.texts[-1].get_text() == "−4.1"  # of -2.5 and -3


def test_joints_without_the_baseline_show_errors(make_table):
    ax = joints.draw(
        make_table({("full", "base", "", 0): 40.0}), view(Grid(("full",), ("base",), (0,)))
    ).axes[0]
    assert ax.texts[-1].get_text() == "60.0"
    assert "error" in ax.get_title()


def test_place_shows_mean_and_range_over_seeds_in_the_order_of_frames(results):
    ax = place.draw(results, VIEW).axes[0]
    line = ax.lines[0]
    assert line.get_xdata().tolist() == list(range(1, 12))
    assert line.get_ydata() == pytest.approx([place_error(42, t) for t in range(11)])
    band = ax.collections[0].get_paths()[0].vertices
    ends = band[band[:, 0] == 11, 1]
    assert (ends.min(), ends.max()) == (place_error(40, 10), place_error(45, 10))
    assert (band[:, 1].min(), band[:, 1].max()) == (40 + 1.25, place_error(45, 10))


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


MEAN_SHARE = (0.9 + 0.85 + 1.3) / 3
"""What share of its overall error the full model has on average over the actions, of which an interval is."""


def test_entries_are_sorted_by_what_they_change(ablated):
    entries = [entry("better", title="a better one"), entry("worse"), entry("same")]
    ax = ablation.draw(ablated, view(ablation=entries, statistics=STATISTICS)).axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["worse", "same", "a better one"]
    found = list(bars(ax))
    assert [x for x, _, _ in found] == pytest.approx([3 * MEAN_SHARE, 0, -MEAN_SHARE])
    heights = [y for _, y, _ in found]
    assert heights == sorted(heights)
    assert ax.yaxis_inverted()


def test_entries_have_the_paired_interval_and_are_filled_where_it_leaves_out_zero(ablated):
    entries = [entry("worse"), entry("same")]
    ax = ablation.draw(ablated, view(ablation=entries, statistics=STATISTICS)).axes[0]
    base = Model("full", "base")
    expected = Differences(ablated, STATISTICS, {"ablation": entry_pairs(entries)}).difference(
        base._replace(variant="worse"), base, "mpjpe", "last"
    )
    (_, _, ends), _ = bars(ax)
    assert ends == pytest.approx([expected.low, expected.high])
    assert 2.5 < ends[0] < 3 * MEAN_SHARE < ends[1] < 3.5
    faces = [container.lines[0].get_markerfacecolor() for container in ax.containers]
    assert faces[0] != "white"
    assert faces[1] == "white"


def test_the_bar_of_an_entry_may_be_longer_to_one_side(ablated):
    of_one = (ablated["variant"] == "worse") & ablated["name"].str.contains("subact_03")
    skewed = ablated.assign(value=ablated["value"] + 2.0 * of_one)
    ax = ablation.draw(skewed, view(ablation=[entry("worse")], statistics=STATISTICS)).axes[0]
    base = Model("full", "base")
    expected = Differences(skewed, STATISTICS).difference(
        base._replace(variant="worse"), base, "mpjpe", "last"
    )
    ((estimate, _, ends),) = bars(ax)
    assert (estimate, *ends) == pytest.approx((expected.estimate, expected.low, expected.high))
    assert expected.high - expected.estimate != pytest.approx(expected.estimate - expected.low, rel=0.05)


def test_entries_have_the_look_of_their_architecture(make_table):
    """Of that of the model that they are compared with."""
    runs = [("baseline", ""), ("baseline", "thin"), ("full", ""), ("full", "wide"), ("baseline", "plain")]
    results = make_table(
        {(name, "base", variant, s): 40.0 + i + s for i, (name, variant) in enumerate(runs) for s in range(3)}
    )
    plain = entry("plain", "baseline").model_copy(update={"against": ("full", "base")})
    shown = view(ablation=[entry("thin", "baseline"), entry("wide"), plain], statistics=STATISTICS)
    figure = ablation.draw(results, shown)
    (legend,), ax = figure.legends, figure.axes[0]
    assert [text.get_text() for text in legend.get_texts()] == ["Baseline", "Full"]
    # a model in the place of another: that it is compared with is the only one
    only = view(ablation=[entry("wide"), plain], statistics=STATISTICS)
    assert ablation.draw(results, only).legends == []
    drawn = {container.lines[0].get_ydata()[0]: container.lines[0] for container in ax.containers}
    for at, label in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True):
        card = shown.card({"thin": "baseline", "wide": "full", "plain": "full"}[label.get_text()])
        assert (drawn[at].get_color(), drawn[at].get_marker()) == (card.colour, card.marker)


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


def test_an_ablation_some_of_which_has_one_seed_says_what_the_others_bars_are(ablated, words):
    results = ablated[(ablated["variant"] != "better") | (ablated["seed"] == 0)]
    entries = [entry("worse"), entry("better").model_copy(update={"seeds": (0,)})]
    said = "\n".join(words(ablation.draw(results, view(ablation=entries, statistics=STATISTICS))))
    assert "bar: 95 % interval, paired by recording and seed" in said
    assert "single seed" not in said


def test_an_ablation_with_two_seeds_shows_what_each_changes(make_table, words):
    errors = {("full", "base", "", 0): 38.0, ("full", "base", "", 1): 39.0}
    results = make_table(errors | {("full", "base", "worse", 0): 41.0, ("full", "base", "worse", 1): 40.0})
    two = entry("worse").model_copy(update={"seeds": (0, 1)})
    figure = ablation.draw(results, view(ablation=[two], statistics=Statistics(confidence=0.8)))
    ax = figure.axes[0]
    assert [ends for _, _, ends in bars(ax)] == [None]
    assert [line.get_xdata().tolist() for line in ax.lines if line.get_marker() == "|"] == [[3.0, 1.0]]
    # Student's t for 80 % and one degree of freedom: tan(0.4 pi)
    assert any("no 80 % interval: it would be 3 times as wide" in line for line in words(figure))


def test_no_entry_is_a_figure_that_says_so(ablated, words):
    assert "no entry declared" in words(ablation.draw(ablated, view(ablation=[], statistics=STATISTICS)))
