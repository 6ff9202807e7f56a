"""Several processes train as one does; a number of them other than the run's is refused."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from poselift.data import prepare
from poselift.errors import PoseliftError
from poselift.models.checkpoints import load_weights
from poselift.models.registry import build_run
from poselift.training import train as module
from poselift.training.launch import LaunchInfo, check_size, device_of, launch_info
from poselift.training.train import train
from poselift.training.validation import BATCH, Validation, open_splits

CPU = torch.device("cpu")
LAUNCHERS = (
    "RANK",
    "WORLD_SIZE",
    "LOCAL_RANK",
    "MASTER_ADDR",
    "SLURM_NTASKS",
    "SLURM_PROCID",
    "SLURM_LOCALID",
)


@pytest.fixture(autouse=True)
def no_launcher(monkeypatch):
    for name in LAUNCHERS:
        monkeypatch.delenv(name, raising=False)


def start(store: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    """`poselift train` of a tiny model in two processes on the CPU."""
    given = "--architecture baseline --size tiny --depth 1 --dim 8 --n-frames 4 --batch-size 8 --device cpu"
    command = [sys.executable, "-m", "poselift.training.train", "--store", str(store), "--out", str(out)]
    command += [*given.split(), "--processes", "2", "--threads", "1", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize(
    ("alike", "options"),
    [
        ({"without_branch": "graph"}, ["--gradient-accumulation-steps", "2"]),
        ({"batch_size": 9, "temporal_graph": "chain"}, ["--memory", "recompute"]),
    ],
    ids=["in parts", "batch norm"],
)
def test_two_processes_train_as_one_does(store, tmp_path, settings, alike, options):
    """With batches that do not divide evenly: in parts, without batch norm, whose statistics are each part's;
    and with it, where the last of the 19 clips leaves one process none."""
    words = [word for key, value in alike.items() for word in (f"--{key.replace('_', '-')}", str(value))]
    running = start(store, tmp_path / "two", *options, *words, "--epochs", "3")
    train(settings(**alike), store, tmp_path / "one", CPU)
    said, _ = running.communicate(timeout=300)
    assert running.returncode == 0, said
    one, two = (
        json.loads((tmp_path / name / "metrics.json").read_text())["epochs"] for name in ("one", "two")
    )
    for quantity in ("loss_total", "loss_mpjpe", "loss_velocity", "mpjpe", "p_mpjpe"):
        assert two[quantity] == pytest.approx(one[quantity], rel=1e-5)
    a, b = (load_file(tmp_path / name / "last_model.safetensors") for name in ("one", "two"))
    assert max(float((a[name] - b[name]).abs().max()) for name in a) < 1e-4
    assert said.count("finished after epoch 3") == 1  # one writer
    made = json.loads((tmp_path / "two" / "provenance.json").read_text())
    assert made["environment"]["processes"] == 2


def test_validation_of_two_processes_is_that_of_the_weights_which_are_saved(
    raw_content, write_raw, tmp_path, settings
):
    """With batch norm, and a batch of the validation for each."""
    content = raw_content(
        test=(
            ("s_09_act_02_subact_01_ca_01", "54138969", 170),
            ("s_11_act_02_subact_01_ca_03", "58860488", 110),
        )
    )
    store = tmp_path / "store"
    prepare.main(["--raw", str(write_raw(content)), "--out", str(store), "--n-frames", "4"])
    running = start(store, tmp_path / "two", "--epochs", "2", "--lr", "0.01")
    said, _ = running.communicate(timeout=300)
    assert running.returncode == 0, said
    _, held_out = open_splits(store, settings())
    assert len(held_out) > BATCH  # so that both have some
    model = load_weights(tmp_path / "two" / "last_model.safetensors", build_run(settings())).eval()
    errors = json.loads((tmp_path / "two" / "metrics.json").read_text())["epochs"]
    found = Validation(held_out, CPU)(model)
    assert errors["mpjpe"][-1] == pytest.approx(found.mpjpe, rel=1e-5)
    assert errors["p_mpjpe"][-1] == pytest.approx(found.p_mpjpe, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ("--resume", "error: --resume: {out}/state holds no state to resume from; leave --resume out"),
        (
            "--validation-subject S7",
            "error: validation_subject: S7 cannot be held out; the training subjects",
        ),
        ("--init-from none.safetensors", "error: none.safetensors: "),
    ],
    ids=["of the first", "of both", "of the system"],
)
def test_user_error_in_two_processes_is_one_line(store, tmp_path, options, line):
    running = start(store, tmp_path / "run", "--batch-size", "16", *options.split())
    said, _ = running.communicate(timeout=300)
    assert running.returncode == 1
    assert "Traceback" not in said
    errors = [each for each in said.splitlines() if "warning: " not in each]
    assert len(errors) == 1
    assert errors[0].startswith(line.format(out=tmp_path / "run"))


def pids(out: Path) -> set[int]:
    """The processes that train into a folder."""
    found = subprocess.run(["pgrep", "-f", f"out {out}"], capture_output=True, text=True, check=False).stdout
    return {int(pid) for pid in found.split()}


@pytest.mark.slow
@pytest.mark.parametrize("how", ["SIGTERM to the launcher", "SIGKILL to the launcher", "SIGKILL to a worker"])
def test_all_processes_end_together_and_go_on(store, tmp_path, how):
    """With batch norm: the first process's statistics are the run's, also after a resume."""
    out, options = tmp_path / "run", ["--epochs", "150", "--eval-every", "25", "--checkpoint-every", "1"]
    assert start(store, tmp_path / "undisturbed", *options).wait(300) == 0
    running = start(store, out, *options)
    deadline = time.monotonic() + 300
    while not list(out.glob("state/*/state-000004-*.pt")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    victim = running.pid if "launcher" in how else min(pids(out) - {running.pid})
    os.kill(victim, signal.SIGTERM if "SIGTERM" in how else signal.SIGKILL)
    said, _ = running.communicate(timeout=120)
    while pids(out):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    if "SIGTERM" in how:
        assert running.returncode == 143
        assert said.count("stopped by SIGTERM") == 1
    else:
        assert running.returncode != 0
    assert start(store, out, *options).wait(300) == 0
    names = ("best_model.safetensors", "last_model.safetensors")
    for name in names:
        assert (out / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()


def test_another_number_of_processes_is_refused(monkeypatch, store, tmp_path):
    check_size(None, 1)
    check_size(LaunchInfo(0, 4, 0), 4)
    with pytest.raises(PoseliftError, match=r"meant for 2 processes .* but 4 were started"):
        check_size(LaunchInfo(0, 4, 0), 2)
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    given = "--architecture baseline --size xsmall --n-frames 4 --device cpu"
    with pytest.raises(PoseliftError, match=r"meant for 1 processes .* but 2 were started"):
        module.main(["--store", str(store), "--out", str(tmp_path / "run"), *given.split()])
    assert not (tmp_path / "run").exists()


def test_launch_info_is_what_torchrun_or_srun_says(monkeypatch):
    assert launch_info() is None
    for name, value in {"SLURM_PROCID": "3", "SLURM_NTASKS": "4", "SLURM_LOCALID": "1"}.items():
        monkeypatch.setenv(name, value)
    assert launch_info() is None  # a batch job that runs one process of its own
    monkeypatch.setenv("MASTER_ADDR", "node1")
    assert launch_info() == LaunchInfo(rank=3, size=4, local_rank=1)
    for name, value in {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "2"}.items():
        monkeypatch.setenv(name, value)
    assert launch_info() == LaunchInfo(rank=5, size=8, local_rank=2)


def test_devices_are_dealt_out(monkeypatch):
    assert device_of("cuda:1,cuda:3", LaunchInfo(1, 2, 1)) == torch.device("cuda:3")
    assert device_of("cpu", LaunchInfo(1, 2, 1)) == CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert device_of("auto", LaunchInfo(6, 8, 1)) == torch.device("cuda:1")
    with pytest.raises(PoseliftError, match="3 processes or more on a machine with 2 GPUs"):
        device_of("cuda", LaunchInfo(2, 4, 2))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(PoseliftError, match="2 processes or more on a machine with 1 GPU:"):
        device_of("cuda", LaunchInfo(1, 2, 1))
    monkeypatch.setenv("SLURM_LOCALID", "1")  # srun gives each process one of its own
    assert device_of("cuda", LaunchInfo(1, 2, 1)) == torch.device("cuda:0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_of("auto", LaunchInfo(0, 2, 0)) == CPU
    with pytest.raises(PoseliftError, match="no CUDA device"):
        device_of("cuda", LaunchInfo(0, 2, 0))
