"""Training: what a run leaves, the same bits for a seed, parts equal to the whole, precision, faults."""

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from poselift.config.architectures import find
from poselift.config.command_line import run_from_options
from poselift.config.files import read_configuration
from poselift.config.recipes import advice, recipe, unusual
from poselift.config.run import ExecutionSettings, RunSettings, TrainingSettings
from poselift.config.yaml_files import load
from poselift.data import prepare
from poselift.errors import PoseliftError
from poselift.training import loop as loop_module
from poselift.training import outcome
from poselift.training import train as module
from poselift.training.arithmetic import step_seed
from poselift.training.outcome import HISTORY, OUTPUTS, summarise, write_outcome
from poselift.training.state import Errors
from poselift.training.train import train

CPU = torch.device("cpu")


def metrics(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text())


def weights(folder: Path, name: str = "last") -> dict[str, torch.Tensor]:
    return load_file(folder / f"{name}_model.safetensors")


def parameters(folder: Path) -> dict[str, torch.Tensor]:
    """The last weights without the statistics of batch norm, which change without a gradient."""
    return {name: value for name, value in weights(folder).items() if "running" not in name}


def apart(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    """Largest difference of two models' weights."""
    return max(float((a[name] - b[name]).abs().max()) for name in a if a[name].is_floating_point())


def test_run_directory_holds_what_it_promises(store, tmp_path, settings):
    wanted = settings(lr=0.002, lr_decay=0.5)
    folder = tmp_path / "run"
    summary = train(wanted, store, folder, CPU)
    assert {path.name for path in folder.iterdir()} == {*OUTPUTS, "provenance.json", "state"}
    assert load(folder / "config.yaml", RunSettings) == wanted
    epochs = metrics(folder)["epochs"]
    assert metrics(folder)["summary"] == summary
    assert epochs["lr"] == [0.002, 0.001, 0.0005]
    assert {len(values) for values in epochs.values()} == {3}
    assert summary["best_mpjpe"] == min(epochs["mpjpe"])
    assert summary["last_mpjpe"] == epochs["mpjpe"][-1]
    assert (summary["train_clips"], summary["test_clips"]) == (19, 4)
    assert (summary["unit"], summary["epochs"], summary["steps"]) == ("mm", 3, 9)
    assert summary["clips_per_second"] == pytest.approx(57 / sum(epochs["train_seconds"]))
    assert summary["gpu_hours"] == 0
    assert summary["peak_memory_bytes"] > 1e8
    expected = [
        m + 0.5 * n + 20 * v
        for m, n, v in zip(epochs["loss_mpjpe"], epochs["loss_n_mpjpe"], epochs["loss_velocity"], strict=True)
    ]
    assert epochs["loss_total"] == pytest.approx(expected, rel=1e-5)
    made = json.loads((folder / "provenance.json").read_text())
    assert set(made["outputs"]) == set(OUTPUTS)
    assert made["settings"]["training"]["lr"] == 0.002
    assert "epoch 3/3" in (folder / "training.log").read_text()
    assert [path.name for path in (folder / "state").iterdir() if path.is_dir()] == []


def test_the_implementation_of_the_ssm_is_logged_and_recorded(store, tmp_path, settings):
    train(settings(architecture="mamba_gcn", mamba_gcn_dim=8, epochs=1), store, tmp_path / "run", CPU)
    lines = (tmp_path / "run/training.log").read_text().splitlines()
    assert [line.endswith("SSD layer: torch (on cpu)") for line in lines if "SSD" in line] == [True]
    made = json.loads((tmp_path / "run/provenance.json").read_text())
    assert made["environment"]["ssm_backend"] == "torch"


def test_an_implementation_that_cannot_be_had_stops_a_run_before_it_begins(store, tmp_path, settings):
    wanted = settings(architecture="mamba_gcn", mamba_gcn_dim=8, ssm_backend="triton")
    with pytest.raises(PoseliftError, match="ssm_backend triton: expected a model on a GPU, found one on"):
        train(wanted, store, tmp_path / "run", CPU)
    assert not (tmp_path / "run").exists()


def test_metrics_and_record_are_made_again_from_the_history(store, tmp_path, settings):
    folder = tmp_path / "run"
    summary = train(settings(), store, folder, CPU)
    names = ("metrics.json", "provenance.json")
    before = {name: (folder / name).read_bytes() for name in names}
    for name in names:
        (folder / name).unlink()
    (folder / "last_model.safetensors").write_bytes(b"edited")  # the record vouches for what was trained
    outcome.main(["--run", str(folder)])
    assert {name: (folder / name).read_bytes() for name in names} == before
    assert write_outcome(folder) == summary


def test_the_summary_of_a_run_on_several_gpus():
    epochs = {"mpjpe": [50.0, 45.0, 46.0], "seconds": [3600.0, 1800.0, 1800.0]}
    measured = {
        "unit": "mm", "steps_per_epoch": 7, "train_clips": 200, "test_clips": 30, "gpus": 4, "processes": 4,
        "peak_memory_bytes": 10**9, "device": "A100",
    }  # fmt: skip
    assert summarise(epochs | {"train_seconds": [1000.0, 500.0, 500.0]}, 1, measured) == {
        "best_epoch": 2, "best_mpjpe": 45, "last_mpjpe": 46, "unit": "mm", "epochs": 3, "steps": 21,
        "train_clips": 200, "test_clips": 30, "seconds": 7200, "clips_per_second": 0.3, "gpu_hours": 8,
        "processes": 4, "peak_memory_bytes": 10**9, "device": "A100",
    }  # fmt: skip


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"epochs": {"mpjpe": [', '{"record": 1}'])
def test_missing_or_damaged_history_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / HISTORY).write_text(content)
    with pytest.raises(PoseliftError, match=rf"{HISTORY}: .*; train the run") as caught:
        outcome.main(["--run", str(tmp_path)])
    assert "\n" not in str(caught.value)


def test_same_seed_same_bits_and_another_seed_others(store, tmp_path, settings):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(settings(seed=seed), store, tmp_path / name, CPU)
    a, b, c = ((tmp_path / name / "last_model.safetensors").read_bytes() for name in "abc")
    assert a == b
    assert a != c


# without its graph branch the model has no batch norm, whose statistics are those of a part
@pytest.mark.parametrize("parts", [3, 8])
def test_accumulation_equals_the_larger_batch(store, tmp_path, settings, parts):
    options = {"without_branch": "graph", "lr": 1e-3}
    train(settings(**options), store, tmp_path / "whole", CPU)
    train(settings(**options, gradient_accumulation_steps=parts), store, tmp_path / "parts", CPU)
    assert 0 < apart(weights(tmp_path / "whole"), weights(tmp_path / "parts")) < 1e-4
    for name in ("loss_total", "loss_velocity", "mpjpe"):
        whole, in_parts = (metrics(tmp_path / folder)["epochs"][name] for folder in ("whole", "parts"))
        assert in_parts == pytest.approx(whole, rel=1e-4)


def test_loader_trains_to_the_same_bits(store, tmp_path, settings):
    for path in ("device", "loader"):
        execution = ExecutionSettings(data_path=path, num_workers=1)
        train(settings(epochs=2), store, tmp_path / path, CPU, execution)
    a, b = ((tmp_path / path / "last_model.safetensors").read_bytes() for path in ("device", "loader"))
    assert a == b
    assert metrics(tmp_path / "device")["epochs"]["mpjpe"] == metrics(tmp_path / "loader")["epochs"]["mpjpe"]


def test_single_clip_is_learned_by_heart(raw_content, write_raw, tmp_path, settings):
    """One clip to train on, and the same one to be tested on: under 5 mm, from some 1000 mm."""
    content = raw_content(
        train=(("s_01_act_02_cam_01", "54138969", 4),), test=(("s_09_act_02_subact_01_ca_01", "54138969", 4),)
    )
    train_split, test_split = content["train"], content["test"]
    test_split |= {key: train_split[key] for key in ("joint_2d", "confidence", "joint3d_image")}
    test_split["joint_2d"] = test_split["joint_2d"] + 1e-3  # the very same would be refused
    test_split["joints_2.5d_image"] = train_split["joint3d_image"] * test_split["2.5d_factor"][:, None, None]
    prepare.main(["--raw", str(write_raw(content)), "--out", str(tmp_path / "store"), "--n-frames", "4"])
    index = tmp_path / "store" / "clips-4" / "train.npy"
    np.save(index, np.repeat(np.load(index), 80, axis=0))  # ten steps per epoch, half of the clips mirrored
    wanted = settings(
        dim=64, epochs=40, lr=5e-3, lr_scheduler="cosine", warmup_steps=20, weight_decay=0, velocity_weight=1,
        without_branch="graph", eval_every=40,
    )  # fmt: skip
    summary = train(wanted, tmp_path / "store", tmp_path / "run", CPU)
    assert summary["last_mpjpe"] < 5


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_ends_near_float32(store, tmp_path, settings, precision):
    options = {"epochs": 25, "lr": 1e-3, "lr_decay": 0.9, "dim": 16, "eval_every": 25}
    for name in ("fp32", precision):
        train(settings(**options, precision=name), store, tmp_path / name, CPU)
    whole, half = (metrics(tmp_path / name)["epochs"]["loss_total"] for name in ("fp32", precision))
    assert whole != half
    assert whole[-1] < 0.9 * whole[0]
    # fp16 omits its first steps, until the loss is scaled so that no gradient overflows
    assert half[-1] == pytest.approx(whole[-1], rel=0.02)
    assert all(value.dtype != torch.bfloat16 for value in weights(tmp_path / precision).values())


def test_best_weights_are_those_of_the_best_epoch(store, tmp_path, settings, monkeypatch):
    errors = iter([30.0, 10.0, 20.0])
    seen = []

    def judge(loop: loop_module.Loop, _: object) -> Errors:
        seen.append({name: value.clone() for name, value in loop.model.state_dict().items()})
        return Errors(next(errors), 0.0)

    monkeypatch.setattr(loop_module.Loop, "_evaluate", judge)
    summary = train(settings(), store, tmp_path / "run", CPU)
    assert (summary["best_epoch"], summary["best_mpjpe"], summary["last_mpjpe"]) == (2, 10, 20)
    for name, epoch in (("best", 1), ("last", 2)):
        assert apart(weights(tmp_path / "run", name), seen[epoch]) == 0


def test_evaluation_every_few_epochs_and_after_the_last(store, tmp_path, settings):
    summary = train(settings(epochs=5, eval_every=2), store, tmp_path / "run", CPU)
    errors = metrics(tmp_path / "run")["epochs"]["mpjpe"]
    assert [error is None for error in errors] == [True, False, True, False, False]
    assert summary["best_epoch"] in (2, 4, 5)


def test_held_out_subject_is_validated_in_pixels(raw_content, write_raw, tmp_path, settings):
    runs = (("s_01_act_02_cam_01", "54138969", 9), ("s_08_act_02_cam_02", "55011271", 7))
    prepare.main(
        [
            "--raw",
            str(write_raw(raw_content(train=runs))),
            "--out",
            str(tmp_path / "store"),
            "--n-frames",
            "4",
        ]
    )
    summary = train(settings(validation_subject="S8"), tmp_path / "store", tmp_path / "run", CPU)
    assert summary["unit"] == "px"
    assert (summary["train_clips"], summary["test_clips"]) == (6, 4)
    log = (tmp_path / "run" / "training.log").read_text()
    assert " px" in log
    assert " mm" not in log


def test_ground_truth_2d_is_another_input(store, tmp_path, settings):
    for kind in ("detected", "ground_truth"):
        train(settings(input_2d=kind, epochs=1), store, tmp_path / kind, CPU)
    assert apart(weights(tmp_path / "detected"), weights(tmp_path / "ground_truth")) > 0


def test_init_from_starts_at_given_weights(store, tmp_path, settings):
    train(settings(epochs=2), store, tmp_path / "first", CPU)
    start = tmp_path / "first" / "last_model.safetensors"
    train(settings(epochs=1, seed=5, lr=1e-30, init_from=str(start)), store, tmp_path / "second", CPU)
    assert apart(parameters(tmp_path / "second"), weights(tmp_path / "first")) < 1e-6
    made = json.loads((tmp_path / "second" / "provenance.json").read_text())
    recorded = json.loads((tmp_path / "first" / "provenance.json").read_text())
    assert made["inputs"]["init_from"] == recorded["outputs"][start.name]


def test_init_from_a_published_checkpoint(store, tmp_path, settings):
    train(settings(epochs=1), store, tmp_path / "ours", CPU)
    published = {f"module.{name}": value for name, value in weights(tmp_path / "ours").items()}
    torch.save({"model": published, "min_mpjpe": 38.4}, tmp_path / "best.pth.tr")
    wanted = settings(epochs=1, lr=1e-30, init_from=str(tmp_path / "best.pth.tr"))
    train(wanted, store, tmp_path / "run", CPU)
    assert apart(parameters(tmp_path / "run"), weights(tmp_path / "ours")) < 1e-6


def broken_from(step: int, monkeypatch) -> None:
    """Make the loss of this step and of all later ones NaN."""
    real, calls = loop_module.losses, 0

    def losses(*arguments: object) -> dict[str, torch.Tensor]:
        nonlocal calls
        calls += 1
        return {n: value * (float("nan") if calls >= step else 1) for n, value in real(*arguments).items()}

    monkeypatch.setattr(loop_module, "losses", losses)


def test_non_finite_loss_stops_the_run(store, tmp_path, settings, monkeypatch):
    with monkeypatch.context() as patch:
        broken_from(5, patch)
        message = (
            r"baseline-tiny-s0: the loss is nan in epoch 2, step 2 of 3; try a smaller learning rate than "
            r"0.0005 .*; the state after epoch 1, step 0 is kept"
        )
        with pytest.raises(PoseliftError, match=message):
            train(settings(), store, tmp_path / "run", CPU)
    told = json.loads((tmp_path / "run" / "state" / "progress.json").read_text())
    assert (told["phase"], told["epoch"]) == ("failed", 2)
    assert "the loss is nan" in told["reason"]
    # the state that was kept is a sound one
    train(settings(), store, tmp_path / "run", CPU)
    train(settings(), store, tmp_path / "undisturbed", CPU)
    assert apart(weights(tmp_path / "run"), weights(tmp_path / "undisturbed")) == 0


def test_non_finite_weights_are_not_saved(store, tmp_path, settings, monkeypatch):
    """A gradient may overflow where the loss did not, in the last step before a state is saved."""
    real = loop_module.Loop._step

    def overflown(loop: loop_module.Loop, *arguments: object) -> None:
        real(loop, *arguments)
        if loop.state.epoch == 1 and loop.state.step == 1:
            with torch.no_grad():
                loop.model.head.bias[0] = torch.inf

    monkeypatch.setattr(loop_module.Loop, "_step", overflown)
    with pytest.raises(
        PoseliftError, match=r"weights are not finite in epoch 2.* after epoch 1, step 1 is kept"
    ):
        train(settings(), store, tmp_path / "run", CPU, ExecutionSettings(checkpoint_every=1))


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported later"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("NCCL error: unhandled cuda error\nLast error:\nCuda failure 2 'out of memory'"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory"),
    ],
    ids=["torch", "cuda", "cublas", "nccl", "cpu"],
)
def test_out_of_memory_names_the_settings_to_change(store, tmp_path, settings, monkeypatch, error):
    def exhausted(*_: object) -> None:
        raise error

    monkeypatch.setattr(loop_module, "losses", exhausted)
    with pytest.raises(
        PoseliftError,
        match=r"batch_size 8; try --memory recompute \(.*\) or --gradient-accumulation-steps 4 ",
    ) as caught:
        train(settings(gradient_accumulation_steps=2), store, tmp_path / "run", CPU)
    assert "\n" not in str(caught.value)


