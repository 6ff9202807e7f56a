"""What tests find: against simulated experiments and normal theory, and by the evaluations that are there."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from poselift.analysis.intervals import families_of
from poselift.analysis.plan import view_of
from poselift.config.experiment import Config
from poselift.config.sections import parse
from poselift.evaluation.report import write_reports
from poselift.evaluation.statistics import Bootstrap, Errors, SeedVariance
from poselift.planning.power import _by_assumption, assumed, power


def simulated(n: int, models: int, seeds: int, comparisons: int) -> float:
    """What the analysis of a typical one of `n` experiments calls detectable: the median, as of some the
    variances over seeds seem to differ and are not pooled. Sds in mm: 0.3 of a training, 1.5 of
    a model on a recording, 0.5 of a training on a recording; 60 recordings but for three."""
    there = ~np.isin(np.arange(60), (12, 25, 50))
    actions, people = np.repeat(np.arange(15), 4)[there], np.tile([9, 9, 11, 11], 15)[there]
    bootstrap = Bootstrap(actions, np.arange(57), resamples=1000, subjects=people)
    rng, found = np.random.default_rng(0), []
    for _ in range(n):
        values = rng.normal(0, 0.5, (models, seeds, 57)) + rng.normal(0, 1.5, (models, 1, 57))
        values += rng.normal(0, 0.3, (models, seeds, 1))
        drawn = bootstrap.resampled(Errors(values.reshape(-1, 57), np.ones(57)))
        by_model = np.split(drawn, models, axis=1)
        variance = SeedVariance.pooled([each[0] for each in by_model])
        found.append(bootstrap.interval(*by_model[:2], variance=variance, comparisons=comparisons).detectable)
    return float(np.median(found))


@pytest.mark.parametrize(("models", "seeds", "comparisons"), [(12, 3, 12), (3, 5, 1)])
def test_before_anything_ran_it_is_what_such_experiments_would_say(models, seeds, comparisons):
    expected = simulated(60, models, seeds, comparisons)
    assert assumed(seeds, models, comparisons, 0.95) == pytest.approx(expected, rel=0.06)


def test_with_three_seeds_it_is_about_as_much_as_normal_theory_says():
    """Student's t is wider than the normal distribution, here by some percent."""
    error = np.sqrt(2 * (0.3**2 / 3 + 1.5**2 / 57 + 0.5**2 / (3 * 57)))
    normal = error * (stats.norm.ppf(1 - 0.025 / 12) + stats.norm.ppf(0.8))
    assert normal < assumed(3, 12, 12, 0.95) < 1.1 * normal


def config(**changes: object) -> Config:
    content = {
        "dataset": "trial",
        "data": {"title": "Trial", "raw": "raw.pkl"},
        "experiment": {"architectures": ["baseline", "full"], "sizes": ["small", "base"], "seeds": [0, 1, 2]},
        "statistics": {"resamples": 200},
        "paper": {"title": "T", "authors": ["A"], "per_action_size": "base"},
    }
    return parse(Config, content | changes, "config.yaml")


def test_the_variance_is_pooled_over_models_that_have_all_seeds_of_a_comparison():
    entries = [
        {"name": name, "architecture": "full", "size": "base", "seeds": seeds}
        for name, seeds in (("one", [0, 1]), ("other", [1, 2]))
    ]
    settings = config(ablation=entries)
    pairs = families_of(view_of(settings))["ablation"]
    # each entry shares two seeds with its base, of which the other entry lacks one
    assert _by_assumption(settings, pairs) == pytest.approx([assumed(2, 2, 2, 0.95)] * 2)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_assumed_variances_are_said_to_be(tmp_path, confidence):
    said = power(config(statistics={"confidence": confidence}), tmp_path)
    number = f"{assumed(3, 4, 2, confidence):.2g}"
    assert f"80 % power: {number} mm in the grid (2 comparisons); by assumed standard" in said
    assert "0.3 mm of a training" in said
    assert "57 recordings" in said


def test_more_seeds_of_a_size_find_less(tmp_path):
    grid = {"architectures": ["baseline", "full"], "sizes": ["small", "base"], "seeds": [0, 1]}
    said = power(config(experiment=grid | {"more_seeds": {"base": [2, 3, 4]}}), tmp_path)
    ends = [f"{assumed(*of, 2, 0.95):.2g}" for of in ((5, 2), (2, 4))]
    assert f": {ends[0]} to {ends[1]} mm in the grid" in said


def test_one_seed_finds_nothing(tmp_path):
    one = {"architectures": ["baseline", "full"], "sizes": ["base"], "seeds": [0]}
    assert "nothing yet in the grid (0 of 1 comparison)" in power(config(experiment=one), tmp_path)


def evaluate(folder: Path, make_report, size: str, sd: float) -> None:
    rng = np.random.default_rng(0)
    for architecture in ("baseline", "full"):
        for seed in (0, 1, 2):
            report = make_report(architecture, size, seed, 50 + sd * rng.normal(), 40.0)
            write_reports(folder / "trial/evaluation" / f"{report.run}.json", [report])


def test_what_has_been_evaluated_replaces_what_is_assumed(tmp_path, make_report):
    found = {}
    for sd in (0.5, 5.0):
        evaluate(tmp_path / str(sd), make_report, "base", sd)
        said = power(config(), tmp_path / str(sd))
        assert "by the spread of what has been evaluated" in said
        assert "(1 of 2 comparisons)" in said
        assert "assumed" not in said
        found[sd] = float(said.partition("power: ")[2].partition(" mm")[0])
    assert found[5.0] > 5 * found[0.5]  # ten times the spread over seeds
    said = power(config(statistics={"resamples": 200, "confidence": 0.6}), tmp_path / "0.5")
    assert float(said.partition("power: ")[2].partition(" mm")[0]) < 0.8 * found[0.5]


def test_of_another_metric_nothing_is_assumed_and_undeclared_families_are_left_out(tmp_path):
    assert "P-MPJPE" in (said := power(config(statistics={"primary": "p_mpjpe"}), tmp_path))
    assert "not known before models are evaluated" in said
    assert "no comparison" in power(config(statistics={"families": ["ablation"]}), tmp_path)
