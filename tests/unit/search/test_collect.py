"""The search's table and winner: order, labels, and a piece of configuration that gives its settings."""

import json

import pandas as pd
import pytest
import yaml

from poselift.config import sections
from poselift.config.experiment import Config
from poselift.config.files import laid_over
from poselift.search.collect import fragment, main, table, winners
from poselift.search.results import Ranking, ranked, write
from poselift.search.stages import plan


@pytest.fixture
def trials(result):
    return [
        result("b", 37.0, searched={"lr": 2e-4}, gpu_hours=1.5),
        result("diverged", None, "failed", reason="the loss is nan", searched={"lr": 5e-4}),
        result("stopped", 39.5, "stopped", reason="after 2 epochs", searched={"lr": 9e-4}),
        result("a", 40.0, stage="again", searched={"lr": 1e-4, "flip": 0.25}, gpu_hours=2.0, seeds=3),
        result("d", 41.0, stage="again", searched={"lr": 8e-4, "flip": 0.75}),
        result(
            "c", 43.0, stage="mamba", architecture="mamba_gcn", searched={"lr": 3e-4, "fusion_alpha": 0.7},
        ),
    ]  # fmt: skip


def test_the_table_is_sorted_and_labelled(trials):
    rows = table(trials)
    assert list(rows["trial"]) == ["b", "stopped", "a", "d", "c", "diverged"]
    assert list(rows.columns[:10]) == [
        "stage", "trial", "status", "reason", "best", "final", "unit", "epochs", "seeds", "gpu_hours",
    ]  # fmt: skip
    assert list(rows.columns[12:]) == ["lr", "flip", "fusion_alpha"]
    assert set(rows["unit"]) == {"px"}
    assert rows.set_index("trial").loc["diverged", "reason"] == "the loss is nan"
    assert rows["final"].isna().tolist() == [False] * 5 + [True]


def test_searched_architecture_is_one_column(result):
    rows = table([result("a", 1.0, searched={"architecture": "baseline", "size": "nano"})])
    assert list(rows.columns).count("architecture") == 1


def test_each_architecture_has_a_winner_of_its_own_in_its_last_stage(trials):
    # b has a lower error than a, in an earlier stage
    assert {name: one.trial for name, one in winners(trials).items()} == {"baseline": "a", "mamba_gcn": "c"}
    assert fragment(trials, "S8") == {
        "overrides": [
            {"architectures": ["baseline"], "training": {"lr": 1e-4, "flip": 0.25}},
            {"architectures": ["mamba_gcn"], "training": {"lr": 3e-4}},
        ],
        "models": {"mamba_gcn": {"fusion_alpha": 0.7}},
        "search": {
            "tuned": {
                "baseline": {
                    "keys": ["lr", "flip"], "trials": 5, "size": "nano", "seeds": 3, "subject": "S8",
                },
                "mamba_gcn": {
                    "keys": ["lr", "fusion_alpha"], "trials": 1, "size": "nano", "seeds": 1, "subject": "S8",
                },
            }
        },
    }  # fmt: skip
    assert fragment([trials[1]], "S8") == {}


def test_a_winner_says_nothing_of_the_model_that_it_is(result):
    searched = {"architecture": "baseline", "size": "nano", "lr": 1e-4}
    found = fragment([result("a", 3.0, searched=searched)], "S8")
    assert found["overrides"] == [{"architectures": ["baseline"], "training": {"lr": 1e-4}}]
    assert "models" not in found
    assert found["search"]["tuned"]["baseline"]["keys"] == ["lr"]


def test_of_several_trials_of_an_architecture_the_best_gives_its_hyperparameters(result):
    trials = [
        result(name, error, architecture=architecture, searched={"fusion_alpha": alpha})
        for name, error, architecture, alpha in (
            ("a", 3.0, "full", 0.3), ("b", 2.0, "full", 0.4), ("c", 1.0, "mamba_gcn", 0.5),
            ("d", 4.0, "full", 0.6),
        )
    ]  # fmt: skip
    assert fragment(trials, "S8")["models"] == {
        "mamba_gcn": {"fusion_alpha": 0.5},
        "full": {"fusion_alpha": 0.4},
    }