def test_other_errors_stay_what_they_are(store, tmp_path, settings, monkeypatch):
    def faulty(*_: object) -> None:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(loop_module, "losses", faulty)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        train(settings(), store, tmp_path / "run", CPU)


def test_successor_waits_for_an_orphan_and_takes_its_result(store, tmp_path, settings, caplog):
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


@pytest.mark.slow  # the compiler takes a minute
def test_compiled_model_trains_like_the_plain_one(store, tmp_path, settings):
    for compiled in (False, True):
        train(settings(compile=compiled, epochs=2), store, tmp_path / str(compiled), CPU)
    assert apart(weights(tmp_path / "True"), weights(tmp_path / "False")) < 1e-4


def test_step_seeds_are_all_different():
    assert (
        len(
            {
                step_seed(*position)
                for position in [(s, i, r) for s in range(9) for i in range(500) for r in (0, 1)]
            }
        )
        == 9000
    )


def test_what_no_training_of_so_few_clips_can_do_is_said(store, tmp_path, caplog):
    options = "--architecture baseline --size xsmall --depth 1 --dim 8 --n-frames 4 --epochs 1 --device cpu"
    odd = "--batch-size 5000 --warmup-steps 1"
    with caplog.at_level(logging.INFO):
        module.main(["--store", str(store), "--out", str(tmp_path / "odd"), *options.split(), *odd.split()])
    (clips,) = re.findall(r"([\d,]+) clips to train on, 1 steps per epoch", caplog.text)
    assert f"warning: batch_size = 5000, and there are {clips} clips in all" in caplog.text
    assert "warning: warmup_steps = 1, and the training has 1 steps" in caplog.text
    caplog.clear()
    usual = f"--batch-size {clips} --warmup-steps 1 --epochs 2"
    with caplog.at_level(logging.INFO):
        module.main(
            ["--store", str(store), "--out", str(tmp_path / "usual"), *options.split(), *usual.split()]
        )
    assert "and there are" not in caplog.text
    assert "and the training has" not in caplog.text


