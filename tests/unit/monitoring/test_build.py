"""A build in words: jobs of round numbers of seconds, expected by hand."""

import json

import pytest

from poselift.monitoring.build import OTHER_RULES, PHASES, Build, Job, phase_of


def job(rule: str, started: float = 0.0, outputs: tuple[str, ...] = (), **wildcards: str) -> Job:
    return Job(rule, wildcards, outputs, started)


def test_rules_belong_to_phases_by_the_first_word_of_their_name():
    expected = {
        "synthetic_mpi_inf_3dhp": "data",
        "outcome": "training",
        "search_results": "search",
        "references": "evaluation",
        "pdf": "paper",
        "table_page": OTHER_RULES,
        "new_rule": OTHER_RULES,
    }
    assert {rule: phase_of(rule) for rule in expected} == expected
    words = [word for words in PHASES.values() for word in words]
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    ("wildcards", "name"),
    [
        ({"dataset": "demo", "run": "full-nano-s0"}, "rule full-nano-s0"),
        ({"dataset": "demo/mpi_inf_3dhp", "run": "full-nano-s0"}, "rule mpi_inf_3dhp full-nano-s0"),
        ({"stage": "coarse", "trial": "lr=0.01", "rung": "1"}, "rule coarse lr=0.01 1"),
        ({}, "rule"),
    ],
)
def test_jobs_have_short_names(wildcards, name):
    assert job("rule", **wildcards).name == name


def test_a_phase_is_told_once_all_its_jobs_are_done():
    build = Build({"train": 2, "outcome": 1, "pdf": 1})
    for number, rule, started in ((1, "train", 100), (2, "train", 130), (3, "outcome", 190)):
        build.start(number, job(rule, started))
    assert build.finish(1, 160) == ""
    assert build.finish(3, 195) == ""
    assert build.finish(2, 225).split() == ["training", "3", "jobs", "2:05"]


def test_the_lowest_error_of_the_main_data_set_counts(tmp_path):
    build = Build({"outcome": 4, "train": 1})
    for number, (dataset, run, error) in enumerate(
        [
            ("demo", "a-s0", 130.0),
            ("demo", "b-s0", 114.26),
            ("demo", "c-s0", 120.0),
            ("demo/other", "a-s0", 90.0),
        ]
    ):
        path = tmp_path / dataset / run / "metrics.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"summary": {"best_mpjpe": error, "unit": "mm"}}))
        build.start(number, job("outcome", 0, (str(path),), dataset=dataset, run=run))
        build.finish(number, 1)
    assert "best MPJPE 114.3 mm (demo)" in build.line(2, 100)
    build.start(9, job("train", 2, dataset="demo", run="c-s0"))
    assert build.finish(9, 3).endswith("best MPJPE 114.3 mm (demo b-s0)")


def test_time_left_is_that_of_the_jobs_that_wait_side_by_side():
    build = Build({"train": 6, "pdf": 1})
    assert build.seconds_left(5) is None
    build.start(1, job("train", 0))
    build.start(2, job("train", 0))
    assert build.seconds_left(5) is None  # no training is done
    build.finish(1, 60)
    build.finish(2, 100)
    build.start(3, job("train", 100))
    build.start(4, job("train", 100))
    # a training takes 80 s, and so does the PDF, of which nothing is known: five are 400 s, of which 2 x 20 s
    # are over, and 200 s were worked in 120 s
    assert build.seconds_left(120) == pytest.approx((400 - 40) / (200 / 120))


def test_time_left_is_not_guessed_while_most_rules_are_unknown():
    build = Build({"cost": 2, "train": 3})
    build.start(1, job("cost", 0))
    build.finish(1, 1)
    assert build.seconds_left(1) is None
    build.start(2, job("train", 1))
    build.finish(2, 4)
    assert build.seconds_left(4) == pytest.approx(1 + 2 * 3)


def test_nothing_is_left_at_the_end():
    build = Build({"train": 1})
    build.start(1, job("train", 0))
    build.finish(1, 4)
    assert build.seconds_left(4) is None


def test_the_line_has_what_fits():
    build = Build({"train": 9})
    assert build.line(0, 80) == "0 of 9 jobs"
    for number in (1, 2, 3):
        build.start(number, job("train", 0, run=f"full-base-s{number}"))
    assert build.line(1, 80) == "0 of 9 jobs: train full-base-s1, train full-base-s2, train full-base-s3"
    assert build.line(1, 45) == "0 of 9 jobs: train full-base-s1, 2 more"
    assert build.line(1, 20) == "0 of 9 jobs: 3 more"
    assert build.line(1, 5) == "0 of "
    build.total = 12  # 8 x 90 s less 2 x 90 s, three side by side
    build.finish(1, 90)
    assert build.line(90, 200).startswith("1 of 12 jobs, 3 min left: ")
    long = Build({"train": 4})
    long.start(1, job("train", 0))
    long.finish(1, 3600)
    assert long.line(3600, 200) == "1 of 4 jobs, 3 h left"
