"""Claims are read strictly, judged by their whole interval, and never by synthetic or missing runs."""

import json
import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from poselift.analysis import claims as module
from poselift.analysis import verdicts
from poselift.analysis.claim_tests import parse, read_claims
from poselift.analysis.claims import judge
from poselift.analysis.results import COLUMNS, NUMBERS
from poselift.analysis.view import DataNotice, Further, Grid
from poselift.config.experiment import Statistics
from poselift.errors import PoseliftError
from poselift.evaluation.metrics import METRICS
from shown import told, view

GRID = Grid(("baseline", "full"), ("base",), (0, 1, 2))
REAL, SYNTHETIC = DataNotice("measured motion", False), DataNotice("made-up motion", True)
STATISTICS = Statistics(resamples=500)


BEST = {"baseline": 9.0, "full": 2.0}
"""By how much the best epoch of each architecture is below its last one."""


def results(
    errors: dict[str, float],
    seeds=(0, 1, 2),
    by_seed: float | dict[str, float] = 0.1,
    metric: str = "mpjpe",
) -> pd.DataFrame:
    """Runs whose MPJPE is that of the model, plus `by_seed` (or that of the model) for each seed, on six
    recordings of two actions that differ by 1 mm from one another, the same for all models; of size base
    where a model names none."""
    rows = []
    for model, seed, checkpoint in product(errors, seeds, ("last", "best")):
        architecture, _, size = model.partition("-")
        step = by_seed[model] if isinstance(by_seed, dict) else by_seed
        error = errors[model] + step * seed - BEST[architecture] * (checkpoint == "best")
        size = size or "base"
        name = f"{architecture}-{size}-s{seed}"
        run = ("human36m", name, architecture, size, "", "detected", 27, seed, checkpoint)
        rows.append((*run, metric, "all", "", error))
        for i in range(6):
            name = f"{('Walking', 'Sitting')[i % 2]}/s_09_act_{i:02d}_subact_01_ca_01.54138969"
            rows.append((*run, metric, "sequence", name, error + (i // 2 - 1)))
            rows.append((*run, "frames", "sequence", name, 100))
    table = pd.DataFrame(rows, columns=COLUMNS)
    text = dict.fromkeys([name for name in COLUMNS if name not in NUMBERS], "category")
    return table.astype({**text, **NUMBERS})


def verdict(test: str, errors: dict[str, float], notice: DataNotice = REAL, grid: Grid = GRID, **options):
    return judge(
        parse("a claim", test, grid, "base", {"mpi_inf_3dhp": GRID}),
        results(errors, **options),
        grid,
        notice,
        STATISTICS,
    )


def test_an_error_well_below_is_supported():
    judged = verdict("mpjpe(full, base) < 40 mm", {"full": 35.0})
    assert judged.verdict == "supported"
    assert judged.estimate == pytest.approx(35.1)  # the mean over the seeds
    assert judged.low < 35.1 < judged.high < 40
    assert judged.seeds == 3


def test_an_interval_across_the_bound_does_not_support():
    judged = verdict("mpjpe(full, base) < 40 mm", {"full": 39.8})
    assert judged.verdict == "inconclusive"
    assert re.fullmatch(r"p = 0\.\d+", judged.reason)
    assert judged.estimate < 40 < judged.high


def test_an_error_well_above_refutes():
    judged = verdict("mpjpe(full, base) < 40 mm", {"full": 45.0})
    assert judged.verdict == "refuted"


def test_the_relation_decides():
    assert verdict("mpjpe(full, base) > 40 mm", {"full": 45.0}).verdict == "supported"


@pytest.mark.parametrize(
    ("relation", "below", "equal", "above"),
    [
        ("<", True, False, False),
        ("<=", True, True, False),
        (">", False, False, True),
        (">=", False, True, True),
    ],
)
def test_relations_are_those_of_their_signs(relation, below, equal, above):
    holds = module.RELATIONS[relation]
    assert (holds(39, 40), holds(40, 40), holds(41, 40)) == (below, equal, above)


def test_the_whole_interval_has_to_be_on_the_side_of_the_bound():
    for test in ("mpjpe(full, base) > 40 mm", "mpjpe(full, base) < 40 mm"):
        judged = verdict(test, {"full": 39.9})  # 40.0 with its seeds, and half a millimetre to both sides
        assert judged.low < 40 < judged.high
        assert judged.verdict == "inconclusive"


def test_a_claim_about_the_best_epoch_is_judged_by_it():
    errors = {"baseline": 50.0, "full": 44.0}  # 41.1 and 42.1 in the best epoch, with their seeds
    assert verdict("mpjpe(full, base, best) < 43 mm", errors).estimate == pytest.approx(42.1)
    lowest = verdict("mpjpe(lowest, best) < 43 mm", errors)
    assert lowest.estimate == pytest.approx(41.1)  # the baseline's, which is not the lowest after the last
    change = verdict("improvement(full over baseline, base, best) > -2 mm", errors)
    assert change.estimate == pytest.approx(-1)
    percent = verdict("improvement(full over baseline, base, best) > 0 %", errors)
    assert percent.estimate == pytest.approx(-100 / 41.1)


def test_a_claim_is_about_the_size_that_it_names():
    grid = Grid(("baseline", "full"), ("base", "xsmall"), (0, 1, 2))
    errors = {"baseline": 50.0, "full": 40.0, "baseline-xsmall": 60.0, "full-xsmall": 38.0}
    for sizes in (grid.sizes, grid.sizes[::-1]):
        judged = verdict("mpjpe(lowest) < 40 mm", errors, grid=replace(grid, sizes=sizes))
        assert judged.estimate == pytest.approx(38.1)
    judged = verdict("improvement(full over baseline, xsmall) > 10 %", errors, grid=grid)
    assert judged.estimate == pytest.approx(100 * (1 - 38.1 / 60.1))
    detailed = parse("x", "mpjpe(full, detail) < 40 mm", grid, "xsmall")
    assert detailed.model.size == "xsmall"


def test_an_improvement_in_percent():
    judged = verdict("improvement(full over baseline, base) > 10 %", {"baseline": 50.0, "full": 40.0})
    assert judged.verdict == "supported"
    assert judged.estimate == pytest.approx(100 * (1 - 40.1 / 50.1))
    assert 10 < judged.low < judged.estimate < judged.high


def test_an_improvement_is_paired_so_that_what_both_share_cancels():
    judged = verdict("improvement(full over baseline, base) > 1.9 mm", {"baseline": 42.0, "full": 40.0})
    assert judged.estimate == pytest.approx(2.0)
    assert judged.high - judged.low < 1e-6  # recordings and seeds shift both models alike
    assert judged.verdict == "supported"


@pytest.mark.parametrize(
    ("relation", "verdict_on_it"),
    [("> -1", "supported"), ("> 1", "inconclusive"), ("< 1", "inconclusive"), ("< -1", "refuted")],
)
def test_an_improvement_in_mm_is_judged_by_its_bound(relation, verdict_on_it):
    by_seed = {"baseline": 0.1, "full": 0.6}  # improvements of 2.0, 1.5 and 1.0 mm: 1.5 ± 4.3 · 0.29 mm
    test = f"improvement(full over baseline, base) {relation} mm"
    judged = verdict(test, {"baseline": 42.0, "full": 40.0}, by_seed=by_seed)
    assert judged.estimate == pytest.approx(1.5)
    assert 0 < judged.low < 1 < judged.high < 3
    assert judged.verdict == verdict_on_it


def test_an_improvement_too_small_does_not_support():
    judged = verdict("improvement(full over baseline, detail) > 10 %", {"baseline": 50.0, "full": 48.0})
    assert judged.verdict == "refuted"
    assert judged.estimate == pytest.approx(100 * (1 - 48.1 / 50.1))


def test_the_interval_of_an_improvement_holds_the_estimate_for_each_bound():
    rng = np.random.default_rng(0)
    for bound in rng.uniform(-20, 40, size=5).round(1):
        test = f"improvement(full over baseline, base) > {bound} %"
        judged = verdict(test, {"baseline": 50.0, "full": 44.0})
        assert judged.estimate == pytest.approx(100 * (1 - 44.1 / 50.1))
        assert judged.low <= judged.estimate <= judged.high


def test_the_lowest_model_is_found():
    judged = verdict("mpjpe(lowest) < 40 mm", {"baseline": 50.0, "full": 35.0})
    assert (judged.verdict, judged.estimate) == ("supported", pytest.approx(35.1))
    assert verdict("mpjpe(lowest) < 40 mm", {"baseline": 50.0, "full": 39.8}).verdict == "inconclusive"


def test_of_a_percentage_higher_is_better():
    scores = {"baseline": 90.0, "full": 98.0}
    judged = verdict("pck(full, base, mpi_inf_3dhp) > 98 %", scores, metric="pck", by_seed=0.01)
    assert (judged.verdict, judged.unit) == ("inconclusive", "%")
    assert judged.estimate == pytest.approx(98.01)
    assert verdict("pck(highest) > 90 %", scores, metric="pck").estimate == pytest.approx(98.1)
    test = "improvement(full over baseline, base, pck) > 5 %"
    judged = verdict(test, scores, metric="pck")
    assert judged.verdict == "supported"
    assert judged.estimate == pytest.approx(100 * (98.1 / 90.1 - 1))
    assert 5 < judged.low <= judged.estimate <= judged.high


def test_a_claim_may_be_about_a_further_data_set():
    claim = parse("a claim", "mpjpe(full, base, mpi_inf_3dhp) < 20 mm", GRID, "base", {"mpi_inf_3dhp": GRID})
    assert (claim.dataset, claim.model.size, claim.metric) == ("mpi_inf_3dhp", "base", "mpjpe")
    assert parse("a claim", "mpjpe(full, base) < 20 mm", GRID, "base", {"mpi_inf_3dhp": GRID}).dataset == ""
    with pytest.raises(PoseliftError, match="names no size, or more than one"):
        parse("a claim", "mpjpe(full, base, mpi_inf_3dhp) < 20 mm", GRID, "base")


def test_several_claims_are_corrected_as_one_family():
    first = verdict("mpjpe(full, base) < 40 mm", {"full": 38.6})
    assert (first.verdict, first.reason) == ("supported", f"p = {first.p:.2g}")
    assert 0.025 < first.p < 0.05
    assert module.corrected([first], 0.975)[0].verdict == "inconclusive"
    untested = verdict("mpjpe(full, base) < 40 mm", {"full": 35.0}, SYNTHETIC)
    assert module.corrected([first, untested], 0.95) == [first, untested]
    both = module.corrected([first, untested, first], 0.95)
    assert [each.verdict for each in both] == ["inconclusive", "not tested", "inconclusive"]
    assert both[0].reason == f"p = {2 * first.p:.2g} after the correction for 2 claims"


def test_synthetic_data_prove_nothing_but_are_shown():
    judged = verdict("mpjpe(full, base) < 40 mm", {"full": 35.0}, SYNTHETIC)
    assert (judged.verdict, judged.reason) == ("not tested", "the data are synthetic")
    assert judged.estimate == pytest.approx(35.1)


def test_a_missing_seed_is_named():
    judged = verdict("mpjpe(full, base) < 40 mm", {"full": 35.0}, seeds=(0, 2))
    assert (judged.verdict, judged.reason) == ("not tested", "missing runs: full-base-s1")


def test_the_lowest_is_of_all_models_or_not_tested():
    judged = verdict("mpjpe(lowest) < 40 mm", {"full": 35.0})
    missing = ", ".join(f"baseline-base-s{seed}" for seed in (0, 1, 2))
    assert (judged.verdict, judged.reason) == ("not tested", f"missing runs: {missing}")


def test_no_run_at_all():
    test = "improvement(full over baseline, base) > 10 %"
    judged = verdict(test, {"full": 35.0})
    assert judged.verdict == "not tested"
    assert "baseline-base-s0" in judged.reason
    assert judged.estimate is None


def test_a_metric_that_the_data_do_not_have():
    judged = verdict("pck(full, base) > 90 %", {"full": 35.0})
    assert (judged.verdict, judged.reason) == ("not tested", "pck is not measured on these data")


def test_one_seed_is_too_few():
    judged = verdict(
        "mpjpe(full, base) < 40 mm", {"full": 35.0}, grid=Grid(("full",), ("base",), (0,)), seeds=(0,)
    )
    assert judged.verdict == "not tested"
    assert "too few seeds" in judged.reason


def test_a_published_size_that_this_experiment_leaves_out():
    judged = verdict("mpjpe(full, large) < 40 mm", {"full": 35.0})
    assert judged.verdict == "not tested"
    assert "full, large is not part of this experiment" in judged.reason


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("mpjpe(full, base) < 40", "cannot be read"),
        ("mpjpe(full, base) = 40 mm", "cannot be read"),
        ("__import__('os').remove('x')", "cannot be read"),
        ("mpjpe(full, base) < 40 mm and True", "cannot be read"),
        ("mpjp(full, base) < 40 mm", r"unknown metric 'mpjp' \(did you mean 'mpjpe'\?\)"),
        ("P-MPJPE(full, base) < 40 mm", r"unknown metric 'P-MPJPE' \(did you mean 'p_mpjpe'\?\)"),
        (
            "improvement(full over baseline, base, P-MPJPE) > 1 mm",
            r"names no size, or more than one; unknown word 'P-MPJPE' \(did you mean 'p_mpjpe'\?\)",
        ),
        ("mpjpe(ful, base) < 40 mm", r"no runs of 'ful' \(did you mean 'full'\?\)"),
        ("mpjpe(full, huge) < 40 mm", "no runs of size 'huge'"),
        ("mpjpe(full) < 40 mm", "names no size"),
        ("mpjpe(full, base) < 40 %", "mpjpe is in mm, not in %"),
        ("mpjve(full, base) < 40 mm", "mpjve is in mm/frame, not in mm"),
        ("improvement(full, base) > 10 %", "expected as in"),
        ("mpjpe(full over baseline, base) < 40 mm", "expected as in"),
        ("improvement(lowest) > 10 %", "names no size"),
        ("improvement(full over full, base) > 10 %", "compares a model with itself"),
        ("mpjpe(full, base) < 40 mm", "has the test of claim 1"),
        ("MPJPE(full, base) < 40 mm", r"unknown metric 'MPJPE' \(did you mean 'mpjpe'\?\)"),
        (
            "improvement(full over baseline, base, P-MPJPE) > 1 %",
            r"more than one; unknown word 'P-MPJPE' \(did you mean 'p_mpjpe'\?\)",
        ),
    ],
)
def test_a_test_that_makes_no_sense_is_refused(tmp_path, test, message):
    path = tmp_path / "claims.yaml"
    fine = {"claim": "Fine.", "test": "mpjpe(full, base) < 40 mm"}
    path.write_text(json.dumps([fine, {"claim": "x", "test": test}]))
    with pytest.raises(PoseliftError, match=rf"claims.yaml: claim 2: .*{message}"):
        read_claims(path, GRID, "base")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("claim: x", "expected a list of claims"),
        ("- claim: x", "claim 1: expected the keys claim and test"),
        ("- claim: [", "not valid YAML"),
        (
            "- claim: x\n  test: mpjpe(full, base) < 40 mm\n  claim: y",
            "line 3: the key 'claim' stands on line 1",
        ),
        ("- {claim: x, test: 3}", "claim 1: expected the keys claim and test, both text"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, text, message):
    (tmp_path / "claims.yaml").write_text(text)
    with pytest.raises(PoseliftError, match=message):
        read_claims(tmp_path / "claims.yaml", GRID, "base")


def test_further_words_choose_checkpoint_and_metric():
    claim = parse("x", "improvement(full over baseline, base, p_mpjpe, best) >= 0.5 mm", GRID, "base")
    assert (claim.metric, claim.checkpoint, claim.relation, claim.value) == ("p_mpjpe", "best", ">=", 0.5)


@pytest.fixture
def command(tmp_path):
    """The command line on a table of results in which the full model is good."""
    results({"baseline": 50.0, "full": 35.0}).to_csv(tmp_path / "results.csv", index=False)

    def judged(claims: list[dict[str, str]], *more: str):
        (tmp_path / "claims.yaml").write_text(json.dumps(claims))
        module.main(
            ["--results", str(tmp_path / "results.csv"), "--claims", str(tmp_path / "claims.yaml"),
             "--architectures", "baseline", "full", "--sizes", "base", "--seeds", "0", "1", "2",
             "--per-action-size", "base", "--dataset-title", "motion",
             "--out", str(tmp_path / "claims.json"), *more]
        )  # fmt: skip
        return tmp_path / "claims.json"

    return judged


GOOD = {"claim": "Good by 100%.", "test": "mpjpe(full, base) < 40 mm"}
BAD = {"claim": "Very good.", "test": "mpjpe(full, base) < 30 mm"}


# the means are 35.1 mm and 29.9 %
@pytest.mark.parametrize(
    "test", ["mpjpe(full, base) < 35.7 mm", "improvement(full over baseline, base) > 29.3 %"]
)
def test_interval_and_verdict_are_at_the_confidence_of_the_view(command, test):
    near = {"claim": "Nearly so.", "test": test}
    (usual,), (narrow,) = (
        module.read_judgements(command([near], *more)) for more in ((), ("--confidence", "0.6"))
    )
    assert (usual.verdict, narrow.verdict) == ("inconclusive", "supported")
    assert narrow.estimate == usual.estimate
    assert narrow.high - narrow.low < 0.6 * (usual.high - usual.low)


def test_the_check_passes_if_all_is_supported(command, capsys):
    verdicts.main([str(command([GOOD]))])
    assert "supported: Good by 100%. [mpjpe(full, base) < 40 mm]: 35.10 mm (" in capsys.readouterr().out


def test_the_check_fails_for_each_other_verdict(command, capsys):
    judged = command([GOOD, BAD])  # which is written all the same: the paper still builds
    with pytest.raises(PoseliftError, match="of 2 claims: 1 refuted, 1 supported"):
        verdicts.main([str(judged)])
    assert "refuted: Very good." in capsys.readouterr().out
    with pytest.raises(PoseliftError, match="1 not tested"):
        verdicts.main([str(command([GOOD], "--synthetic"))])


def test_claims_about_further_data_sets_are_judged_by_their_own_results(tmp_path):
    further = results({"baseline": 25.0, "full": 18.0}).astype({"dataset": str}).assign(dataset="third")
    both = pd.concat([results({"baseline": 50.0, "full": 35.0}).astype({"dataset": str}), further])
    tests = {
        "mpjpe(full, base) < 20 mm": ("refuted", 35.1),
        "mpjpe(full, base, third) < 20 mm": ("supported", 18.1),
        "improvement(full over baseline, base, third) > 10 %": ("supported", 100 * (1 - 18.1 / 25.1)),
        "mpjpe(lowest, third) < 20 mm": ("supported", 18.1),
        "mpjpe(full, base, made_up) < 20 mm": ("not tested", 18.1),
        "mpjpe(full, base, mpi_inf_3dhp) < 20 mm": ("not tested", None),
    }
    further["dataset"] = "made_up"
    pd.concat([both, further]).to_csv(tmp_path / "results.csv", index=False)
    (tmp_path / "claims.yaml").write_text(json.dumps([{"claim": "x", "test": test} for test in tests]))
    grid = Grid(("baseline", "full"), ("base",), (0, 1, 2))
    shown = view(
        grid,
        statistics=STATISTICS,
        further={
            "third": Further(notice=REAL, grid=grid), "made_up": Further(notice=SYNTHETIC, grid=grid),
        },
    )  # fmt: skip
    out = tmp_path / "claims.json"
    module.main(
        ["--results", str(tmp_path / "results.csv"), "--claims", str(tmp_path / "claims.yaml"),
         *told(module, shown), "--out", str(out)]
    )  # fmt: skip
    judged = {each.test: (each.verdict, each.estimate) for each in module.read_judgements(out)}
    assert judged == {test: (verdict, estimate and pytest.approx(estimate))
                      for test, (verdict, estimate) in tests.items()}  # fmt: skip
    reason = module.read_judgements(out)[-1].reason
    assert reason == "full, base, mpi_inf_3dhp is not part of this experiment"


def test_the_papers_own_claims_can_be_read():
    own = Path(__file__).parents[3] / "paper" / "claims.yaml"
    tests = [claim.test for claim in read_claims(own, GRID, "base")]
    assert "mpjpe(lowest) < 40 mm" in tests
    assert [test for test in tests if test.startswith("improvement") and test.endswith("> 10 %")]


def test_the_file_of_claims_says_itself_how_a_test_is_written():
    text = (Path(__file__).parents[3] / "paper" / "claims.yaml").read_text()
    tests = re.findall(r"^# +(\S.*\) *[<>].*?)(?:  .*)?$", text, re.MULTILINE)
    further = {"mpi_inf_3dhp": GRID}
    claims = [parse("x", test, GRID, "base", further) for test in tests]
    assert len({claim.metric for claim in claims}) > 2
    assert {claim.dataset for claim in claims} == {"", "mpi_inf_3dhp"}
    assert {claim.checkpoint for claim in claims} == {"last", "best"}
    assert any(claim.base for claim in claims)
    assert all(metric in text for metric in METRICS)