def test_laid_over_the_configuration_the_winner_gives_its_settings(searching, result, small):
    stage = {
        "name": "coarse", "architecture": "full", "size": "nano",
        "grid": {"lr": [1e-4, 3e-4], "batch_size": [5], "fusion_alpha": [0.4]},
    }  # fmt: skip
    overrides = [{"architectures": ["full"], "training": {"lr": 0.5, "weight_decay": 0.25}}]
    for more in ({}, {"overrides": overrides}):
        config = searching(stage, **more)
        trial = plan(config)["coarse"].trials["lr=0.0003,batch_size=5,fusion_alpha=0.4"]
        found = result(trial.name, 1.0, architecture="full", searched=trial.searched({}))
        piece = yaml.safe_load(yaml.safe_dump(fragment([found], "S8", more.get("overrides", ()))))
        run = sections.parse(Config, laid_over(small | more, piece), "both").runs()["full-nano-s0"]
        assert run.training == trial.settings({}).training
        assert run.model == trial.settings({}).model
        assert config.runs()["full-nano-s0"].training != run.training
        tuned = sections.parse(Config, laid_over(small | more, piece), "both")
        assert tuned.runs()["baseline-nano-s0"] == config.runs()["baseline-nano-s0"]  # for full alone
        assert tuned.search.tuned["full"].keys == ["lr", "batch_size", "fusion_alpha"]


def collect(tmp_path, trials, *more):
    paths = []
    for stage in dict.fromkeys(trial.stage for trial in trials):
        paths.append(tmp_path / f"{stage}.json")
        write(paths[-1], Ranking(ranked(trial for trial in trials if trial.stage == stage), []))
    main(
        [
            "--rankings", *map(str, paths), "--validation-subject", "S8", "--dataset-title", "Twin", *more,
            "--out", str(tmp_path / "results.csv"), "--winner", str(tmp_path / "winner.yaml"),
        ]
    )  # fmt: skip


def test_the_command_writes_both_and_prints_the_best(tmp_path, trials, capsys):
    collect(tmp_path, trials, "--synthetic")
    rows = pd.read_csv(tmp_path / "results.csv")
    assert rows["final"].dropna().is_monotonic_increasing
    assert rows.set_index("trial").loc["a", "lr"] == 1e-4
    winner = (tmp_path / "winner.yaml").read_text()
    assert winner.startswith("# SYNTHETIC DATA, Twin: 6 trials (")
    error = "40.00 px after the last epoch, mean of 3 seeds"
    assert f"# winner: baseline-nano, stage again, a: {error}" in winner
    assert "# winner: mamba_gcn-nano, stage mamba, c: 43.00 px after the last epoch\n" in winner
    assert yaml.safe_load(winner) == fragment(trials, "S8")
    printed = capsys.readouterr().out
    assert "MPJPE on train subject S8 in px" in printed
    assert "failed: coarse diverged: the loss is nan" in printed
    assert " mm" not in printed + winner


def test_no_trial_finished(tmp_path, result, capsys):
    collect(tmp_path, [result("a", None, "failed", reason="out of memory: everything")])
    assert yaml.safe_load((tmp_path / "winner.yaml").read_text()) == {}
    assert "failed: coarse a: out of memory: everything" in capsys.readouterr().out


def test_overrides_come_as_json(tmp_path, trials):
    collect(tmp_path, trials, "--overrides", json.dumps([{"sizes": ["large"], "training": {"lr": 0.1}}]))
    piece = yaml.safe_load((tmp_path / "winner.yaml").read_text())
    assert [entry["training"]["lr"] for entry in piece["overrides"]] == [0.1, 1e-4, 3e-4]
