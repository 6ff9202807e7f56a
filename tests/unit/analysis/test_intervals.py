"""From the table of results to intervals: what is paired, what is resampled, what is left out."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from poselift.analysis.intervals import Differences, Model, entry_pairs, grid_pairs, recording
from poselift.analysis.results import collect, per_seed
from poselift.analysis.view import AblationEntry, Grid
from poselift.config.experiment import Statistics
from poselift.evaluation.report import Result, Row
from poselift.evaluation.statistics import SeedVariance, prediction_interval

STATISTICS = Statistics(resamples=1000)
BASELINE, FULL = Model("baseline", "base"), Model("full", "base")


@pytest.fixture
def with_sequences(make_report):
    """A run whose sequences have these errors; the frames, actions and cameras are those of the caller."""

    def make(architecture, seed, sequences):
        one = make_report(architecture, "base", seed, 40.0, 39.0)
        rows = [row for row in one.checkpoints["last"].rows if row.group != "sequence"]
        for name, camera, action, frames, error in sequences:
            key = f"{action}/{name}.{camera}"
            rows += [Row("frames", "sequence", key, frames), Row("mpjpe", "sequence", key, error)]
        return one.model_copy(update={"checkpoints": {"last": Result(tuple(rows))}})

    return make


def test_the_cameras_of_a_recording_have_one_name():
    of_cameras = {
        recording("Sitting/s_09_act_09_subact_02_ca_01.54138969"),
        recording("Sitting/s_09_act_09_subact_02_ca_04.60457274"),
    }
    assert of_cameras == {"Sitting/s_09_act_09_subact_02"}
    assert recording("Sitting/s_09_act_09_subact_01_ca_01.54138969") not in of_cameras
    assert recording("s_01_act_02_cam_03.58860488") == "s_01_act_02"
    assert recording("Sitting/other.camera.54138969") == "Sitting/other.camera"


def test_the_estimate_is_the_number_of_the_tables(make_report):
    table = collect(
        [make_report("full", "base", seed, 38.0 + seed, 35.0 + seed**2) for seed in range(3)]
        + [make_report("baseline", "base", seed, 40.0, 39.5 - seed) for seed in range(3)]
    )
    differences = Differences(table, STATISTICS)
    for metric, checkpoint in product(("mpjpe", "p_mpjpe", "acceleration"), ("last", "best")):
        full, base = (
            per_seed(table, name, "base", metric, checkpoint).mean() for name in ("full", "baseline")
        )
        assert differences.interval(FULL, metric, checkpoint).estimate == pytest.approx(full)
        change = differences.difference(FULL, BASELINE, metric, checkpoint).estimate
        assert change == pytest.approx(full - base)


def test_frames_weigh_sequences_within_an_action(with_sequences):
    sequences = [("a_ca_01", 1, "Eating", 100, 10.0), ("b_ca_01", 1, "Eating", 300, 30.0)]
    sequences.append(("c_ca_01", 1, "Posing", 50, 6.0))
    differences = Differences(collect([with_sequences("full", 0, sequences)]), STATISTICS)
    assert differences.interval(FULL, "mpjpe", "last").estimate == pytest.approx((25 + 6) / 2)


def test_seeds_are_paired_by_their_number(make_report):
    # seed 1 of one and seed 2 of the other have no partner; by place in the list they would be paired
    reports = [
        make_report("full", "base", seed, last, 1.0) for seed, last in {0: 38.0, 1: 90.0, 3: 39.0}.items()
    ]
    reports += [
        make_report("baseline", "base", seed, last, 1.0) for seed, last in {0: 40.0, 2: 10.0, 3: 40.0}.items()
    ]
    found = Differences(collect(reports), STATISTICS).difference(FULL, BASELINE, "mpjpe", "last")
    assert found.estimate == pytest.approx(-1.5)
    assert found.seeds == 2


def test_without_a_common_seed_there_is_no_difference(make_report):
    table = collect(
        [make_report("full", "base", 0, 38.0, 38.0), make_report("baseline", "base", 1, 40.0, 40.0)]
    )
    differences = Differences(table, STATISTICS)
    assert differences.difference(FULL, BASELINE, "mpjpe", "last") is None
    assert differences.interval(Model("full", "large"), "mpjpe", "last") is None


def test_better_than_all_others(make_report):
    reports = [
        make_report(name, "base", seed, last + seed, best)
        for name, last, best in (("full", 30.0, 28.0), ("mamba_gcn", 30.0, 25.0), ("baseline", 40.0, 40.0))
        for seed in range(3)
    ]
    grid = Grid(("full", "mamba_gcn", "baseline"), ("base",), (0, 1, 2))
    differences = Differences(collect(reports), STATISTICS, {"grid": grid_pairs(grid)})
    assert differences.better(FULL, [BASELINE], "mpjpe", "last")
    assert not differences.better(BASELINE, [FULL], "mpjpe", "last")
    assert not differences.better(FULL, [BASELINE, Model("mamba_gcn", "base")], "mpjpe", "last")
    assert not differences.better(FULL, [], "mpjpe", "last")
    # of the best epoch, where all seeds are alike, the two are apart, but it is not what is tested
    assert differences.finding(Model("mamba_gcn", "base"), FULL, "mpjpe", "best") == "exploratory"


def test_the_best_of_models_has_the_variance_of_the_study(make_report):
    """Of two seeds alone little is known, of those of two models more."""
    reports = [
        make_report(name, "base", seed, last + 0.3 * seed, 1.0)
        for name, last in (("full", 30.0), ("baseline", 31.0))
        for seed in (0, 1)
    ]
    study = {"grid": grid_pairs(Grid(("full", "baseline"), ("base",), (0, 1)))}
    alone, pooled = (
        Differences(collect(reports), STATISTICS, families).extreme([FULL, BASELINE], "mpjpe", "last")
        for families in ({}, study)
    )
    assert alone.estimate == pooled.estimate == pytest.approx(30.15)
    assert pooled.high - pooled.low < alone.high - alone.low


def test_the_variance_over_seeds_is_that_of_the_part_of_the_study_and_of_models_with_these_seeds(make_report):
    """Of the ablation, not of the grid, as far as its models have the seeds; declared or not."""
    errors = {
        ("baseline", ""): {0: 40.0, 1: 40.1, 2: 40.5}, ("full", ""): {0: 38.0, 1: 38.9, 2: 38.2},
        ("baseline", "chain"): {0: 41.3, 1: 41.0, 2: 41.1}, ("baseline", "wide"): {0: 39.0, 2: 39.3},
    }  # fmt: skip
    reports = [
        make_report(architecture, "base", seed, error, 1.0, variant)
        for (architecture, variant), values in errors.items()
        for seed, error in values.items()
    ]
    about = {"title": "", "architecture": "baseline", "size": "base"}
    entries = [AblationEntry(name=name, seeds=(0, 1, 2), **about) for name in ("chain", "wide")]
    families = {
        "grid": grid_pairs(Grid(("baseline", "full"), ("base",), (0, 1, 2))),
        "ablation": entry_pairs(entries),
    }
    base, chain, wide = (errors["baseline", variant] for variant in ("", "chain", "wide"))
    for declared in (["grid", "ablation"], ["grid"]):
        statistics = STATISTICS.model_copy(update={"families": declared})
        found = Differences(collect(reports), statistics, families)
        for variant, alike in (("chain", [base, chain]), ("wide", [base, chain, wide])):
            seeds = errors["baseline", variant]
            pooled = SeedVariance.pooled([[values[seed] for seed in seeds] for values in alike])
            assert pooled is not None
            assert found.prediction(Model("baseline", "base", variant), "mpjpe", "last") == pytest.approx(
                prediction_interval([*seeds.values()], STATISTICS.confidence, pooled)
            )
        across = Model("baseline", "base", "chain"), FULL  # of no part: the variance is that of the two
        alone = Differences(collect(reports), statistics).difference(*across, "mpjpe", "last")
        assert found.difference(*across, "mpjpe", "last") == alone


@pytest.fixture
def clear_cut(make_report):
    """Full is a millimetre below the baseline with every seed; so is an ablation, with its one."""
    reports = [make_report("baseline", "base", seed, 40.0 + seed, 40.0) for seed in range(3)]
    reports += [make_report("full", "base", seed, 39.0 + seed, 39.0) for seed in range(3)]
    return collect([*reports, make_report("baseline", "base", 0, 39.0, 39.0, "chain")])


def test_what_is_significant_is_in_a_declared_family_and_of_the_primary_metric(clear_cut):
    entry = AblationEntry(name="chain", title="", architecture="baseline", size="base", seeds=(0,))
    families = {
        "grid": grid_pairs(Grid(("baseline", "full"), ("base",), (0, 1, 2))),
        "ablation": entry_pairs([entry]),
    }
    found = Differences(clear_cut, STATISTICS, families)
    assert found.finding(FULL, BASELINE, "mpjpe", "last") == "significant"
    assert found.finding(BASELINE, FULL, "mpjpe", "last") == "significant"
    assert found.finding(FULL, BASELINE, "p_mpjpe", "last") == "exploratory"
    assert found.finding(FULL, BASELINE, "mpjpe", "best") == "exploratory"
    assert found.finding(Model("baseline", "base", "chain"), BASELINE, "mpjpe", "last") == "not tested"
    assert Differences(clear_cut, STATISTICS).finding(FULL, BASELINE, "mpjpe", "last") == "exploratory"
    undeclared = STATISTICS.model_copy(update={"families": ["ablation"]})
    assert (
        Differences(clear_cut, undeclared, families).finding(FULL, BASELINE, "mpjpe", "last") == "exploratory"
    )
    other = Differences(clear_cut, STATISTICS.model_copy(update={"primary": "p_mpjpe"}), families)
    assert other.significant(FULL, BASELINE, "p_mpjpe", "last")
    assert not other.significant(FULL, BASELINE, "mpjpe", "last")


def test_the_comparisons_of_a_family_are_corrected_for_their_number(make_report):
    """Three sizes with the same errors: the p-value is that of one, times three."""
    errors = {"baseline": (40.0, 40.1, 40.0), "full": (39.7, 39.95, 39.8)}
    reports = [
        make_report(name, size, seed, values[seed], 1.0)
        for size in ("xsmall", "small", "base")
        for name, values in errors.items()
        for seed in range(3)
    ]
    grid = Grid(("baseline", "full"), ("xsmall", "small", "base"), (0, 1, 2))
    differences = Differences(collect(reports), STATISTICS, {"grid": grid_pairs(grid)})
    alone = differences.difference(FULL, BASELINE, "mpjpe", "last")
    corrected = differences.corrected["grid"]
    assert len(corrected) == 3
    assert corrected[frozenset((FULL, BASELINE))].different == pytest.approx(3 * alone.p)
    assert corrected[frozenset((FULL, BASELINE))].equivalent == pytest.approx(3 * alone.p_equivalent)
    pairs = grid_pairs(grid)
    both = Differences(collect(reports), STATISTICS, {"grid": pairs[1:], "ablation": pairs[:1]})
    assert [len(both.detectable(name)) for name in ("grid", "ablation", None)] == [2, 1, 3]
    # what is exploratory is not corrected, so that it finds what it would find where nothing is declared
    undeclared = STATISTICS.model_copy(update={"families": []})
    other = Differences(collect(reports), undeclared, {"grid": pairs})
    found = [of.difference(FULL, BASELINE, "p_mpjpe", "last").detectable for of in (differences, other)]
    assert found[0] == found[1]
    assert alone.detectable > other.difference(FULL, BASELINE, "mpjpe", "last").detectable


def pair_of_models(make_report, errors):
    """Reports of the last errors of two models by seed, and the grid of both as the one family."""
    reports = [
        make_report(name, "base", seed, error, 1.0)
        for name, values in errors.items()
        for seed, error in enumerate(values)
    ]
    return reports, {"grid": grid_pairs(Grid(("baseline", "full"), ("base",), (0, 1, 2)))}


def test_models_that_differ_by_less_than_the_margin_are_equivalent(make_report):
    errors = {"baseline": (40.0, 40.1, 40.05), "full": (40.0, 40.05, 40.1)}
    reports, families = pair_of_models(make_report, errors)
    found = {
        margin: Differences(
            collect(reports), STATISTICS.model_copy(update={"equivalence_margin": margin}), families
        ).finding(FULL, BASELINE, "mpjpe", "last")
        for margin in (0.5, 0.01)
    }
    assert found == {0.5: "equivalent", 0.01: "inconclusive"}


def test_what_is_significant_depends_on_the_level(make_report):
    errors = {"baseline": (40.0, 40.4, 40.1), "full": (39.4, 39.6, 39.9)}
    reports, families = pair_of_models(make_report, errors)
    for confidence, finding in ((0.9, "significant"), (0.99, "inconclusive")):
        statistics = STATISTICS.model_copy(update={"confidence": confidence})
        found = Differences(collect(reports), statistics, families)
        assert found.finding(FULL, BASELINE, "mpjpe", "last") == finding
        values = per_seed(collect(reports), *FULL[:2], "mpjpe", "last")
        assert found.prediction(FULL, "mpjpe", "last") == pytest.approx(
            prediction_interval(values, confidence, SeedVariance.pooled([*errors.values()]))
        )


def test_velocities_and_accelerations_are_weighted_by_their_own_counts(with_sequences):
    """A sequence of three frames has one acceleration, one of four has two: the mean of 6 and twice 3."""
    sequences = [("a_ca_01", 1, "Eating", 3, 6.0), ("b_ca_01", 1, "Eating", 4, 3.0)]
    report = with_sequences("full", 0, sequences)
    rows = [row for row in report.checkpoints["last"].rows if row.metric != "acceleration"]
    for name, _, action, frames, error in sequences:
        key = f"{action}/{name}.1"
        rows += [Row("accelerations", "sequence", key, frames - 2)]
        rows += [Row("acceleration", "sequence", key, error)]
    table = collect([report.model_copy(update={"checkpoints": {"last": Result(tuple(rows))}})])
    found = Differences(table, STATISTICS).interval(FULL, "acceleration", "last")
    assert found.estimate == pytest.approx((6 + 2 * 3) / 3)


def test_people_are_resampled_apart(with_sequences):
    """Two people whose recordings do not differ: nothing varies."""
    sequences = [
        (f"s_{person:02d}_act_02_subact_{take:02d}_ca_01", 1, "Eating", 100, error)
        for person, error in ((9, 40.0), (11, 50.0))
        for take in (1, 2)
    ]
    found = Differences(collect([with_sequences("full", 0, sequences)]), STATISTICS)
    interval = found.interval(FULL, "mpjpe", "last")
    assert (interval.low, interval.high) == pytest.approx((45, 45))


def test_cameras_are_resampled_together(with_sequences):
    rng = np.random.default_rng(0)
    errors = rng.normal(40, 5, 8)
    names = [f"s_09_act_02_subact_{i:02d}" for i in range(8)]
    one = [(f"{n}_ca_01", 54138969, "Eating", 100, e) for n, e in zip(names, errors, strict=True)]
    four = [
        (f"{n}_ca_{c:02d}", 54138969 + c, "Eating", 100, e)
        for n, e in zip(names, errors, strict=True)
        for c in range(1, 5)
    ]
    intervals = [
        Differences(collect([with_sequences("full", 0, sequences)]), STATISTICS).interval(
            FULL, "mpjpe", "last"
        )
        for sequences in (one, four)
    ]
    assert (intervals[0].low, intervals[0].high) == pytest.approx((intervals[1].low, intervals[1].high))


def test_rows_in_another_order_give_the_same(make_report):
    table = collect(
        [
            make_report(name, "base", seed, 38.0 + seed, 38.0)
            for name in ("full", "baseline")
            for seed in range(3)
        ]
    )
    shuffled = pd.DataFrame(table.sample(frac=1, random_state=0))
    first, second = (Differences(t, STATISTICS).interval(FULL, "mpjpe", "last") for t in (table, shuffled))
    assert (first.low, first.high) == pytest.approx((second.low, second.high))


def test_the_settings_of_intervals_change_them(with_sequences):
    sequences = [(f"{number}_ca_01", 1, "Eating", 100, 10.0 + number**2) for number in range(8)]
    table = collect([with_sequences("full", 0, sequences)])

    def ends(**changed):
        found = Differences(table, Statistics(resamples=100).model_copy(update=changed))
        interval = found.interval(FULL, "mpjpe", "last")
        return interval.low, interval.high

    wide = ends()
    assert ends() == wide
    assert len({wide, ends(seed=1), ends(resamples=101)}) == 3
    narrow = ends(confidence=0.6)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
