"""What was trained once is not trained again, and what is kept of it is known and can be removed."""

import io
import json
import os
import shutil
from contextlib import contextmanager

import pytest
import torch

from poselift.errors import PoseliftError
from poselift.training import finished as module
from poselift.training import train as train_module
from poselift.training.finished import kept_trainings, main
from poselift.training.state_files import exclusive
from poselift.training.train import train

CPU = torch.device("cpu")
LEFT = ("best_model.safetensors", "last_model.safetensors", "config.yaml", "training.log", "history.json")


@pytest.fixture
def trained(store, tmp_path, settings):
    """Train a run of the results in `tmp_path`; what it wrote."""

    def run(stop_after=None, **options):
        run_settings = settings(**options)
        out = tmp_path / "results/runs" / run_settings.name
        train(run_settings, store, out, CPU, stop_after=stop_after, kept=tmp_path / "results/finished")
        return {name: (out / name).read_bytes() for name in LEFT}

    return run


@pytest.fixture
def no_training(monkeypatch):
    """From here on a training is a failure of the test."""

    def fail(*_):
        raise AssertionError("trained")

    return lambda: monkeypatch.setattr(train_module.Loop, "run", fail)


def test_a_run_whose_outputs_are_gone_comes_back_without_training(trained, no_training, tmp_path):
    first = trained()
    shutil.rmtree(tmp_path / "results/runs")
    no_training()
    assert trained() == first
    run = tmp_path / "results/runs/baseline-tiny-s0"
    assert json.loads((run / "metrics.json").read_text())["summary"]["epochs"] == 3
    assert (run / "provenance.json").exists()


def test_settings_that_were_tried_and_taken_back_train_once(trained, no_training, tmp_path):
    first = trained()
    assert trained(lr=1e-3) != first
    for name in LEFT[:3]:  # Snakemake deletes the outputs before a job
        (tmp_path / "results/runs/baseline-tiny-s0" / name).unlink()
    no_training()
    assert trained() == first
    assert trained(lr=1e-3) != first


def test_other_settings_seeds_and_data_train(trained, no_training):
    trained()
    no_training()
    for options in ({"lr": 1e-3}, {"seed": 1}, {"epochs": 2}):
        with pytest.raises(AssertionError, match="trained"):
            trained(**options)


def test_what_another_process_has_left_is_taken_if_it_is_this_training(trained, monkeypatch):
    @contextmanager
    def waits(folder):
        with exclusive(folder):
            yield True

    monkeypatch.setattr(train_module, "exclusive", waits)
    first = trained()
    assert trained(lr=1e-3) != first


def test_a_run_that_its_caller_ended_early_is_not_a_finished_one(trained, tmp_path):
    trained(stop_after=1)
    assert not (tmp_path / "results/finished").exists()
    trained()
    assert len(list((tmp_path / "results/finished").iterdir())) == 1


@pytest.mark.parametrize("fault", ["changed", "missing", "no history", "cut short"])
def test_what_is_damaged_is_said_and_trained_again(trained, tmp_path, caplog, fault):
    first = trained()
    (kept,) = (tmp_path / "results/finished").iterdir()
    file = kept / ("last_model.safetensors" if fault in ("changed", "missing") else "history.json")
    if fault == "changed":
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
    elif fault == "cut short":
        file.write_bytes(file.read_bytes()[:100])
    else:
        file.unlink()
    shutil.rmtree(tmp_path / "results/runs")
    again = trained()
    assert "not as the training left it" in caplog.text
    assert [again[name] for name in LEFT[:3]] == [first[name] for name in LEFT[:3]]
    assert module.finished(kept, kept.name)


def test_links_take_no_space_and_a_disk_without_them_gets_copies(trained, tmp_path, monkeypatch):
    trained()
    (kept,) = (tmp_path / "results/finished").iterdir()
    weights = "last_model.safetensors"
    assert (kept / weights).samefile(tmp_path / "results/runs/baseline-tiny-s0" / weights)

    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    second = trained(seed=1)
    shutil.rmtree(tmp_path / "results/runs")
    assert trained(seed=1) == second
    run = tmp_path / "results/runs/baseline-tiny-s1"
    assert [(run / name).stat().st_nlink for name in LEFT] == [1] * len(LEFT)


def test_a_folder_that_is_not_there_is_no_empty_one(tmp_path):
    with pytest.raises(PoseliftError, match="resluts: no such folder"):
        module.main([str(tmp_path / "resluts")])


def test_prune_removes_what_no_run_holds(trained, tmp_path, capsys):
    trained(variant="chain")
    trained(variant="chain", lr=1e-3)
    results = tmp_path / "results"
    assert [each.used for each in sorted(kept_trainings(results), key=lambda each: each.used)] == [
        False,
        True,
    ]
    main([str(results)])
    shown = capsys.readouterr().out
    assert "2 finished trainings; 1 of no present run take" in shown
    assert len(list((results / "finished").iterdir())) == 2
    main([str(results), "--prune", "--yes"])
    (left,) = kept_trainings(results)
    assert (left.run, left.used) == ("baseline-tiny-chain-s0", True)
    assert left.bytes == sum(file.stat().st_size for file in left.folder.iterdir())
    assert "removed; " in capsys.readouterr().out


def test_prune_asks(trained, tmp_path, monkeypatch, capsys):
    trained()
    main([str(tmp_path / "results")])
    shutil.rmtree(tmp_path / "results/runs")
    main([str(tmp_path / "results")])
    states = [line.split("MB  ")[-1] for line in capsys.readouterr().out.splitlines()[::2]]
    assert states == ["in use", "its run is gone; a build would take it from here"]
    for answer, left in (("n\n", 1), ("\n", 1), ("", 1), ("y\n", 0)):  # "": nobody can be asked
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        main([str(tmp_path / "results"), "--prune"])
        assert len(list((tmp_path / "results/finished").iterdir())) == left