def test_command_line(store, tmp_path, capsys, caplog):
    arguments = (
        "--architecture baseline --size xsmall --depth 1 --dim 8 --n-frames 4 --epochs 1 --seed 3 "
        "--device cpu --threads 2 --lr 0.01 --checkpoint-every 2 --keep 1 --num-workers 0 "
        "--pin-memory false --resume"
    )
    wanted = ["--store", str(store), "--out", str(tmp_path / "run"), *arguments.split()]
    with pytest.raises(PoseliftError, match=r"--resume: .* holds no state to resume from"):
        module.main(wanted)
    with pytest.raises(PoseliftError, match=r"--resume: gone\.pt: no such state"):
        module.main([*wanted, "gone.pt"])
    with caplog.at_level(logging.INFO):
        module.main([*wanted[:-1], "--kept", str(tmp_path / "kept")])
    assert len(list((tmp_path / "kept").iterdir())) == 1
    assert torch.get_num_threads() == 2
    made = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert (made["seed"], made["training"]["epochs"], made["training"]["batch_size"]) == (3, 1, 16)
    assert "lr = 0.01 is outside the advised range, 1e-05 to 0.001" in caplog.text
    assert "epochs = 1 is outside" in caplog.text
    assert "batch_size" not in caplog.text
    kept = (tmp_path / "run/last_model.safetensors").read_bytes()
    with pytest.raises(
        PoseliftError, match=r"run: holds the finished run baseline-xsmall-s3, of other settings"
    ):
        module.main([*wanted[:-1], "--lr", "0.02"])
    assert (tmp_path / "run/last_model.safetensors").read_bytes() == kept


