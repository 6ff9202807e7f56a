"""The planned trials: their settings, their names, and what is refused before anything runs."""

import itertools
from pathlib import Path

import pytest

from poselift.config import sections
from poselift.config.experiment import Config
from poselift.config.yaml_files import load
from poselift.errors import PoseliftError
from poselift.search.stages import plan

REPOSITORY = Path(__file__).parents[3]
COARSE = {"name": "coarse", "architecture": "mamba_gcn", "size": "nano", "grid": {"lr": [1e-3, 1e-4]}}
EACH = {"name": "coarse", "architectures": ["baseline", "full"], "size": "nano", "grid": {"lr": [1e-3]}}
FINE = {"name": "fine", "start_from": "coarse", "factors": {"lr": [0.5, 2], "batch_size": [0.5, 1]}}


def test_the_papers_architectures_have_the_same_trials():
    config = load(REPOSITORY / "config.yaml", Config)
    stages = plan(config)
    architectures = config.experiment.architectures
    assert list(stages) == [f"{stage}_{name}" for stage in ("coarse", "fine") for name in architectures]
    for stage, start in (("coarse", None), ("fine", "coarse")):
        of = {name: stages[f"{stage}_{name}"] for name in architectures}
        assert len({tuple(one.trials) for one in of.values()}) == 1
        for name, one in of.items():
            assert one.start_from == (start and f"{start}_{name}")
            assert {trial.base.architecture for trial in one.trials.values()} == {name}
    coarse = [trial.settings({}) for trial in stages["coarse_full"].trials.values()]
    points = {(s.training.lr, s.training.batch_size, s.training.weight_decay) for s in coarse}
    assert points == set(itertools.product((5e-5, 1e-4, 2e-4, 5e-4), (32, 64, 96), (1e-5, 1e-4, 1e-3)))
    assert {(s.size, s.training.epochs, s.validation_subject) for s in coarse} == {("base", 50, "S8")}
    # at full length: that of the recipe
    assert {t.base.training.epochs for t in stages["fine_full"].trials.values()} == {60}


def test_finalists_have_a_rung_of_their_own(searching):
    stage = COARSE | {"halving": {"epochs": [2]}, "finalists": {"count": 2, "seeds": [5, 6]}}
    coarse = plan(searching(stage))["coarse"]
    assert (coarse.whole_rung, coarse.last_rung) == (1, 2)
    assert [coarse.stop_after(rung) for rung in range(3)] == [2, None, None]
    words = [coarse.options("lr=0.001", rung) for rung in range(3)]
    assert ["--goes-on" in each for each in words] == [False, True, False]
    assert ["--seeds 5 6 " in each for each in words] == [False, False, True]


def test_a_stage_starts_from_the_winner_of_its_architecture(searching):
    coarse = {**COARSE, "architectures": ["baseline", "full"]}
    del coarse["architecture"]
    one = FINE | {"name": "one", "architecture": "full"}
    of_none = {"name": "others", "architecture": "full", "size": "nano", "grid": {"flip": [0, 1]}}
    stages = plan(searching(coarse, FINE, one, of_none))
    assert {name: stage.start_from for name, stage in stages.items()} == {
        "coarse_baseline": None, "coarse_full": None, "fine_baseline": "coarse_baseline",
        "fine_full": "coarse_full", "one": "coarse_full", "others": None,
    }  # fmt: skip


def test_more_values_leave_the_other_trials_as_they_are(searching):
    few = plan(searching(COARSE, FINE))
    more = plan(
        searching(
            COARSE | {"grid": {"lr": [5e-3, 1e-3, 1e-4]}},
            FINE | {"factors": {"lr": [0.5, 1, 2], "batch_size": [0.5, 1]}},
        )
    )
    for stage, count in (("coarse", 3), ("fine", 6)):
        assert len(more[stage].trials) == count
        assert {name: more[stage].trials[name] for name in few[stage].trials} == few[stage].trials


