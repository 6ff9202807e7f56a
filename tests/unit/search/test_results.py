"""Which trials go on, in cases worked by hand; rankings survive their files."""

from dataclasses import replace

import pytest

from poselift.errors import PoseliftError
from poselift.search import rank
from poselift.search.results import Ranking, promoted, ranked, read_ranking, read_result, write


@pytest.fixture
def running(result):
    def build(**errors):
        return [
            result(name, error, "failed" if error is None else "running") for name, error in errors.items()
        ]

    return build


def test_the_best_fraction_goes_on(running):
    trials = running(a=5.0, b=1.0, c=3.0, d=2.0, e=4.0, f=6.0)
    assert promoted(trials, 0, 1 / 3) == ["b", "d"]
    assert promoted(trials, 0, 0.5) == ["b", "d", "c"]
    assert promoted(trials, 0, 0.01) == ["b"]


def test_finalists_are_counted(running):
    trials = running(a=5.0, b=1.0, c=3.0, d=3.0, e=None)
    assert promoted(trials, 0, count=1) == ["b"]
    assert promoted(trials, 0, count=2) == ["b", "c", "d"]  # a tie
    assert promoted(trials, 0, count=9) == ["b", "c", "d", "a"]


def test_the_number_is_rounded_up(running):
    trials = running(a=1.0, b=2.0, c=3.0, d=4.0)
    assert promoted(trials, 0, 1 / 3) == ["a", "b"]
    hundred = running(**{f"t{i}": float(i) for i in range(100)})
    assert len(promoted(hundred, 0, 0.07)) == 7


def test_a_tie_with_the_last_goes_on_as_well(running):
    assert promoted(running(a=2.0, b=1.0, c=2.0, d=2.1), 0, 0.5) == ["b", "a", "c"]


def test_failed_trials_count_as_the_worst(running):
    # half of six would be three, but only two have an error
    assert promoted(running(a=None, b=2.0, c=None, d=1.0, e=None, f=None), 0, 0.5) == ["d", "b"]
    assert promoted(running(a=None, b=2.0, c=None, d=1.0, e=None, f=None), 0, 0.1) == ["d"]
    assert promoted(running(a=None, b=None), 0, 0.5) == []


def test_only_those_of_the_rung_are_counted(result):
    earlier = [result(f"old{i}", 0.1, "stopped", rung=0) for i in range(6)]
    now = [result("a", 3.0, "running", rung=1), result("b", 2.0, "running", rung=1)]
    assert promoted(earlier + now, 1, 0.5) == ["b"]


def test_order(result):
    trials = [
        result("z", 2.0), result("failed", None, "failed"), result("a", 2.0),
        result("best", 1.5, "stopped"),
    ]  # fmt: skip
    assert [trial.trial for trial in ranked(trials)] == ["best", "a", "z", "failed"]
    winner = Ranking(ranked(trials), []).winner
    assert winner is not None
    assert winner.trial == "a"  # the stopped one has not run to its end
    assert Ranking(ranked([trials[1]]), []).winner is None


def test_the_command_ranks_files(result, running, tmp_path):
    for trial in running(a=3.0, b=1.0, c=None, d=2.0, of_another_search=0.5):
        write(tmp_path / trial.trial / "rung-0.json", trial)
    out = tmp_path / "ranking.json"
    rank.main(["--stage", str(tmp_path), "--trials", *"abcd", "--keep", "0.2", "--out", str(out)])
    ranking = read_ranking(out)
    assert [trial.trial for trial in ranking.trials] == ["b", "d", "a", "c"]
    assert ranking.promoted == ["b"]
    assert ranking.trial("c") == read_result(tmp_path / "c/rung-0.json")
    rank.main(["--stage", str(tmp_path), "--trials", *"abcd", "--count", "2", "--out", str(out)])
    assert read_ranking(out).promoted == ["b", "d"]
    for trial in running(a=1.0, b=3.0):
        write(tmp_path / trial.trial / "rung-1.json", replace(trial, rung=1))
    rank.main(["--stage", str(tmp_path), "--trials", *"ab", "--rung", "1", "--count", "1", "--out", str(out)])
    assert read_ranking(out).promoted == ["a"]


@pytest.mark.parametrize("text", ['{"trial": "a"', "[]", '{"trial": "a"}'])
def test_a_damaged_file_is_named(tmp_path, text):
    (tmp_path / "rung-0.json").write_text(text)
    with pytest.raises(PoseliftError, match=r"rung-0\.json: not what a search writes"):
        read_result(tmp_path / "rung-0.json")
    with pytest.raises(PoseliftError, match="no such file; run `snakemake search`"):
        read_ranking(tmp_path / "ranking-0.json")
