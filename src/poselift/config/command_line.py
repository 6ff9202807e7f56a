"""A training run's settings on a command line."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from poselift.config.architectures import Architecture, find, known
from poselift.config.options import add_options
from poselift.config.recipes import RecipeName, recipe
from poselift.config.run import ExecutionSettings, RunSettings, TrainingSettings
from poselift.config.sections import parse
from poselift.config.sizes import model_size
from poselift.errors import PoseliftError, one_line

MAX_THREADS = 1024
"""More than a machine has cores; of very many a system cannot start any, nor whatever else runs."""


def add_run_options(parser: ArgumentParser, arguments: Sequence[str] = ()) -> list[str]:
    """Give `parser` an option for every setting of a run and of its execution, those of all architectures
    included: the project's own, and the one in `--architecture-file` among the `arguments`. Returns the
    names of the settings, for `settings_from_options`."""
    parser.add_argument(
        "--recipe",
        choices=get_args(RecipeName),
        default="published",
        help="where training options that are not given come from (default: published)",
    )
    threads = "CPU threads (results depend on their number)"
    parser.add_argument("--threads", type=_threads, metavar="N", help=threads)
    models = [one.settings for one in architectures_among(arguments).values()]
    return ["recipe", *add_options(parser, RunSettings, *models, ExecutionSettings)]


def _threads(word: str) -> int:
    if not word.isdecimal() or not 1 <= int(word) <= MAX_THREADS:
        raise ArgumentTypeError(f"expected 1 to {MAX_THREADS}, found {one_line(word)}")
    return int(word)


OF_CHECKPOINT = ("architecture", "architecture_file", "size", "depth", "dim", "n_frames", "input_2d")
"""The settings that say what a checkpoint is of."""


def add_model_options(parser: ArgumentParser, without: str = "") -> Any:
    """Give `parser` the options of a trained model: a run, or a checkpoint and what it is of, all of this but
    for one that is left out, `without`. Returns the group of the first two."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--run", type=Path, metavar="DIR", help="folder of a run")
    which.add_argument("--checkpoint", type=Path, metavar="FILE", help="published checkpoint or safetensors")
    for name in OF_CHECKPOINT:
        if name != without:
            described = RunSettings.model_fields[name].description
            parser.add_argument(f"--{name.replace('_', '-')}", help=f"of the checkpoint: {described}")
    return which


def architectures_among(arguments: Sequence[str]) -> dict[str, Architecture]:
    """The project's own architectures, and the one that `--architecture` and `--architecture-file` name."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--architecture", default="")
    parser.add_argument("--architecture-file")
    given, _ = parser.parse_known_args(arguments)
    return known({given.architecture: given.architecture_file} if given.architecture_file else {})


def run_from_options(given: dict[str, Any]) -> RunSettings:
    """Gather the flat options of a command line into `RunSettings`: the size gives depth and width, the
    recipe the training options that are missing. Raises `PoseliftError` for what does not fit."""
    given = dict(given)
    name = given.pop("recipe", "published")
    architecture, size = given.get("architecture", ""), given.get("size", "")
    model = find(architecture, given.get("architecture_file"))
    if not {"depth", "dim"} <= given.keys():
        given = {**model_size(size).model_dump(), **given}
    nested: dict[str, Any] = {"model": {}, "training": recipe(name, model, size).model_dump()}
    section_of = dict.fromkeys(model.settings.model_fields, nested["model"])
    section_of |= dict.fromkeys(RunSettings.model_fields, nested)
    section_of |= dict.fromkeys(TrainingSettings.model_fields, nested["training"])
    for option, value in given.items():
        if option not in section_of:
            flag = option.replace("_", "-")
            raise PoseliftError(f"--{flag} has no meaning for architecture '{architecture}'")
        section_of[option][option] = value
    return parse(RunSettings, nested, "options")


def settings_from_options(given: Namespace, names: Sequence[str]) -> tuple[RunSettings, ExecutionSettings]:
    """The run that a command line says by the options called `names`, and how it is carried out. Raises
    `PoseliftError` for what does not fit."""
    told = {name: value for name, value in vars(given).items() if name in names}
    execution = {name: told.pop(name) for name in ExecutionSettings.model_fields if name in told}
    return run_from_options(told), parse(ExecutionSettings, execution, "options")
