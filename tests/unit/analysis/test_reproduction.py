"""Published numbers trained again: verdicts by hand, by the published recipe, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from poselift.analysis import reproduction, to_reproduce
from poselift.analysis.published import read_published
from poselift.analysis.results import collect
from poselift.analysis.view import DataNotice
from poselift.config.architectures import find
from poselift.config.experiment import Config, Reproduction, Statistics
from poselift.config.files import read_configuration
from poselift.config.recipes import recipe
from poselift.config.sections import parse
from poselift.errors import PoseliftError
from poselift.evaluation.report import Report, write_reports
from project import REPOSITORY

REAL = DataNotice("real motion", synthetic=False)
STATISTICS = Statistics(resamples=500)
ENTRY = {"name": "again", "architecture": "baseline", "size": "base", "n_frames": 27, "published": "Theirs"}
ROW = {"method": "Theirs", "detector": "SH", "frames": 27, "mpjpe": 40.0, "sure": "A", "source": "a table"}


def judged(
    make_report: Callable[..., Report],
    number: float,
    tolerance: float,
    seeds: int = 3,
    notice: DataNotice = REAL,
    statistics: Statistics = STATISTICS,
) -> Any:
    """Trainings whose best epochs have about 40 mm, and their last ones 50."""
    runs = [make_report("baseline", "base", s, 50 + 0.1 * s, 39.9 + 0.1 * s, "again") for s in range(seeds)]
    entry = Reproduction(**ENTRY, tolerance=tolerance)
    return reproduction.judge(entry, number, collect(runs), notice, statistics)


def test_a_number_is_reproduced_if_the_whole_interval_is_within_the_tolerance(make_report):
    """The made-up recordings of an action differ by a fifth: an interval of some millimetres."""
    same = judged(make_report, 40.0, tolerance=15)
    assert same.estimate == pytest.approx(40, abs=0.3)
    half = max(same.high - 40, 40 - same.low)
    assert 0.1 < half < 15
    assert same.verdict == "supported"
    assert judged(make_report, 40.0, tolerance=half + 0.01).verdict == "supported"
    assert judged(make_report, 40.0, tolerance=half - 0.01).verdict == "inconclusive"


def test_it_is_judged_at_the_configured_level(make_report):
    usual = judged(make_report, 40.0, tolerance=1)
    narrow = judged(make_report, 40.0, tolerance=1, statistics=Statistics(resamples=500, confidence=0.6))
    assert narrow.high - narrow.low < 0.6 * (usual.high - usual.low)
    assert narrow.reason.startswith("60 % interval of the difference")


@pytest.mark.parametrize("side", [1, -1])
def test_it_is_not_if_the_whole_interval_is_beyond(make_report, side):
    low, high = (getattr(judged(make_report, 40.0, 1), end) for end in ("low", "high"))
    end = high if side > 0 else low
    assert judged(make_report, end + side * 1.01, tolerance=1).verdict == "refuted"
    assert judged(make_report, end + side * 0.99, tolerance=1).verdict == "inconclusive"


def test_synthetic_motion_and_a_single_seed_test_nothing(make_report):
    alone = judged(make_report, 40.0, 15, seeds=1)
    assert (alone.verdict, alone.reason) == ("not tested", "too few seeds: one says nothing of the next")
    synthetic = judged(make_report, 40.0, 15, notice=DataNotice("synthetic motion", synthetic=True))
    assert (synthetic.verdict, synthetic.reason) == ("not tested", "the data are synthetic")


def config(**changes: Any) -> Config:
    content = {
        "dataset": "trial",
        "data": {"title": "Trial", "raw": "raw.pkl"},
        "recipe": "guide",
        "models": {"full": {"fusion_alpha": 0.4}},
        "training": {"lr": 1e-3},
        "overrides": [{"sizes": ["base"], "training": {"batch_size": 7}}],
        "experiment": {"architectures": ["full"], "sizes": ["base"], "seeds": [0]},
        "paper": {"title": "T", "authors": ["A"], "per_action_size": "base", "published": "p.yaml"},
        "reproduction": [ENTRY | {"architecture": "full", "seeds": [4, 5]}],
    }
    return parse(Config, content | changes, "config.yaml")


def test_it_is_trained_by_the_published_recipe_whatever_the_paper_says():
    settings = config()
    runs = settings.variant_runs(settings.reproduction)
    assert list(runs) == ["full-base-again-s4", "full-base-again-s5"]
    run = runs["full-base-again-s4"]
    assert run.training == recipe("published", find("full"), "base")
    assert (run.n_frames, run.depth, run.dim) == (27, 16, 128)
    assert run.model.model_dump() == find("full").settings().model_dump()
    assert settings.runs()["full-base-s0"].training.batch_size == 7
    assert set(runs) <= settings.runs_by_folder()["trial"].keys()
    assert not set(runs) & settings.all_runs().keys()  # it is no part of the paper


def test_without_published_results_there_is_nothing_to_reproduce():
    bare = config(paper={"title": "T", "authors": ["A"], "per_action_size": "base"})
    assert bare.in_experiment().reproduction == []
    assert config().in_experiment().reproduction == config().reproduction


def program(folder: Path, make_report: Callable[..., Report], row: dict[str, Any], *entries: Any) -> Any:
    (folder / "p.yaml").write_text(yaml.safe_dump({"detector": "SH", "rows": [ROW | row]}))
    runs = [make_report("baseline", "base", s, 50.0, 40 + 0.1 * s, "again") for s in range(2)]
    for one in runs:
        write_reports(folder / f"{one.run}.json", [one])
    told = to_reproduce.described([Reproduction(**entry) for entry in entries])
    reproduction.main(
        ["--evaluations", *(str(folder / f"{one.run}.json") for one in runs), "--entries", told,
         "--published", str(folder / "p.yaml"), "--dataset-title", "real", "--resamples", "200",
         "--out", str(folder / "out.json")]
    )  # fmt: skip
    return json.loads((folder / "out.json").read_text())


def test_the_program_says_what_was_to_come_out(tmp_path, make_report):
    (one,) = program(tmp_path, make_report, {}, ENTRY | {"tolerance": 20.0})
    assert one["test"] == "reproduces(baseline, base, Theirs) to 20 mm"
    assert "40 mm" in one["claim"]
    assert (one["verdict"], one["seeds"]) == ("supported", 2)


@pytest.mark.parametrize(
    ("row", "entry", "said"),
    [
        ({}, {"published": "Thiers"}, r"reproduction\.again: no published row 'Thiers'.*Theirs"),
        ({"sure": "C"}, {}, "'Theirs' is not comparable with ours"),
        ({"detector": "CPN"}, {}, "'Theirs' is not comparable with ours"),
        ({"detector": None}, {}, "'Theirs' is not comparable with ours"),
        ({"unsure": ["mpjpe"]}, {}, "'Theirs' has no MPJPE that is sure"),
        ({"frames": 81}, {}, "n_frames is 27, but 'Theirs' was published at 81"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path, make_report, row, entry, said):
    with pytest.raises(PoseliftError, match=said):
        program(tmp_path, make_report, row, ENTRY | entry)
    assert not (tmp_path / "out.json").exists()


def test_nothing_to_reproduce_is_said(tmp_path, make_report):
    with pytest.raises(PoseliftError, match="nothing to reproduce: "):
        program(tmp_path, make_report, {})


def test_the_projects_own_entries_are_those_of_the_published_table():
    """Each of its four trains the number of frames that its row was published at."""
    entries = read_configuration([REPOSITORY / "config.yaml"]).reproduction
    rows = read_published(REPOSITORY / "paper/published.yaml")
    numbers = {each.size: to_reproduce.published_number(each, rows) for each in entries}
    assert numbers == {"xsmall": 45.1, "small": 42.5, "base": 38.4, "large": 38.4}
    assert {each.size: each.n_frames for each in entries} == {
        "xsmall": 27, "small": 81, "base": 243, "large": 243,
    }  # fmt: skip
