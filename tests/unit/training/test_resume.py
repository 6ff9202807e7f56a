"""A run that is killed, stopped or short of disk ends as one that was left alone, or says why not."""

import dataclasses
import errno
import json
import logging
import multiprocessing
import os
import random
import resource
import shutil
import signal
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from poselift.config.run import ExecutionSettings, RunSettings
from poselift.errors import PoseliftError
from poselift.provenance.hashing import sha256
from poselift.training import loop as loop_module
from poselift.training import state_files as state_module
from poselift.training import train as train_module
from poselift.training.loop import Stopped
from poselift.training.state import Errors, TrainingState
from poselift.training.state_files import (
    StateFolder,
    differences,
    load_state,
    save_state,
    state_key,
    states,
)
from poselift.training.train import train

CPU = torch.device("cpu")
EVERY_STEP = ExecutionSettings(checkpoint_every=1)
SPAWN = multiprocessing.get_context("forkserver")
# what a trainer imports on its way, once for all of them
SPAWN.set_forkserver_preload(["poselift.training.train", "poselift.models.mamba_gcn_block", "torch._dynamo"])

# with dropout, whose random numbers have to go on as well
DROPOUT = {"architecture": "mamba_gcn", "mamba_gcn_dim": 16, "mamba_gcn_layers": 1, "gcn_dropout": 0.3}


def same_outcome(a: Path, b: Path) -> None:
    for name in ("best_model.safetensors", "last_model.safetensors"):
        assert (a / name).read_bytes() == (b / name).read_bytes()
    epochs = [json.loads((folder / "metrics.json").read_text())["epochs"] for folder in (a, b)]
    for quantity in ("loss_total", "loss_velocity", "lr", "mpjpe", "p_mpjpe"):
        assert epochs[0][quantity] == epochs[1][quantity]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("undisturbed")


@pytest.fixture
def undisturbed(store, outcomes) -> Callable[[RunSettings], Path]:
    """The outcome of a run that nothing befell, trained once for all tests."""

    def outcome(wanted: RunSettings) -> Path:
        folder = outcomes / state_key(wanted.model_dump(mode="json"))
        if not (folder / "provenance.json").exists():
            train(wanted, store, folder, CPU)
        return folder

    return outcome


class Killed(Exception):
    """Stands for a kill -9: nothing of the trainer runs after it."""


