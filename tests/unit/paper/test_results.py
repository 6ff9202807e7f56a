"""The rule that turns evaluations into the tidy table, and what is read from it."""

import math

import pandas as pd
import pytest

from poselift.analysis import results
from poselift.analysis.results import Estimate, collect, names_in, per_seed, reference, summarise
from poselift.errors import PoseliftError
from poselift.evaluation.report import Result, Row, write_reports
from poselift.provenance.hashing import sha256


def test_a_row_is_one_number(make_report, make_references):
    table = collect([*make_references(), make_report("full", "base", 3, last=40.0, best=39.0)])
    # 5 metrics and a count overall; 5 an action, joint, part of the body, camera; 1 a place; 8 a sequence
    a_checkpoint = 6 + 15 * 5 + 17 * 5 + 2 * 5 + 5 + 27 + 30 * 8
    assert len(table) == 3 * a_checkpoint + 2 * a_checkpoint
    assert table.columns.tolist() == [
        "dataset", "run", "architecture", "size", "variant", "input_2d", "n_frames", "seed", "checkpoint",
        "metric", "group", "name", "value",
    ]  # fmt: skip
    row = table[
        (table["run"] == "full-base-s3")
        & (table["checkpoint"] == "last")
        & (table["metric"] == "mpjpe")
        & (table["group"] == "action")
        & (table["name"] == "Directions")
    ]
    owner = row[["architecture", "size", "variant", "input_2d", "n_frames", "seed"]]
    assert owner.iloc[0].tolist() == ["full", "base", "", "detected", 27, 3]
    assert row["value"].tolist() == [pytest.approx(40.0 * 0.93)]


def test_groups_have_their_names(make_report):
    table = collect([make_report("full", "base", 0, last=40.0, best=39.0)])
    assert names_in(table, "body") == ["upper body", "lower body"]
    assert names_in(table, "camera") == ["54138969"]
    assert names_in(table, "place") == [str(place) for place in range(27)]
    assert names_in(table, "sequence")[0] == "Directions/s_09_act_02_subact_01_ca_01.54138969"
    upper = per_seed(table, "full", "base", "mpjpe", "last", "body", "upper body")
    assert upper.tolist() == pytest.approx([1.2 * 40])


def test_a_variant_is_another_model(make_report):
    main, variant = (
        make_report("full", "base", 0, 40.0, 39.0),
        make_report("full", "base", 0, 20.0, 19.0, "gt2d"),
    )
    table = collect([main, variant])
    assert per_seed(table, "full", "base", "mpjpe", "last").tolist() == [40.0]
    assert per_seed(table, "full", "base", "mpjpe", "last", variant="gt2d").tolist() == [20.0]
    assert set(table.loc[table["variant"] == "gt2d", "input_2d"]) == {"ground_truth"}


def test_other_frames_a_clip_have_other_places_and_that_is_no_fault(make_report):
    whole, shorter = make_report("full", "base", 0, 40.0, 39.0), make_report("full", "base", 1, 40.0, 39.0)
    rows = [row for row in shorter.checkpoints["last"].rows if row.group != "place"]
    less = Result((*rows, Row("mpjpe", "place", "0", 40.0)))
    table = collect([whole, shorter.model_copy(update={"n_frames": 1, "checkpoints": {"last": less}})])
    assert len(names_in(table, "place")) == 27


def test_a_checkpoint_without_an_action_is_named(make_report, make_result):
    one = make_report("full", "base", 1, 40.0, 39.0)
    one.checkpoints["last"] = make_result(40.0, actions=("Directions", "Discussion"))
    with pytest.raises(PoseliftError, match=r"full-base-s1', last: was not evaluated on action 'Eating'"):
        collect([one])


def test_a_checkpoint_without_a_joint_is_named(make_report):
    one = make_report("full", "base", 1, 40.0, 39.0)
    rows = [row for row in one.checkpoints["last"].rows if (row.group, row.name) != ("joint", "head")]
    one.checkpoints["last"] = Result(tuple(rows))
    with pytest.raises(PoseliftError, match=r"full-base-s1', last: was not evaluated on joint 'head'"):
        collect([one])


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
    with pytest.raises(PoseliftError, match=r"full-base-s1', as others were: .*action 'Eating'"):
        collect([whole, part])


def test_a_number_that_is_none_is_named(make_report):
    broken = make_report("full", "base", 0, 40.0, 39.0)
    rows = broken.checkpoints["last"].rows
    last = Result(tuple(row._replace(value=math.nan) if row.metric == "p_mpjpe" else row for row in rows))
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


def test_a_table_cut_short_is_named(tmp_path, make_report):
    path = tmp_path / "results.csv"
    collect([make_report("full", "base", 0, 40.0, 39.0)]).to_csv(path, index=False)
    whole = path.read_text()
    path.write_text(whole[: whole.rindex(",")])  # the last row has no value
    with pytest.raises(PoseliftError, match=r"results\.csv: not a table of results"):
        results.read(path)


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


def test_an_edited_number_is_refused_where_its_digest_lies_beside_the_table(tmp_path, make_report):
    path = tmp_path / "results.csv"
    collect([make_report("full", "base", 0, last=129.25, best=39.0)]).to_csv(path, index=False)
    results.read(path)
    (tmp_path / "results.sha256").write_text(f"{sha256(path)}  {path}\n")
    results.read(path)
    path.write_text(path.read_text().replace("129.25", "529.25"))
    with pytest.raises(PoseliftError, match=r"results\.csv: not as it was recorded"):
        results.read(path)
    (tmp_path / "results.sha256").write_text("")
    with pytest.raises(PoseliftError, match=r"results\.csv: not a table of results"):
        results.read(path)