def test_a_trial_starts_from_the_winner(searching):
    stages = plan(
        searching(COARSE, FINE, {"name": "sizes", "start_from": "fine", "grid": {"size": ["micro"]}})
    )
    assert list(stages["fine"].trials) == [
        "lr=x0.5,batch_size=x0.5", "lr=x0.5,batch_size=x1", "lr=x2,batch_size=x0.5", "lr=x2,batch_size=x1",
    ]  # fmt: skip
    trial = stages["fine"].trials["lr=x2,batch_size=x0.5"]
    settings = trial.settings({"lr": 3e-4})
    assert (settings.training.lr, settings.training.batch_size) == (6e-4, 8)  # the recipe's 16, halved
    assert trial.searched({"lr": 3e-4, "flip": 0.25}) == {"lr": 6e-4, "flip": 0.25, "batch_size": 8}
    (larger,) = stages["sizes"].trials.values()
    assert (larger.base.architecture, larger.base.depth) == ("mamba_gcn", 2)
    assert larger.settings({"lr": 6e-4, "batch_size": 8}).training.lr == 6e-4


def test_another_architecture_takes_what_it_has(searching):
    stage = {"name": "models", "start_from": "coarse", "size": "micro"} | {
        "grid": {"architecture": ["baseline", "full"]}
    }
    trials = plan(searching(COARSE, stage))["models"].trials
    winner = {"lr": 1e-3, "fusion_alpha": 0.7, "mamba_gcn_layers": 1}
    assert trials["architecture=baseline"].searched(winner) == {"lr": 1e-3, "architecture": "baseline"}
    full = trials["architecture=full"].settings(winner)
    assert (full.model.fusion_alpha, full.training.lr) == (0.7, 1e-3)


def test_a_number_written_as_text_is_the_number(searching):
    # PyYAML reads 1e-4, without a point, as text
    (trial,) = plan(searching(COARSE | {"grid": {"lr": ["1e-4"]}}))["coarse"].trials.values()
    assert (trial.name, trial.values) == ("lr=0.0001", {"lr": 1e-4})


def test_a_trial_has_one_device(searching):
    config = searching(COARSE, training={"processes": 4, "epochs": 8})
    assert config.runs()["full-nano-s0"].training.processes == 4
    assert {t.base.training.processes for t in plan(config)["coarse"].trials.values()} == {1}


def test_trials_have_the_seed_and_the_subject_of_the_search(searching):
    config = searching(COARSE, FINE, search={"seed": 5, "validation_subject": "S1"})
    bases = [trial.base for stage in plan(config).values() for trial in stage.trials.values()]
    assert {(base.seed, base.validation_subject) for base in bases} == {(5, "S1")}
    # the paper's own runs have neither
    assert {(run.seed, run.validation_subject) for run in config.runs().values()} == {(0, None)}


def test_a_stage_says_model_and_length_or_has_the_model_of_its_start(searching):
    first = {"name": "first", "architecture": "full", "size": "nano", "epochs": 5, "grid": {"lr": [1e-3]}}
    other = {"name": "other", "start_from": "first", "size": "micro", "grid": {"lr": [1e-4]}}
    last = {"name": "last", "start_from": "other", "architecture": "baseline", "grid": {"lr": [1e-5]}}
    plans = plan(searching(COARSE, first, other, last))
    bases = [next(iter(plans[name].trials.values())).base for name in ("first", "other", "last")]
    assert [(base.architecture, base.size, base.depth, base.training.epochs) for base in bases] == [
        ("full", "nano", 1, 5), ("full", "micro", 2, 8), ("baseline", "micro", 2, 8),
    ]  # fmt: skip


def test_a_trials_own_values_win_over_the_winners(searching):
    own = {"grid": {"lr": [1e-5]}, "factors": {"batch_size": [0.4]}}
    stages = plan(searching(COARSE, {"name": "later", "start_from": "coarse"} | own))
    (trial,) = stages["later"].trials.values()
    training = trial.settings({"lr": 0.5, "batch_size": 9, "flip": 0.25}).training
    assert (training.lr, training.batch_size, training.flip) == (1e-5, 4, 0.25)  # 3.6, rounded
    (trial,) = plan(searching(COARSE, FINE | {"factors": {"lr": [0.7]}}))["fine"].trials.values()
    assert trial.settings({"lr": 1.2345e-4}).training.lr == 8.6415e-5


