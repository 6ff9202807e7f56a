"""The rule that turns evaluations into the tidy table, and what is read from it."""

import math

import pandas as pd
import pytest

from poselift.errors import PoseliftError
from poselift.evaluation.report import write_reports
from poselift.paper import results
from poselift.paper.results import Estimate, collect, names_in, per_seed, reference, summarise


def test_a_row_is_one_number(make_report, make_references):
    table = collect([*make_references(), make_report("full", "base", 3, last=40.0, best=39.0)])
    # 5 metrics and a count overall, 5 an action, 5 a joint, 6 a sequence
    a_checkpoint = 6 + 15 * 5 + 17 * 5 + 15 * 6
    assert len(table) == 2 * a_checkpoint + 2 * a_checkpoint
    row = table[
        (table["run"] == "full-base-s3")
        & (table["checkpoint"] == "last")
        & (table["metric"] == "mpjpe")
        & (table["group"] == "action")
        & (table["name"] == "Directions")
    ]
    assert row[["architecture", "size", "seed"]].iloc[0].tolist() == ["full", "base", 3]
    assert row["value"].tolist() == [pytest.approx(40.0 * 0.93)]


def test_reference_rows_have_no_model(make_references):
    table = collect(make_references())
    assert set(table["architecture"]) == {""}
    assert table["seed"].isna().all()
    assert reference(table, "mean_pose", "mpjpe") == Estimate(221.4, None, 1)
    assert reference(table, "nothing", "mpjpe") is None


def test_a_run_given_twice_is_refused(make_report):
    with pytest.raises(PoseliftError, match="full-base-s0"):
        collect([make_report("full", "base", 0, 40.0, 39.0)] * 2)


def test_a_run_without_an_action_is_named(make_report, make_result):
    whole = make_report("full", "base", 0, 40.0, 39.0)
    part = make_report("full", "base", 1, 40.0, 39.0)
    short = make_result(40.0, actions=("Directions", "Discussion"))
    part = part.model_copy(update={"checkpoints": {"best": short, "last": short}})
    with pytest.raises(PoseliftError, match=r"full-base-s1.*action 'Eating'"):
        collect([whole, part])


def test_a_number_that_is_none_is_named(make_report):
    broken = make_report("full", "base", 0, 40.0, 39.0)
    last = broken.checkpoints["last"].model_copy(update={"p_mpjpe": math.nan})
    broken = broken.model_copy(update={"checkpoints": {"last": last}})
    with pytest.raises(PoseliftError, match=r"full-base-s0.*last: p_mpjpe.*nan"):
        collect([broken])


def test_the_file_holds_the_table(tmp_path, make_report, make_references, make_result):
    evaluations = []
    for seed in (1, 0):
        odd_names = make_result(40.0, actions=("NA", "a,b"))  # names that a CSV could garble
        one = make_report("full", "base", seed, 40.0, 39.0)
        one = one.model_copy(update={"checkpoints": {"best": odd_names, "last": odd_names}})
        evaluations.append(tmp_path / f"{seed}.json")
        write_reports(evaluations[-1], [one])
    odd_references = [
        one.model_copy(update={"checkpoints": {"reference": make_result(99.0, actions=("NA", "a,b"))}})
        for one in make_references()
    ]
    write_reports(tmp_path / "references.json", odd_references)
    out = tmp_path / "results.csv"
    results.main(
        ["--evaluations", *map(str, evaluations), "--references", str(tmp_path / "references.json"),
         "--out", str(out)]
    )  # fmt: skip
    table = results.read(out)
    assert names_in(table, "action") == ["NA", "a,b"]
    assert per_seed(table, "full", "base", "mpjpe", "last", "action", "NA").index.tolist() == [0, 1]
    assert reference(table, "copy_2d", "mpjpe") == Estimate(99.0, None, 1)


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "run,architecture\n"])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "results.csv"
    path.write_text(content)
    with pytest.raises(PoseliftError, match=r"results\.csv"):
        results.read(path)


def test_spread_is_the_sample_standard_deviation():
    assert summarise(pd.Series([40.0, 42.0, 44.0])) == Estimate(42.0, 2.0, 3)


def test_a_single_seed_has_no_spread():
    assert summarise(pd.Series([40.0])) == Estimate(40.0, None, 1)
    assert summarise(pd.Series([], dtype=float)) is None