def test_what_is_no_run_is_not_overwritten(store, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "config.yaml").write_text("dataset: h36m\n")
    command = "--architecture baseline --size xsmall --depth 1 --dim 8 --n-frames 4 --epochs 1 --device cpu"
    with pytest.raises(PoseliftError, match=r"config\.yaml: is not a run's; give --out a folder of its own"):
        module.main(["--store", str(store), "--out", str(project), *command.split()])
    assert [path.name for path in project.iterdir()] == ["config.yaml"]
    assert (project / "config.yaml").read_text() == "dataset: h36m\n"


@pytest.mark.parametrize(
    "wrong", ["--keep 0", "--num-workers -1", "--checkpoint-every 0", "--lr 0", "--lr two"]
)
def test_nonsense_on_the_command_line_is_an_error(tmp_path, wrong):
    with pytest.raises(PoseliftError, match=wrong.split()[0][2:].replace("-", "_")):
        module.main(
            ["--architecture", "baseline", "--size", "xsmall", "--out", str(tmp_path), *wrong.split()]
        )


def test_advice_spares_the_named_recipes():
    for name in ("published", "guide"):
        for architecture, size in (("baseline", "base"), ("full", "small"), ("mamba_gcn", "large")):
            assert advice(recipe(name, find(architecture), size)) == []
    odd = TrainingSettings(lr=2e-3, batch_size=8, epochs=600, weight_decay=0.5)
    assert [line.split(" = ")[0] for line in advice(odd)] == ["lr", "batch_size", "epochs", "weight_decay"]
    assert advice(TrainingSettings(lr=1e-5, batch_size=128, epochs=500, weight_decay=0.0)) == [
        "weight_decay = 0.0 is outside the advised range, 1e-06 to 0.001"
    ]


