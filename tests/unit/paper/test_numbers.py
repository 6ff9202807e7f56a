"""The macros of numbers."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from poselift.analysis.results import COLUMNS, collect
from poselift.analysis.stored import write_content
from poselift.analysis.view import DataNotice, Further, Grid, View
from poselift.config.experiment import Statistics
from poselift.config.run import TrainingSettings
from poselift.evaluation.report import Report, Result, Row, load_reports
from poselift.evaluation.statistics import Interval
from poselift.latex import escape
from poselift.paper import numbers
from poselift.paper.number_text import counted, listing, of_all, setting, with_interval
from poselift.paper.result_numbers import extreme
from shown import told, view


def values(tex: str) -> dict[str, str]:
    """The numbers that the file defines."""
    return dict(re.findall(r"^\\defnum\{([^}]*)\}\{(.*)\}$", tex, re.MULTILINE))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1559752, "1,559,752"),
        (0.99, "0.99"),
        (20.0, "20"),
        (0.001, "0.001"),
        (1.5e6, r"1.5\,\ensuremath{\times}\,10\textsuperscript{6}"),
        (2.5e-4, r"2.5\,\ensuremath{\times}\,10\textsuperscript{\ensuremath{-}}\textsuperscript{4}"),
        (0.0, "0"),
        ("a_b", r"a\_b"),
    ],
)
def test_settings_as_text(value, expected):
    assert escape(setting(value)) == expected


def test_what_runs_share_is_one_value_else_a_range():
    assert of_all([60, 60, 60]) == "60"
    assert of_all([100, 80, 60, 60]) == "60 to 100"
    assert of_all([]) == "–"
    assert counted("1", "seed") == "1 seed"
    assert counted("3", "seed") == "3 seeds"
    assert counted("3", "entry") == "3 entries"


def test_listing():
    assert listing(["S1"]) == "S1"
    assert escape(listing(["a", "b", "c_d"])) == r"a, b and c\_d"
    assert listing([]) == "–"


def test_a_number_with_its_interval():
    assert with_interval("x", Interval(1, -2, 3.5, 3), 1) == {"x": "1.0", "x.interval": "[−2.0, 3.5]"}
    signed = with_interval("x", Interval(1, -2, 3.5, 3), 1, sign=True)
    assert signed == {"x": "+1.0", "x.interval": "[−2.0, +3.5]"}
    nothing = {"x": "–", "x.interval": "–"}
    assert with_interval("x", None, 1) == with_interval("x", None, 1, sign=True) == nothing


ENTRY = {"name": "chain", "title": "in a chain", "architecture": "baseline", "size": "base", "seeds": [0, 1]}
SHORT = {"name": "cut", "title": "cut short", "architecture": "mamba_gcn", "size": "base", "seeds": [0, 1]}

BETTER = {"name": "lean", "title": "leaner", "architecture": "baseline", "size": "base", "seeds": [0, 1]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("numbers")


@pytest.fixture(scope="module")
def written(folder, make_inputs, make_report):
    """Numbers of two sizes and two seeds, of which full-base-s1 is missing; of three entries of an ablation,
    one of clips of 9 frames and one of 29; of a model on ground-truth 2D; of a further data set without the
    baseline."""
    inputs = make_inputs(folder, sizes=("xsmall", "base"), seeds=(0, 1))
    evaluations = [path for path in inputs.evaluations if path.stem != "full-base-s1"]
    table = folder / "results.csv"
    shown = view(
        Grid(
            inputs.architectures, inputs.sizes[::-1], inputs.seeds
        ),  # the size shown in detail is not the last
        DataNotice("50% made up", synthetic=True),
        ground_truth_2d=Grid(("full",), ("base",), (0,), "gt2d"),
        ablation=[ENTRY, SHORT, BETTER],
        further={
            name: Further(
                notice=DataNotice("Circles", synthetic=False),
                grid=Grid(("mamba_gcn", "full"), ("base",), (0, 1)),
                recipes=(TrainingSettings(epochs=5), TrainingSettings(epochs=8)),
            )
            for name in ("third", "not_yet")
        },
    )
    reports = [one for path in evaluations for one in load_reports(path)]
    references = load_reports(folder / "evaluation" / "references.json")
    reports.append(make_report("full", "base", 0, last=18.0, best=17.0, variant="gt2d"))
    chain = [make_report("baseline", "base", seed, 44.1 + 0.3 * seed, 44.1, "chain") for seed in (0, 1)]
    reports += [longer(one) for one in chain]
    reports += [make_report("baseline", "base", seed, 34.1 + 0.3 * seed, 34.1, "lean") for seed in (0, 1)]
    cut = [make_report("mamba_gcn", "base", seed, 39.62 + 0.27 * seed, 39.0, "cut") for seed in (0, 1)]
    reports += [one.model_copy(update={"n_frames": 9}) for one in cut]
    circles = [
        make_report(name, "base", seed, error + seed, error).model_copy(update={"dataset": "third"})
        for name, error in (("mamba_gcn", 20.0), ("full", 18.0))
        for seed in (0, 1)
    ]
    collect([*references, *reports, *circles]).to_csv(table, index=False)
    write_content(folder / "claims.json", [])
    return write(folder, shown, inputs.runs)


def longer(report: Report) -> Report:
    """The report with two places more in the clip."""
    more = tuple(Row("mpjpe", "place", str(place), 1.0) for place in (27, 28))
    checkpoints = {name: Result((*one.rows, *more)) for name, one in report.checkpoints.items()}
    return report.model_copy(update={"n_frames": 29, "checkpoints": checkpoints})


def write(folder: Path, shown: View, runs: list[Path]) -> str:
    """The numbers of what lies in the folder."""
    out = folder / "numbers.tex"
    numbers.main(
        ["--results", str(folder / "results.csv"), "--costs", str(folder / "cost.csv"),
         "--store", str(folder / "store"), "--judgements", str(folder / "claims.json"),
         "--runs", *map(str, runs), "--title", "Poses & more", "--authors", "A", "B",
         *told(numbers, shown), "--out", str(out)]
    )  # fmt: skip
    return out.read_text()


def middle(interval: str) -> float:
    low, high = map(float, re.findall(r"[\d.]+", interval))
    return (low + high) / 2


def test_models(written):
    number = values(written)
    # conftest: 45 - 5 per size - 0.4 per architecture + 0.3 per seed; best: 0.5 less
    assert number["baseline.base.mpjpe"] == r"40.1\,\ensuremath{\pm}\,0.2"
    assert number["baseline.base.mpjpe.mean"] == "40.1"
    assert number["baseline.base.mpjpe.seeds"] == "2"
    assert number["baseline.base.best.mpjpe.mean"] == "39.6"
    assert middle(number["baseline.base.mpjpe.interval"]) == pytest.approx(40.1, abs=0.3)
    assert middle(number["baseline.base.best.mpjpe.interval"]) == pytest.approx(39.6, abs=0.3)
    assert number["mamba_gcn.xsmall.mpjpe.change"] == r"\ensuremath{-}0.4"
    assert number["full.base.mpjpe"] == "39.2"  # one seed left: no spread
    assert number["full.base.mpjpe.std"] == r"\missing"
    assert number["detail.full.mpjpe"] == number["full.base.mpjpe"]
    costs = [number[f"full.base.{what}"] for what in ("parameters", "macs_linear", "macs_all")]
    assert costs == [r"8.96\,M", r"4.03\,G", r"4.32\,G"]


def test_changes_have_intervals_and_verdicts(written):
    number = values(written)
    # -0.4 with either seed; the two recordings of each action have 10 % more and less, 15 actions
    interval = number["mamba_gcn.xsmall.mpjpe.change.interval"]
    assert interval == r"[\ensuremath{-}0.4, \ensuremath{-}0.4]"
    assert number["mamba_gcn.xsmall.mpjpe.change.verdict"] == "significant"
    assert number["full.base.mpjpe.change.verdict"] == "not tested"  # one seed left
    assert number["mamba_gcn.xsmall.p_mpjpe.change.verdict"] == "exploratory"
    assert number["mamba_gcn.xsmall.best.mpjpe.change.verdict"] == "exploratory"
    assert number["baseline.base.mpjpe.change.verdict"] == "not tested"  # it is the base
    assert re.fullmatch(r"\[3\d\.\d, 4\d\.\d\]", number["baseline.base.mpjpe.interval"])
    assert number["baseline.base.mpjpe.change.interval"] == r"\missing"
    assert number["baseline.base.mpjpe.change.detectable"] == r"\missing"
    assert number["statistics.resamples"] == "500"
    assert number["statistics.confidence"] == "95"
    assert number["statistics.error"] == "5"
    assert number["statistics.power"] == "80"
    assert number["statistics.primary"] == "MPJPE"
    assert number["statistics.families.described"] == (
        "the 6 comparisons between architectures of one size, the 3 comparisons of the ablation with the "
        "unchanged model, the 1 comparison on Circles and the 1 comparison on Circles"
    )


def test_parts_of_the_body_and_places(written):
    number = values(written)
    # conftest: 1.2 and 0.9 of the error; 1.2 and 1.3 at the ends of the clip, 1 in its middle
    assert number["full.base.upper_body"] == "47.0"
    assert number["full.xsmall.upper_body"].startswith("53.")  # of 44.2 and 44.5
    assert number["detail.full.lower_body"] == "35.3"
    assert number["full.base.place.first"] == "47.0"
    assert number["full.base.place.last"] == "51.0"
    assert number["full.base.place.middle"] == "39.2"
    # the baseline's own, not of the entry with longer clips: 1.3 of 40.0 and 40.3
    assert number["baseline.base.place.last"] == r"52.2\,\ensuremath{\pm}\,0.3"


def test_ablation(written):
    number = values(written)
    assert number["ablation.chain.mpjpe.mean"] == "44.2"
    assert number["ablation.chain.mpjpe.change"] == r"\ensuremath{+}4.1"
    assert number["ablation.counted"] == "3 entries"
    assert number["ablation.cut.mpjpe.change.verdict"] == "equivalent"  # 0.02 more, 0.01 less
    assert number["ablation.steps.described"] == (
        "Shorter clips are more in number, those of 9 frames about 3 times as many as of 27: so are the "
        "steps of an epoch."
    )
    assert (number["ablation.tested"], number["ablation.significant"]) == ("3", "2")
    assert number["ablation.lean.mpjpe.change"] == r"\ensuremath{-}5.9"
    assert number["ablation.largest"] == "in a chain"  # of what makes it worse
    assert number["ablation.largest.change"] == r"\ensuremath{+}4.1"
    assert number["ablation.largest.change.verdict"] == "significant"
    assert r"\ablatedtrue" in written


def test_ground_truth_2d(written):
    number = values(written)
    assert number["gt2d.full.base.mpjpe"] == "18.0"
    assert number["gt2d.full.base.mpjpe.change"] == r"\missing"
    assert number["gt2d.lowest.mpjpe"] == "18.0"
    assert number["gt2d.lowest.mpjpe.model"] == "Full, base"
    assert number["copy_gt2d.mpjpe"] == "120.5"


def test_a_further_data_set(written):
    number = values(written)
    assert (number["third.title"], number["third.n_frames"], number["third.frames"]) == (
        "Circles",
        "27",
        "1,500",
    )
    assert (number["third.epochs.counted"], number["setup.epochs.counted"]) == ("5 to 8 epochs", "12 epochs")
    assert number["third.full.base.mpjpe.mean"] == "18.5"
    assert number["third.full.base.mpjpe.std"] == "0.7"
    assert number["third.full.base.mpjpe.seeds"] == "2"
    assert number["third.full.base.mpjpe.change"].startswith(r"\ensuremath{-}2.0")
    assert number["third.full.base.mpjpe.change.verdict"] in ("significant", "inconclusive")
    assert number["third.full.base.mpjpe.change.interval"].startswith("[")
    assert number["third.full.base.best.mpjpe.mean"] == "18.0"
    assert number["third.lowest.mpjpe.model"] == "Full, base"
    assert number["data.evaluated_frames"] == "1,500"
    assert not [key for key in number if key.startswith("not_yet")]  # no run of it is there


def test_of_what_is_better_higher_the_highest_is_named():
    results = pd.concat([results_of("full", 90.0), results_of("baseline", 80.0)])
    numbers = extreme(results, Grid(("baseline", "full"), ("base",), (0,)), view())
    assert numbers == {"highest.pck": "90.0", "highest.pck.model": "Full, base"}


def results_of(architecture: str, pck: float) -> pd.DataFrame:
    values = ("third", "", architecture, "base", "", "detected", 27, 0, "last", "pck", "all", "", pck)
    return pd.DataFrame([values], columns=COLUMNS)


def test_lowest_and_references(written):
    number = values(written)
    assert number["lowest.mpjpe.model"] == "Full, base"
    assert number["lowest.mpjpe"] == "39.2"
    assert number["lowest.mpjve"] == number["full.base.mpjve.mean"] == "1.57"  # 0.04 of it
    assert number["mean_pose.mpjpe"] == "221.4"
    assert number["mean_pose.mpjve"] == "8.86"  # 0.04 of it, with a decimal more


def test_data_and_setup(written):
    number = values(written)
    assert number["data.title"] == r"50\% made up"
    assert number["data.train_frames"] == "30,000"  # 5 subjects, 4 cameras, 1500 frames
    assert number["data.test_subject_names"] == "S9 and S11"
    assert number["data.train_clips"] == "1,234"
    assert number["data.test_clips"] == "56"
    assert (number["data.test_sequences"], number["data.cameras"]) == ("6", "3")
    assert number["data.evaluated_frames"] == "1,500"
    assert (number["data.actions"], number["data.evaluated_sequences"]) == ("15", "30")
    counts = [number[f"setup.{what}"] for what in ("runs", "architectures", "sizes", "seeds", "n_frames")]
    assert counts == ["12", "3", "2", "2", "27"]
    assert number["setup.epochs.counted"] == "12 epochs"
    assert number["setup.seeds.counted"] == "2 seeds"
    assert number["setup.lr"] == escape("5\N{NARROW NO-BREAK SPACE}×\N{NARROW NO-BREAK SPACE}10⁻⁴")
    assert number["model.mamba_gcn.mamba_gcn_layers"] == "4"
    assert number["model.gcn_dropout"] == "0.1"  # of both that have it
    assert number["paper.title"] == r"Poses \& more"
    assert number["paper.authors.listed"] == "A, B"
    assert number["paper.authors"] == r"A \nextauthor B"


def test_what_was_found_is_said_in_sentences(written):
    number = values(written)
    # the model of lowest error at this size against the baseline, as the head of the page says it
    assert number["found.improvement"].startswith("After the last epoch the MPJPE of Full, base is 0.8")
    assert "lower than that of Baseline" in number["found.improvement"]
    assert number["found.open"].startswith(
        "The paper claims nothing that is tested; 1 of the runs are missing"
    )
    assert "“leaner” has the largest effect" in number["found.ablation"]  # better or worse


def test_missing_runs_and_synthetic_data_are_marked(written):
    assert r"\drafttrue" in written
    assert r"\synthetictrue" in written
    assert r"\humanthreesixmtrue" in written  # the data set, whether or not its motion is synthetic


def test_what_is_said_of_the_data_is_not_that_of_a_further_data_set(folder, written, make_report, tmp_path):
    there = Path(shutil.copytree(folder, tmp_path / "there"))
    reports = [
        make_report("full", "base", 0, 20.0, 19.0).model_copy(update={"dataset": dataset})
        for dataset in ("third", "human36m")
    ]
    collect(reports).to_csv(there / "results.csv", index=False)
    grid = Grid(("full",), ("base",), (0,))
    shown = view(grid, further={"human36m": Further(notice=DataNotice("Made up", synthetic=True), grid=grid)})
    tex = write(there, shown, [there / "runs/full-base-s0"])
    assert r"\syntheticfalse" in tex
    assert r"\humanthreesixmfalse" in tex


def test_a_missing_run_of_the_ablation_makes_a_draft_too(folder, written):
    own, unlike = "each has the seeds of the model", "where the seeds of an entry differ from those of the"
    for seeds, more, state, said in (
        ([0, 1], {}, "false", own), ([0, 1, 2], {}, "true", unlike),
        ([0, 1, 2], {"base": (2,)}, "true", own), ([0, 1], {"base": (2,)}, "true", unlike),
    ):  # fmt: skip
        shown = view(
            Grid(("mamba_gcn", "baseline"), ("base",), (0, 1), more_seeds=more),
            statistics=Statistics(resamples=100),
            ablation=[ENTRY | {"seeds": seeds}],
        )
        tex = write(folder, shown, [folder / "runs" / f"baseline-base-s{seed}" for seed in (0, 1)])
        assert rf"\draft{state}" in tex
        assert r"\ablatedtrue" in tex
        assert values(tex)["ablation.seeds.described"].startswith(said)
        # changes are from the baseline, though another model stands first
        assert values(tex)["mamba_gcn.base.mpjpe.change"] == r"\ensuremath{-}0.4"


@pytest.mark.parametrize(
    ("settings", "tested"), [({}, "1"), ({"families": ["grid"]}, "0"), ({"primary": "p_mpjpe"}, "0")]
)
def test_a_change_of_the_ablation_that_is_not_tested_does_not_count(folder, written, settings, tested):
    shown = view(
        Grid(("baseline",), ("base",), (0, 1)),
        statistics=Statistics(resamples=100, **settings),
        ablation=[ENTRY],
    )
    number = values(write(folder, shown, [folder / "runs" / "baseline-base-s0"]))
    # 4.1 mm more with either seed: significant if it is tested
    assert number["ablation.tested"] == number["ablation.significant"] == tested


def test_recordings_that_are_left_out_are_counted_once_for_all_cameras(folder, written, tmp_path):
    assert r"\excludedfalse" in written
    there = Path(shutil.copytree(folder, tmp_path / "there"))
    path = there / "store/frames/test/sequences.json"
    sequences = json.loads(path.read_text())  # of three cameras and two people
    for i, sequence in enumerate(sequences):
        sequence |= {"name": f"s_0{9 + i // 3}_act_05_subact_02_ca_0{1 + i % 3}", "excluded": i < 3}
    path.write_text(json.dumps(sequences))
    tex = write(there, view(Grid(("full",), ("base",), (0,))), [there / "runs/full-base-s0"])
    assert r"\excludedtrue" in tex
    assert values(tex)["data.excluded"] == "1"


def test_data_without_actions_have_no_mean_over_them(folder, written, tmp_path):
    assert r"\actionstrue" in written
    there = Path(shutil.copytree(folder, tmp_path / "there"))
    results = pd.read_csv(there / "results.csv", keep_default_na=False)
    results[results["group"] != "action"].to_csv(there / "results.csv", index=False)
    tex = write(there, view(Grid(("full",), ("base",), (0,))), [there / "runs/full-base-s0"])
    assert r"\actionsfalse" in tex
