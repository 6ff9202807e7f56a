"""Training: the recipe's formulas, the same bits for the same seed, resuming as if nothing had happened."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file
from torch import nn

from poselift.config.command_line import run_from_options
from poselift.config.run import RunSettings
from poselift.config.sections import load
from poselift.data import prepare
from poselift.errors import PoseliftError
from poselift.training import train as module
from poselift.training.state import load_state
from poselift.training.train import OUTPUTS, duration, epoch_seed, parameter_groups, train

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def store(raw_content, write_raw, tmp_path) -> Path:
    prepare.main(
        ["--raw", str(write_raw(raw_content())), "--out", str(tmp_path / "store"), "--n-frames", "4"]
    )
    return tmp_path / "store"


def settings(**options: object) -> RunSettings:
    given: dict[str, object] = {
        "architecture": "baseline",
        "size": "tiny",
        "depth": 1,
        "dim": 8,
        "n_frames": 4,
    }
    return run_from_options(given | {"epochs": 3, "batch_size": 8} | options)


def history(folder: Path) -> dict[str, list[float]]:
    return json.loads((folder / "metrics.json").read_text())["epochs"]


def test_run_directory_holds_what_it_promises(store, tmp_path):
    wanted = settings(lr=0.002, lr_decay=0.5)
    summary = train(wanted, store, tmp_path / "run", CPU)
    folder = tmp_path / "run"
    assert {path.name for path in folder.iterdir()} == {*OUTPUTS, "provenance.json", "state"}
    assert load(folder / "config.yaml", RunSettings) == wanted
    epochs = history(folder)
    assert epochs["lr"] == [0.002, 0.001, 0.0005]
    assert summary["best_mpjpe"] == min(epochs["mpjpe"])
    assert summary["last_mpjpe"] == epochs["mpjpe"][-1]
    assert summary["train_clips"] == 19
    expected = [
        m + 0.5 * n + 20 * v
        for m, n, v in zip(epochs["loss_mpjpe"], epochs["loss_n_mpjpe"], epochs["loss_velocity"], strict=True)
    ]
    assert epochs["loss_total"] == pytest.approx(expected, rel=1e-5)
    made = json.loads((folder / "provenance.json").read_text())
    assert set(made["outputs"]) == set(OUTPUTS)
    assert made["settings"]["training"]["lr"] == 0.002
    assert "epoch 3/3" in (folder / "training.log").read_text()


def test_same_seed_same_bits_and_another_seed_others(store, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(settings(seed=seed), store, tmp_path / name, CPU)
    a, b, c = ((tmp_path / name / "last_model.safetensors").read_bytes() for name in "abc")
    assert a == b
    assert a != c


class Killed(Exception):
    """Stands for a kill -9: nothing of the trainer runs after it."""


@pytest.mark.parametrize("architecture", ["baseline", "mamba_gcn"])
@pytest.mark.parametrize("moment", ["train", "evaluate", "save"])
def test_killed_run_resumes_to_the_same_bits(store, tmp_path, monkeypatch, architecture, moment):
    options = {"architecture": architecture}
    if architecture == "mamba_gcn":  # with dropout, whose random numbers have to go on as well
        options |= {"mamba_gcn_dim": 16, "mamba_gcn_layers": 1, "gcn_dropout": 0.3}
    wanted = settings(epochs=4, **options)
    train(wanted, store, tmp_path / "undisturbed", CPU)

    where = {"train": "losses", "evaluate": "evaluate_human36m", "save": "save_state"}[moment]
    real, calls = getattr(module, where), 0

    def killed_later(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == (8 if moment == "train" else 3):  # in the third epoch
            raise Killed
        return real(*arguments)

    monkeypatch.setattr(module, where, killed_later)
    with pytest.raises(Killed):
        train(wanted, store, tmp_path / "killed", CPU)
    monkeypatch.setattr(module, where, real)
    assert not (tmp_path / "killed" / "last_model.safetensors").exists()
    train(wanted, store, tmp_path / "killed", CPU)
    for name in ("best_model.safetensors", "last_model.safetensors"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()
    resumed, undisturbed = history(tmp_path / "killed"), history(tmp_path / "undisturbed")
    assert resumed["mpjpe"] == undisturbed["mpjpe"]
    assert resumed["loss_total"] == undisturbed["loss_total"]
    assert "resuming after epoch 2" in (tmp_path / "killed" / "training.log").read_text()


def test_state_of_other_settings_is_not_resumed(store, tmp_path, monkeypatch):
    def killed(*_: object) -> object:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, "save_weights", killed)
        with pytest.raises(Killed):
            train(settings(), store, tmp_path / "run", CPU)
    train(settings(lr=0.01), store, tmp_path / "run", CPU)
    assert "resuming" not in (tmp_path / "run" / "training.log").read_text()


def test_damaged_state_starts_the_run_over(tmp_path):
    path = tmp_path / "state.pt"
    assert load_state(path, CPU) is None
    path.write_bytes(b"PK\x03\x04 cut short")
    assert load_state(path, CPU) is None


def test_loss_that_is_no_number_stops_the_run(store, tmp_path, monkeypatch):
    real = module.losses

    def broken(*arguments: object) -> dict[str, torch.Tensor]:
        return {name: value * float("nan") for name, value in real(*arguments).items()}

    monkeypatch.setattr(module, "losses", broken)
    with pytest.raises(PoseliftError, match=r"baseline-tiny-s0: the loss is nan in epoch 1; try a smaller"):
        train(settings(), store, tmp_path / "run", CPU)


def test_model_overfits_what_it_sees(store, tmp_path):
    # random poses, few clips: only memory helps; the loss has to fall far below its start
    train(settings(epochs=40, lr=0.01, lr_decay=0.95, dim=16, flip=0), store, tmp_path / "run", CPU)
    losses = history(tmp_path / "run")["loss_mpjpe"]
    assert losses[-1] < losses[0] / 2


def test_best_weights_are_those_of_the_best_epoch(store, tmp_path, monkeypatch):
    errors = iter([30.0, 10.0, 20.0])
    seen = []

    def predict(model: nn.Module, *_: object) -> None:
        seen.append({name: value.clone() for name, value in model.state_dict().items()})

    class Result:
        p_mpjpe = 0.0

        def __init__(self) -> None:
            self.mpjpe = next(errors)

    monkeypatch.setattr(module, "predict", predict)
    monkeypatch.setattr(module, "evaluate_human36m", lambda *_: Result())
    summary = train(settings(), store, tmp_path / "run", CPU)
    assert (summary["best_epoch"], summary["best_mpjpe"], summary["last_mpjpe"]) == (2, 10, 20)
    for name, epoch in (("best", 1), ("last", 2)):
        weights = load_file(tmp_path / "run" / f"{name}_model.safetensors")
        assert all(torch.equal(weights[key], seen[epoch][key]) for key in weights)


def test_successor_waits_for_an_orphan_and_takes_its_result(store, tmp_path, caplog):
    train(settings(), store, tmp_path / "run", CPU)
    before = (tmp_path / "run" / "provenance.json").read_bytes()
    lock = tmp_path / "run" / "state" / "lock"
    hold = (
        f"import filelock, time\nwith filelock.FileLock({str(lock)!r}):\n"
        '    print("held", flush=True)\n    time.sleep(0.5)'
    )
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE) as orphan:
        assert orphan.stdout is not None
        orphan.stdout.readline()
        with caplog.at_level(logging.INFO):
            train(settings(), store, tmp_path / "run", CPU)
    assert "the other process finished the run" in caplog.text
    assert (tmp_path / "run" / "provenance.json").read_bytes() == before


def test_marked_parameters_go_without_weight_decay():
    model = nn.Linear(2, 2)
    model.bias._no_weight_decay = True
    groups = parameter_groups(model, 0.1)
    assert [(g["weight_decay"], [p.shape for p in g["params"]]) for g in groups] == [
        (0.1, [model.weight.shape]),
        (0.0, [model.bias.shape]),
    ]


def test_epoch_seeds_are_all_different():
    assert len({epoch_seed(seed, epoch) for seed in range(50) for epoch in range(200)}) == 10_000


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (61.4, "1:01"), (3599.6, "1:00:00"), (36_062, "10:01:02")]
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_command_line(store, tmp_path):
    arguments = (
        "--architecture baseline --size tiny --depth 1 --dim 8 --n-frames 4 --epochs 1 --seed 3 --device cpu"
    )
    module.main(["--store", str(store), "--out", str(tmp_path / "run"), "--threads", "1", *arguments.split()])
    made = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert (made["seed"], made["training"]["epochs"], made["training"]["batch_size"]) == (3, 1, 16)