def kill_at(call: int, owner: object, name: str, monkeypatch) -> None:
    """Let a run end at this call of a function."""
    real, calls = getattr(owner, name), 0

    def killed_later(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Killed
        return real(*arguments)

    monkeypatch.setattr(owner, name, killed_later)


@pytest.mark.parametrize(
    ("owner", "name", "call"),
    [
        (loop_module, "losses", 8),
        (loop_module.Loop, "_evaluate", 3),
        (state_module, "save_state", 3),
        (train_module, "_write", 1),
    ],
    ids=["step", "evaluation", "save", "outcome"],
)
@pytest.mark.parametrize("execution", [ExecutionSettings(), EVERY_STEP], ids=["epochs", "steps"])
def test_killed_run_resumes_to_the_same_bits(
    store, tmp_path, settings, undisturbed, monkeypatch, owner, name, call, execution
):
    wanted = settings(epochs=4, **DROPOUT)
    with monkeypatch.context() as patch:
        kill_at(call, owner, name, patch)
        with pytest.raises(Killed):
            train(wanted, store, tmp_path / "killed", CPU, execution)
    assert not (tmp_path / "killed" / "last_model.safetensors").exists()
    train(wanted, store, tmp_path / "killed", CPU, execution)
    same_outcome(tmp_path / "killed", undisturbed(wanted))
    assert "resuming after" in (tmp_path / "killed" / "training.log").read_text()


def start(store: Path, out: Path, *options: str) -> multiprocessing.Process:
    """A trainer in a process of its own."""
    given = "--architecture mamba_gcn --size tiny --depth 1 --dim 8 --n-frames 4 --batch-size 2 --device cpu"
    hyper = "--mamba-gcn-dim 16 --mamba-gcn-layers 1 --gcn-dropout 0.3 --threads 1 --checkpoint-every 3"
    arguments = ["--store", str(store), "--out", str(out), *given.split(), *hyper.split(), *options]
    process = SPAWN.Process(target=train_module.main, args=(arguments,))
    process.start()
    return process


def wait_for_state(out: Path, seen: set[str]) -> None:
    """Until the trainer has saved a state that was not there before."""
    deadline = time.monotonic() + 300
    while {path.name for path in out.glob("state/*/state-*.pt")} <= seen:
        assert time.monotonic() < deadline, "no state was saved"
        time.sleep(0.005)


@pytest.mark.parametrize(
    "kills", [3, pytest.param(20, marks=pytest.mark.slow)], ids=["three times", "twenty times"]
)
def test_kill_9_at_random_moments_changes_nothing(store, tmp_path, kills):
    options = ["--epochs", str(6 * kills)]
    undisturbed = start(store, tmp_path / "undisturbed", *options)
    rng, out = random.Random(0), tmp_path / "killed"
    for _ in range(kills):
        seen = {path.name for path in out.glob("state/*/state-*.pt")}
        process = start(store, out, *options)
        wait_for_state(out, seen)
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    process = start(store, out, *options)
    for waited in (process, undisturbed):
        waited.join(900)
        assert waited.exitcode == 0
    same_outcome(out, tmp_path / "undisturbed")
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stopped_run_saves_its_step_and_goes_on(store, tmp_path, signum, status):
    out = tmp_path / "run"
    process = start(store, out, "--epochs", "1000", "--checkpoint-every", "5")
    wait_for_state(out, set())
    os.kill(process.pid, signum)
    process.join(60)
    assert process.exitcode == status
    told = json.loads((out / "state" / "progress.json").read_text())
    assert told["phase"] == "stopped"
    assert signal.Signals(signum).name in told["reason"]
    assert not list(out.glob("*.safetensors"))
    # the state is that of the very step it stopped after
    folder = next(out.glob("state/*/run.json")).parent
    newest = load_state(states(folder)[0], folder.name)
    assert f"epoch {newest.epoch + 1} after step {newest.step} of 10" in told["reason"]


def test_stop_in_an_epoch_or_its_evaluation_resumes_to_the_same_bits(
    store, tmp_path, settings, undisturbed, monkeypatch
):
    wanted = settings(epochs=3, **DROPOUT)
    for name, owner, calls in (("step", loop_module, 5), ("evaluation", loop_module.Loop, 2)):
        real, seen = getattr(owner, "losses" if name == "step" else "_predict"), 0

        def signalled(*arguments: object, real=real, calls=calls) -> object:
            nonlocal seen
            seen += 1
            if seen == calls:
                os.kill(os.getpid(), signal.SIGTERM)
            return real(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(owner, "losses" if name == "step" else "_predict", signalled)
            with pytest.raises(Stopped, match="stopped by SIGTERM in epoch") as stopped:
                train(wanted, store, tmp_path / name, CPU)
        assert stopped.value.exit_status == 143
        train(wanted, store, tmp_path / name, CPU)
        same_outcome(tmp_path / name, undisturbed(wanted))
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_run_that_its_caller_ends_early_goes_on_exactly(store, tmp_path, settings):
    wanted = settings(epochs=5, eval_every=2, lr_scheduler="cosine", **DROPOUT)
    train(wanted, store, tmp_path / "whole", CPU)
    whole = json.loads((tmp_path / "whole" / "metrics.json").read_text())["epochs"]
    out, keep_three = tmp_path / "early", ExecutionSettings(checkpoint_every=2, keep=3)
    for epochs, last_three in ((1, [(0, 2), (1, 0)]), (3, [(2, 0), (2, 2), (3, 0)])):
        summary = train(wanted, store, out, CPU, keep_three, stop_after=epochs)
        # an epoch has three steps, so that a state is saved at its end and after every second step of all
        saved = sorted(path.stem[6:] for path in out.glob("state/*/state-*.pt"))
        assert saved == [f"{done:06d}-{steps:09d}" for done, steps in last_three]
        assert summary["epochs"] == epochs
        early = json.loads((out / "metrics.json").read_text())["epochs"]
        assert early["loss_total"] == whole["loss_total"][:epochs]
        assert early["lr"] == whole["lr"][:epochs]
        assert summary["last_mpjpe"] == early["mpjpe"][-1] is not None
        assert (out / "provenance.json").exists()
    summary = train(wanted, store, out, CPU)
    same_outcome(out, tmp_path / "whole")
    assert not list(out.glob("state/*/run.json"))


def interrupted(store: Path, out: Path, wanted, monkeypatch) -> StateFolder:
    """A run with a state after its first epoch, killed in the second."""
    with monkeypatch.context() as patch:
        kill_at(2, loop_module.Loop, "_evaluate", patch)
        with pytest.raises(Killed):
            train(wanted, store, out, CPU, EVERY_STEP)
    folder = next(out.glob("state/*/run.json")).parent
    return StateFolder(out / "state", json.loads((folder / "run.json").read_text()), keep=2)


def test_state_of_other_settings_is_named_and_left_alone(store, tmp_path, settings, monkeypatch, caplog):
    out = tmp_path / "run"
    interrupted(store, out, settings(lr=0.001, epochs=4), monkeypatch)
    with pytest.raises(
        PoseliftError,
        match=r"these differ: training\.epochs \(4, now 3\), training\.lr \(0\.001, now 0\.01\)",
    ):
        train(settings(lr=0.01), store, out, CPU, resume="newest")
    path = next(out.glob("state/*/state-*.pt"))
    with pytest.raises(PoseliftError, match=r"training\.lr"):
        train(settings(lr=0.01, epochs=4), store, out, CPU, resume=path)
    with caplog.at_level(logging.INFO):
        train(settings(lr=0.01, epochs=4), store, out, CPU, stop_after=1)
    assert (
        "starting over: the state here is of another run; these differ: training.lr (0.001, now 0.01)"
        in caplog.text
    )
    assert "resuming" not in caplog.text
    assert path.exists()


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder below a folder, the files with their content."""
    found = sorted(folder.rglob("*"))
    return {str(path): path.read_bytes() if path.is_file() else None for path in found}


def test_a_refused_resume_changes_nothing(store, tmp_path, settings, monkeypatch):
    out = tmp_path / "finished"
    train(settings(epochs=1), store, out, CPU)
    before = contents(out)
    assert json.loads(before[str(out / "state/progress.json")] or b"")["phase"] == "finished"
    for resume in ("newest", out / "state/key/state-000001-000000000.pt"):
        with pytest.raises(PoseliftError, match="--resume: "):
            train(settings(epochs=1), store, out, CPU, resume=resume)
        assert contents(out) == before
    out = tmp_path / "interrupted"
    interrupted(store, out, settings(lr=0.001, epochs=4), monkeypatch)
    before = contents(out)
    with pytest.raises(PoseliftError, match="these differ: training"):
        train(settings(lr=0.01, epochs=4), store, out, CPU, resume="newest")
    assert contents(out) == before


def test_an_empty_note_of_another_state_is_passed_over(store, tmp_path, settings, monkeypatch):
    other = interrupted(store, tmp_path / "run", settings(lr=0.001, epochs=4), monkeypatch)
    (other.folder / "run.json").write_text("")
    train(settings(lr=0.01, epochs=1), store, tmp_path / "run", CPU)


def test_state_of_other_code_or_data_is_named(store, tmp_path, settings, monkeypatch):
    wanted = settings()
    interrupted(store, tmp_path / "run", wanted, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(train_module, "code_hash", lambda *_, **__: "other")
        with pytest.raises(PoseliftError, match=r"these differ: code$"):
            train(wanted, store, tmp_path / "run", CPU, resume="newest")
    manifest = store / "frames" / "manifest.json"
    content = json.loads(manifest.read_text())
    name = next(iter(content["arrays"]))
    array = store / "frames" / name
    array.write_bytes(array.read_bytes()[:-1] + b"\0")
    content["arrays"][name] = sha256(array)
    manifest.write_text(json.dumps(content))
    with pytest.raises(PoseliftError, match=f"these differ: data.{name}"):
        train(wanted, store, tmp_path / "run", CPU, resume="newest")


def test_what_determines_a_run_tells_it_from_others(store, tmp_path, settings, monkeypatch):
    start = tmp_path / "start.safetensors"
    start.write_bytes(b"weights")
    determining = partial(train_module.determining, settings(init_from=start), store)
    facts = [determining(torch.device("cuda")), determining(CPU)]
    for split in ("train", "test"):
        index = store / "clips-4" / f"{split}.npy"
        np.save(index, np.load(index)[::-1])
        facts.append(determining(CPU))
    start.write_bytes(b"others")
    facts.append(determining(CPU))
    monkeypatch.setattr(torch, "__version__", "1.0")
    facts.append(determining(CPU))
    told = [differences(one, other).partition(" ")[0] for one, other in pairwise(facts)]
    assert told == ["device", "clips.train", "clips.test", "init_from", "torch"]


def test_a_run_is_not_ended_with_another_implementation_of_the_ssm(store, tmp_path, settings, monkeypatch):
    wanted = settings(architecture="mamba_gcn", mamba_gcn_dim=8)
    with monkeypatch.context() as patch:
        patch.setattr(train_module, "ssm_backend_used", lambda model: "triton")
        interrupted(store, tmp_path / "run", wanted, monkeypatch)
    with pytest.raises(PoseliftError, match=r"these differ: ssm_backend \(triton, now torch\)$"):
        train(wanted, store, tmp_path / "run", CPU, resume="newest")


def test_resume_goes_on_from_a_named_state(store, tmp_path, settings, undisturbed, monkeypatch, caplog):
    wanted = settings()
    saved = interrupted(store, tmp_path / "run", wanted, monkeypatch)
    older = states(saved.folder)[1]
    with caplog.at_level(logging.INFO):
        train(wanted, store, tmp_path / "run", CPU, ExecutionSettings(keep=1), resume=older)
    epoch, step = map(int, older.stem.split("-")[1:])
    assert f"resuming after epoch {epoch}, step {step} of the next" in caplog.text
    same_outcome(tmp_path / "run", undisturbed(wanted))
    with pytest.raises(PoseliftError, match=r"gone\.pt: no such state"):
        train(wanted, store, tmp_path / "run", CPU, resume=Path("gone.pt"))


@pytest.mark.parametrize("damage", ["cut short", "flipped", "empty"])
def test_damaged_newest_state_gives_way_to_the_one_before(
    store, tmp_path, settings, undisturbed, monkeypatch, caplog, damage
):
    wanted = settings()
    saved = interrupted(store, tmp_path / "run", wanted, monkeypatch)
    newest, before = states(saved.folder)
    content = bytearray(newest.read_bytes())
    if damage == "flipped":  # a bit in the midst of the weights
        content[len(content) // 2] ^= 1
    newest.write_bytes({"cut short": content[:-100], "flipped": content, "empty": b""}[damage])
    with caplog.at_level(logging.WARNING):
        train(wanted, store, tmp_path / "run", CPU, resume="newest")
    assert f"{newest} is damaged" in caplog.text
    assert f"{newest} is set aside" in caplog.text
    epoch, step = map(int, before.stem.split("-")[1:])
    log = (tmp_path / "run" / "training.log").read_text()
    assert f"resuming after epoch {epoch}, step {step} of the next" in log
    same_outcome(tmp_path / "run", undisturbed(wanted))


def set_aside(folder: Path) -> dict[str, bytes]:
    """The states that were set aside, by the names they had."""
    return {path.name.partition(".aside-")[0]: path.read_bytes() for path in folder.glob("*.aside-*")}


def test_damaged_state_is_kept_for_people(store, tmp_path, settings, monkeypatch):
    saved = interrupted(store, tmp_path / "run", settings(), monkeypatch)
    newest, before = states(saved.folder)
    newest.write_bytes(b"damaged")
    with monkeypatch.context() as patch:
        kill_at(1, loop_module, "losses", patch)
        with pytest.raises(Killed):
            train(settings(), store, tmp_path / "run", CPU)
    assert set_aside(saved.folder) == {newest.name: b"damaged"}
    assert states(saved.folder) == [before]


@pytest.mark.parametrize("call", ["read_bytes", "torch.load"])
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ESTALE, "Stale file handle"), "Stale file handle"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (PermissionError(errno.EACCES, "Permission denied"), "Permission denied"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
        (MemoryError(), "too little memory"),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't"),
            "too little memory",
        ),
    ],
    ids=["ESTALE", "EIO", "EACCES", "EMFILE", "MemoryError", "allocator"],
)
def test_read_error_that_passes_costs_no_state(
    store, tmp_path, settings, undisturbed, monkeypatch, error, reason, call
):
    wanted = settings()
    saved = interrupted(store, tmp_path / "run", wanted, monkeypatch)
    before = {path.name: path.read_bytes() for path in states(saved.folder)}
    assert len(before) == 2

    def failing(*_: object, **__: object) -> bytes:
        raise error

    for resume in (None, "newest", states(saved.folder)[0]):
        with monkeypatch.context() as patch:
            patch.setattr(*((Path, call) if call == "read_bytes" else (torch, "load")), failing)
            message = rf"state-.*\.pt: the training state cannot be read now \({reason}\); nothing is lost"
            with pytest.raises(PoseliftError, match=message) as caught:
                train(wanted, store, tmp_path / "run", CPU, resume=resume)
        assert "\n" not in str(caught.value)
    assert {path.name: path.read_bytes() for path in states(saved.folder)} == before
    assert not set_aside(saved.folder)
    train(wanted, store, tmp_path / "run", CPU, EVERY_STEP)
    same_outcome(tmp_path / "run", undisturbed(wanted))


def test_folder_that_cannot_be_listed_is_not_an_empty_one(tmp_path, monkeypatch):
    def forbidden(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", forbidden)
    monkeypatch.setattr(os, "scandir", forbidden)
    monkeypatch.setattr(os, "listdir", forbidden)
    with pytest.raises(PermissionError):
        states(tmp_path)
    assert states(tmp_path / "none") == []


def test_state_of_another_run_under_this_key_is_set_aside(
    store, tmp_path, settings, undisturbed, monkeypatch, caplog
):
    """Seed 1's states copied over seed 0's: same names, same sizes, other weights."""
    theirs = interrupted(store, tmp_path / "one", settings(seed=1), monkeypatch)
    ours = interrupted(store, tmp_path / "run", settings(), monkeypatch)
    for path in states(theirs.folder):
        shutil.copy(path, ours.folder / path.name)
    with caplog.at_level(logging.WARNING):
        train(settings(), store, tmp_path / "run", CPU)
    assert caplog.text.count("it is the state of another run") == 2
    same_outcome(tmp_path / "run", undisturbed(settings()))
    # named on the command line, beside a note that makes it pass for ours
    wrong = Path(shutil.copy(states(theirs.folder)[0], tmp_path))
    note = json.loads((theirs.folder / "run.json").read_text())
    note["settings"]["seed"] = 0
    (tmp_path / "run.json").write_text(json.dumps(note))
    with pytest.raises(PoseliftError, match="is damaged; name another, or start over"):
        train(settings(), store, tmp_path / "again", CPU, resume=wrong)
    assert wrong.exists()


@pytest.mark.parametrize("field", ["epoch", "step", "history"])
def test_state_that_is_further_than_its_name_and_history_is_none(
    store, tmp_path, settings, undisturbed, monkeypatch, field
):
    """A state that says `epoch = 99` would be a finished run."""
    saved = interrupted(store, tmp_path / "run", settings(), monkeypatch)
    newest = states(saved.folder)[0]
    content = torch.load(newest, weights_only=True)
    content |= {"epoch": {"epoch": 99}, "step": {"step": 10**6}, "history": {"history": {}}}[field]
    torch.save(content, newest)
    if field == "epoch":
        newest = newest.rename(newest.with_name("state-000099-000000000.pt"))
    train(settings(), store, tmp_path / "run", CPU)
    same_outcome(tmp_path / "run", undisturbed(settings()))


@pytest.mark.parametrize("content", ["", "{", "null"])
def test_damaged_note_of_other_settings_stops_nobody(
    store, tmp_path, settings, undisturbed, monkeypatch, content
):
    other = interrupted(store, tmp_path / "run", settings(lr=0.02), monkeypatch)
    (other.folder / "run.json").write_text(content)
    train(settings(), store, tmp_path / "run", CPU)
    same_outcome(tmp_path / "run", undisturbed(settings()))


def test_full_disk_is_one_line_and_leaves_the_old_state(store, tmp_path, settings, undisturbed, monkeypatch):
    """The system lets no file grow beyond some bytes while the third state is written."""
    real, calls, limits = torch.save, 0, resource.getrlimit(resource.RLIMIT_FSIZE)

    def full(*arguments: object) -> None:
        nonlocal calls
        calls += 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000 if calls == 3 else limits[0], limits[1]))
        try:
            real(*arguments)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    wanted = settings(epochs=5)
    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        message = r"cannot be written: File too large; free some .* from state-000002-000000000\.pt$"
        with pytest.raises(PoseliftError, match=message) as caught:
            train(wanted, store, tmp_path / "run", CPU)
    assert "\n" not in str(caught.value)
    train(wanted, store, tmp_path / "run", CPU)
    same_outcome(tmp_path / "run", undisturbed(wanted))


def test_last_states_are_kept(tmp_path):
    saved = StateFolder(tmp_path, {"settings": {}}, keep=2)
    saved.begin(TrainingState())
    for epoch in range(4):
        saved.save(TrainingState(epoch=epoch, step=7, history={"lr": [0.1] * epoch}))
    saved.finish()
    assert [path.name for path in states(saved.folder)] == [
        "state-000003-000000007.pt",
        "state-000002-000000007.pt",
    ]
    (saved.folder / ".state-000004.12ab.pt").write_bytes(b"cut short by a kill")
    state = saved.newest()
    assert (state.epoch, state.step) == (3, 7)
    saved.begin(dataclasses.replace(state, epoch=2))  # the later one is given up, but not lost
    assert [path.name for path in states(saved.folder)] == ["state-000002-000000007.pt"]
    assert [path.name[:26] for path in saved.folder.glob("*.aside-*")] == ["state-000003-000000007.pt."]
    assert not list(saved.folder.glob(".*"))


def test_state_holds_no_code(tmp_path):
    path = tmp_path / "state-000001-000000000.pt"
    for value, whole in ((1.5, True), (Path("a"), False)):  # a Path is a class
        save_state(TrainingState(epoch=1, history={"mpjpe": [value]}), path, "key")
        assert (load_state(path, "key") is not None) is whole


def test_best_epoch_is_the_last_of_the_least():
    state = TrainingState()
    for errors in (None, 3.0, 2.0, None, 2.0, 5.0):
        state.model = {"errors": errors}
        state = state.after_epoch({"lr": 1.0}, None if errors is None else Errors(errors, errors / 2))
    assert state.history == {
        "lr": [1.0] * 6,
        "mpjpe": [None, 3.0, 2.0, None, 2.0, 5.0],
        "p_mpjpe": [None, 1.5, 1.0, None, 1.0, 2.5],
    }
    assert (state.epoch, state.best_epoch, state.best_model) == (6, 4, {"errors": 2.0})


def test_differences_name_keys_and_values_but_no_hashes():
    there = {"settings": {"seed": 1, "training": {"lr": 0.1}}, "code": "a", "data": {"x": "1"}, "torch": "2"}
    here = {"settings": {"seed": 1, "training": {"lr": 0.2}}, "code": "b", "data": {"x": "2"}, "torch": "2"}
    assert differences(there, here) == "code, data.x, training.lr (0.1, now 0.2)"
    assert differences(here, here) == ""