def test_advice_is_for_models_of_the_published_sizes():
    options = {"architecture": "full", "lr": "2e-3", "mamba_gcn_dim": "32"}
    of_published = unusual(run_from_options(options | {"size": "base"}))
    assert [line.split(" = ")[0] for line in of_published] == ["mamba_gcn_dim", "lr"]
    assert unusual(run_from_options(options | {"size": "nano", "depth": "1", "dim": "16"})) == []


def test_settings_without_effect_are_said_of_any_size():
    options = {"architecture": "full", "size": "nano", "depth": "1", "dim": "16", "batch_size": "7"}
    vain = {"processes": "2", "gradient_accumulation_steps": "5", "kernels": "triton"}
    assert unusual(run_from_options(options | vain)) == [
        "kernels = triton has no effect: precision is fp32",
        "gradient_accumulation_steps = 5 acts as 4: a step has 4 clips per process",
    ]
    effective = vain | {"gradient_accumulation_steps": "4", "precision": "bf16"}
    assert unusual(run_from_options(options | effective)) == []


def test_the_demonstration_is_trained_without_advice():
    root = Path(__file__).parents[3]
    told = read_configuration(
        [root / "config.yaml", root / "workflow" / "profiles" / "demo" / "experiment.yaml"]
    ).in_experiment()
    runs = [run for named in told.runs_by_folder().values() for run in named.values()]
    assert len(runs) > 15
    assert [line for run in runs for line in unusual(run)] == []
