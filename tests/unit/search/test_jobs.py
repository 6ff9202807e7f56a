"""What the jobs of a search read, and what they are told."""

import argparse
import json
import shlex
from types import SimpleNamespace

from poselift.search.jobs import Jobs, collect_options
from poselift.search.stages import plan

COARSE = {
    "name": "coarse", "architecture": "mamba_gcn", "size": "nano", "epochs": 8,
    "grid": {"lr": [1e-3, 1e-4]}, "halving": {"epochs": [2, 4], "keep": 0.3},
}  # fmt: skip
FINE = {"name": "fine", "start_from": "coarse", "factors": {"lr": [0.5, 2]}}


def wildcards(stage: str, trial: str = "", rung: int = 0) -> SimpleNamespace:
    return SimpleNamespace(stage=stage, trial=trial, rung=str(rung))


def test_a_rung_follows_the_ranking_before_it(searching):
    jobs = Jobs(plan(searching(COARSE, FINE)), "search")
    assert jobs.previous(wildcards("coarse", "lr=0.001", 0)) == []
    assert jobs.previous(wildcards("coarse", "lr=0.001", 1)) == ["search/coarse/ranking-0.json"]
    assert jobs.previous(wildcards("coarse", "lr=0.001", 2)) == ["search/coarse/ranking-1.json"]


def test_a_stage_starts_from_the_last_ranking_of_another(searching):
    jobs = Jobs(plan(searching(COARSE, FINE)), "search")
    assert jobs.start(wildcards("coarse", "lr=0.001")) == []
    assert jobs.start(wildcards("fine", "lr=x2")) == ["search/coarse/ranking-2.json"]
    assert jobs.last_rankings == {
        "coarse": "search/coarse/ranking-2.json", "fine": "search/fine/ranking-0.json",
    }  # fmt: skip


def test_a_ranking_reads_all_trials_of_its_rung(searching):
    jobs = Jobs(plan(searching(COARSE, FINE)), "search")
    assert jobs.outcomes(wildcards("coarse", rung=1)) == [
        "search/coarse/lr=0.001/rung-1.json", "search/coarse/lr=0.0001/rung-1.json",
    ]  # fmt: skip
    assert jobs.ranking_options(wildcards("coarse")) == "--trials lr=0.001 lr=0.0001 --keep 0.3"
    assert jobs.ranking_options(wildcards("fine")) == "--trials lr=x0.5 lr=x2 --keep 1"


def test_a_trial_is_told_what_it_is(searching):
    jobs = Jobs(plan(searching(COARSE, FINE)), "search")
    words = shlex.split(jobs.options(wildcards("coarse", "lr=0.001", 1)))
    assert words[:4] == ["--trial", "lr=0.001", "--rung", "1"]
    assert words[words.index("--stop-after") + 1] == "4"
    assert jobs.base(wildcards("coarse", "lr=0.001")).architecture == "mamba_gcn"


def test_overrides_survive_the_shell(searching):
    stated = [{"architectures": ["full"], "training": {"lr": 0.001}}]
    config = searching(COARSE)
    config = type(config).model_validate(config.model_dump(exclude_unset=True) | {"overrides": stated})
    parser = argparse.ArgumentParser()
    parser.add_argument("--overrides", type=json.loads)
    assert parser.parse_known_args(shlex.split(collect_options(config)))[0].overrides == stated


def test_finalists_are_chosen_once_trials_have_their_whole_length(searching):
    jobs = Jobs(plan(searching(COARSE | {"finalists": {"count": 2, "seeds": [5, 6]}})), "search")
    names = "--trials lr=0.001 lr=0.0001 "
    ranked = [jobs.ranking_options(wildcards("coarse", rung=rung)).removeprefix(names) for rung in range(3)]
    assert ranked == ["--keep 0.3", "--keep 0.3", "--count 2"]
    assert jobs.last_rankings == {"coarse": "search/coarse/ranking-3.json"}


def test_a_third_goes_on_unless_the_stage_says_otherwise(searching):
    jobs = Jobs(plan(searching(COARSE | {"halving": {"epochs": [2]}})), "search")
    assert jobs.ranking_options(wildcards("coarse")).endswith(f"--keep {1 / 3}")


def test_each_stage_has_its_own_start(searching):
    last = {"name": "last", "start_from": "fine", "grid": {"lr": [1e-5]}}
    jobs = Jobs(plan(searching(COARSE, FINE, last)), "search")
    assert jobs.start(wildcards("last", "lr=1e-05")) == ["search/fine/ranking-0.json"]


def test_a_trial_is_told_its_values_or_factors_and_its_rung(searching):
    jobs = Jobs(plan(searching(COARSE, FINE)), "search")
    words = shlex.split(jobs.options(wildcards("fine", "lr=x2", 0)))
    assert json.loads(words[words.index("--factors") + 1]) == {"lr": 2}
    assert not {"--values", "--stop-after"} & set(words)
    words = shlex.split(jobs.options(wildcards("coarse", "lr=0.001", 2)))
    assert json.loads(words[words.index("--values") + 1]) == {"lr": 1e-3}
    assert words[words.index("--rung") + 1] == "2"
    assert not {"--factors", "--stop-after"} & set(words)


def test_the_winner_is_judged_on_the_subject_of_the_search(searching):
    words = shlex.split(collect_options(searching(COARSE, search={"validation_subject": "S1"})))
    assert words == ["--overrides", "[]", "--validation-subject", "S1"]
