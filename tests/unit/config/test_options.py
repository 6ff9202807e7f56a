"""Settings on a command line: what is said as options is read as the same settings, every field of them."""

import argparse
import shlex
from typing import Any

import pytest

from poselift.config.command_line import add_run_options, run_from_options, settings_from_options
from poselift.config.options import options
from poselift.config.run import ExecutionSettings, RunSettings, TrainingSettings
from poselift.config.sections import Section
from poselift.errors import PoseliftError

TRAINING = TrainingSettings()
BASE = run_from_options({"architecture": "full", "size": "base"})
ODD: dict[str, list[Any]] = {
    "compile": [True, False], "deterministic": [True, False], "lr": [1e-05, 0.1234567, 3e-05],
    "weight_decay": [0.0, 1e-12], "flip": [0.0, 1.0], "n_mpjpe_weight": [0.0, 1e30], "velocity_weight": [0.0],
    "warmup_steps": [0, 7], "epochs": [1, 61], "batch_size": [3], "gradient_accumulation_steps": [2],
    "processes": [2], "optimizer": ["amsgrad"], "lr_scheduler": ["cosine", "constant"], "lr_decay": [0.875],
    "precision": ["bf16", "fp16"], "eval_every": [4], "kernels": ["triton", "torch"],
}  # fmt: skip
"""Values of each field of a training, zeros and both answers among them."""


def read(words: str) -> tuple[RunSettings, ExecutionSettings]:
    parser = argparse.ArgumentParser()
    names = add_run_options(parser)
    return settings_from_options(parser.parse_args(shlex.split(words)), names)


@pytest.mark.parametrize("count", ["0", "-1", "1025", "two", "1.5", "²"])
def test_a_number_of_threads_that_no_machine_runs_is_refused(count, capsys):
    with pytest.raises(SystemExit):
        read(f"--architecture full --size small --threads {count}")
    assert f"argument --threads: expected 1 to 1024, found {count}" in capsys.readouterr().err
    parser = argparse.ArgumentParser()
    add_run_options(parser)
    assert [parser.parse_args(["--threads", str(n)]).threads for n in (1, 1024)] == [1, 1024]


def test_every_field_of_a_training_has_odd_values():
    assert ODD.keys() == TrainingSettings.model_fields.keys()


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in ODD.items() for value in values])
@pytest.mark.parametrize("recipe", ["published", "guide"])
def test_a_training_survives_its_options(key, value, recipe):
    run = BASE.model_copy(update={"training": TRAINING.model_copy(update={key: value})})
    assert read(f"{options(run)} --recipe {recipe}")[0] == run


@pytest.mark.parametrize(
    ("key", "value"),
    [("depth", 5), ("dim", 40), ("n_frames", 27), ("seed", 0), ("seed", 12), ("input_2d", "ground_truth"),
     ("variant", "odd"), ("validation_subject", "S 8"), ("size", "nano")],
)  # fmt: skip
def test_a_run_survives_its_options(key, value):
    run = BASE.model_copy(update={key: value})
    assert read(options(run))[0] == run


@pytest.mark.parametrize(("value", "branch"), [(0.375, "graph"), (0.1, "mamba_gcn")])  # one is Full's alone
def test_hyperparameters_survive_their_options(value, branch):
    model = BASE.model.model_copy(
        update={"fusion_alpha": value, "mamba_gcn_dim": 136, "without_branch": branch}
    )
    run = BASE.model_copy(update={"model": model})
    assert read(options(run))[0] == run


@pytest.mark.parametrize(
    ("key", "value"),
    [("data_path", "loader"), ("num_workers", 0), ("num_workers", 5), ("prefetch_factor", 7), ("keep", 3),
     ("pin_memory", True), ("pin_memory", False), ("tensorboard", True), ("tensorboard", False),
     ("checkpoint_every", 9)],
)  # fmt: skip
def test_execution_survives_its_options_and_is_no_part_of_the_run(key, value):
    execution = ExecutionSettings().model_copy(update={key: value})
    assert read(f"{options(execution)} {options(BASE)}") == (BASE, execution)


def test_a_flag_without_a_word_means_yes():
    run, _ = read(f"{options(BASE)} --compile --deterministic false")
    assert run.training == TRAINING.model_copy(update={"compile": True, "deterministic": False})


def test_options_name_each_field_once_and_leave_out_what_is_none():
    class Inner(Section):
        flag: bool = False
        none: int | None = None

    class Outer(Section):
        words: list[str]
        zero: int = 0
        inner: Inner = Inner()

    outer = Outer(words=["a b", "c"])
    assert options(outer) == "--words 'a b' c --zero 0 --flag false"
    assert options(outer, only=("zero",)) == "--zero 0"
    assert options(outer, without=("zero", "inner")) == "--words 'a b' c"


def test_options_that_are_given_win_over_size_and_recipe():
    given = {"architecture": "baseline", "size": "small", "recipe": "guide"}
    run = run_from_options(given | {"lr": "0.25", "depth": "3", "dim": "24"})
    assert (run.training.lr, run.training.batch_size, run.training.epochs) == (0.25, 64, 200)
    assert (run.size, run.depth, run.dim) == ("small", 3, 24)
    deeper = run_from_options(given | {"depth": "27"})
    assert (deeper.depth, deeper.dim) == (27, 64)
    assert (run_from_options(given).depth, run_from_options(given).dim) == (26, 64)
    large = run_from_options(given | {"size": "large"}).training
    assert (large.batch_size, large.epochs) == (32, 300)


def test_what_is_no_number_is_refused():
    with pytest.raises(PoseliftError, match=r"options: training.lr: Input should be a valid number"):
        run_from_options({"architecture": "baseline", "size": "small", "lr": "fast"})
    with pytest.raises(PoseliftError, match=r"options: keep: Input should be greater than or equal to 1"):
        read(f"{options(BASE)} --keep 0")


def test_what_determines_a_run_is_in_its_options():
    """Each field, once; what is None is left out."""
    words = shlex.split(options(BASE))
    named = [word.removeprefix("--").replace("-", "_") for word in words if word.startswith("--")]
    none = {"architecture_file", "variant", "validation_subject", "init_from"}
    fields = {*RunSettings.model_fields, *TrainingSettings.model_fields, *type(BASE.model).model_fields}
    assert sorted(named) == sorted(fields - none - {"model", "training"})