def test_rungs(searching):
    stages = plan(searching(COARSE | {"epochs": 9, "halving": {"epochs": [1, 3], "keep": 0.5}}))
    stage = stages["coarse"]
    assert [stage.stop_after(rung) for rung in range(stage.last_rung + 1)] == [1, 3, None]
    assert {trial.base.training.epochs for trial in stage.trials.values()} == {9}
    assert plan(searching(COARSE))["coarse"].stop_after(0) is None


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ([COARSE | {"grid": {"lrr": [1]}}], "'lrr' cannot be searched (did you mean 'lr'?)"),
        ([COARSE | {"grid": {"epochs": [1]}}], "'epochs' cannot be searched"),
        ([COARSE | {"grid": {"processes": [2]}}], "'processes' cannot be searched"),
        ([COARSE | {"grid": {"lr": [1e-3, 1e-3]}}], "the values of 'lr' are missing or one occurs twice"),
        ([COARSE | {"grid": {"lr": [1e-4, "1e-4"]}}], "stage 'coarse': two trials are lr=0.0001"),
        ([COARSE | {"grid": {}}], "give either random, or grid and factors"),
        ([COARSE | {"factors": {"flip": [1]}}], "factors need a stage to start from"),
        ([FINE], "stage 'fine' starts from 'coarse', which is no earlier stage"),
        ([COARSE, COARSE], "two stages are called 'coarse'"),
        ([COARSE | {"size": None}], "search stage 'coarse': say which size"),
        ([COARSE | {"size": "nanno"}], "search.coarse.size: unknown size 'nanno' (did you mean 'nano'?)"),
        (
            [COARSE | {"grid": {"lr": [2]}}],
            "search stage 'coarse': lr = 2: training.lr: Input should be less",
        ),
        (
            [COARSE | {"architecture": "full", "grid": {"mamba_gcn_layers": [1]}}],
            "search stage 'coarse': mamba_gcn_layers has no meaning for architecture 'full'",
        ),
        (
            [COARSE, FINE | {"factors": {"lr_scheduler": [2]}}],
            "search stage 'fine': lr_scheduler = 'exponential' is not a number",
        ),
        (
            [COARSE | {"grid": {"size": ["nano", "micro"]}}, FINE],
            "search stage 'fine': say which size: stage 'coarse' has several",
        ),
        (
            [COARSE | {"halving": {"epochs": [3, 8]}}],
            "search stage 'coarse': halving after 8 epochs, but a trial has 8",
        ),
        ([COARSE | {"halving": {"epochs": [3, 3]}}], "epochs must rise"),
        ([COARSE | {"architectures": ["full"]}], "they can be named in one way alone"),
        (
            [{**EACH, "architectures": ["full", "ful"]}],
            "search.coarse.architectures: unknown architecture 'ful' (did you mean 'full'?)",
        ),
        (
            [EACH, FINE | {"architectures": ["mamba_gcn"]}],
            "stage 'fine': 'coarse', which it starts from, has a winner for each of baseline, full",
        ),
        ([EACH, COARSE | {"name": "coarse_full"}], "two stages are called 'coarse_full'"),
        (
            [COARSE | {"finalists": {"count": 2, "seeds": [0, 1]}}],
            "stage 'coarse': seed 0 of the finalists is the search's own",
        ),
        ([COARSE | {"finalists": {"count": 2, "seeds": [1, 1]}}], "finalists.seeds: an entry occurs twice"),
        (
            [COARSE | {"grid": {}, "random": {"samples": 2, "space": {"lr": {"low": 1e-3, "high": 1e-4}}}}],
            "low must be less than high",
        ),
    ],
)
def test_faults_are_named_before_anything_runs(searching, stages, expected):
    with pytest.raises(PoseliftError) as caught:
        plan(searching(*stages))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_random_stage(searching):
    space = {"lr": {"low": 1e-4, "high": 1e-3, "log": True}, "fusion_alpha": {"low": 0.3, "high": 0.7}}
    stage = {**COARSE, "grid": {}, "random": {"samples": 4, "seed": 1, "space": space}}
    stages = plan(searching(stage))
    assert len(stages["coarse"].trials) == 4
    for trial in stages["coarse"].trials.values():
        settings = trial.settings({})
        assert trial.name == f"lr={settings.training.lr},fusion_alpha={settings.model.fusion_alpha}"


def test_the_whole_search_survives_a_parse_of_its_dump(searching):
    config = searching(COARSE, FINE)
    assert sections.parse(Config, config.model_dump(), "dump").search == config.search
