"""The table of results: what it refuses, and that a number is read as it was written."""

import pandas as pd
import pytest

from poselift.analysis import results
from poselift.analysis.costs import decimals_for
from poselift.analysis.results import collect, names_in, of_dataset, read, reference
from poselift.errors import PoseliftError
from poselift.evaluation.report import write_reports


@pytest.fixture
def written(tmp_path, make_report, make_references):
    """results.csv of one run."""
    write_reports(tmp_path / "run.json", [make_report("full", "base", 3, 38.123456789, 37.5, "gt2d")])
    write_reports(tmp_path / "references.json", make_references())
    out = tmp_path / "results.csv"
    files = ["--evaluations", str(tmp_path / "run.json"), "--references", str(tmp_path / "references.json")]
    results.main([*files, "--out", str(out)])
    return out


def test_numbers_and_what_they_are_of_are_read_as_they_were_written(written):
    rows = read(written)
    (row,) = rows[(rows["metric"] == "mpjpe") & (rows["group"] == "all") & (rows["checkpoint"] == "last")
                  & (rows["architecture"] == "full")].to_dict("records")  # fmt: skip
    assert row["value"] == pytest.approx(38.123456789, rel=1e-8)
    described = {name: row[name] for name in ("run", "size", "variant", "input_2d", "n_frames", "seed")}
    assert described == {
        "run": "full-base-gt2d-s3", "size": "base", "variant": "gt2d",
        "input_2d": "ground_truth", "n_frames": 27, "seed": 3,
    }  # fmt: skip
    assert names_in(rows, "action")[-3:] == ["Walking", "WalkingDog", "WalkTogether"]  # not by the alphabet


def test_a_reference_is_the_number_over_all(written):
    rows = read(written).iloc[::-1]
    assert reference(rows, "mean_pose", "mpjpe").mean == pytest.approx(221.4)
    assert reference(rows, "copy_2d", "p_mpjpe").mean == pytest.approx(0.8 * 133.1)
    assert reference(rows, "copy_2d", "pck") is None


def test_the_main_data_set_is_the_first(make_report):
    first = make_report("full", "base", 0, 38.0, 37.0)
    table = collect([first.model_copy(update={"dataset": name}) for name in ("third", "human36m")])
    assert {*of_dataset(table)["dataset"]} == {"third"}
    assert {*of_dataset(table, "human36m")["dataset"]} == {"human36m"}


def test_the_smallest_of_some_costs_shows_two_digits():
    assert [decimals_for(values) for values in ([12.0, 0.046], [0.0046, 1.0], [11.7], [])] == [3, 4, 2, 2]


def test_clips_of_another_length_may_see_other_frames(make_report, make_result):
    whole = make_report("full", "base", 0, 38.0, 37.0)
    rows = tuple(
        row._replace(value=row.value - 1) if row[:2] == ("frames", "sequence") else row
        for row in make_result(39.0).rows
    )
    fewer = {name: type(result)(rows) for name, result in whole.checkpoints.items()}
    other = whole.model_copy(update={"run": "full-base-short-s0", "checkpoints": fewer})
    with pytest.raises(PoseliftError, match="run 'full-base-short-s0', best: was tested on other frames"):
        collect([whole, other])
    short = other.model_copy(update={"n_frames": 9})
    assert isinstance(collect([whole, short]), pd.DataFrame)
