"""A training run's settings on a command line."""

from argparse import ArgumentParser
from typing import Any, get_args

from poselift.config.models import ARCHITECTURES, model_settings, model_size
from poselift.config.recipes import RecipeName, recipe
from poselift.config.run import ExecutionSettings, RunSettings, TrainingSettings
from poselift.config.sections import add_options, parse
from poselift.errors import PoseliftError


def add_run_options(parser: ArgumentParser) -> None:
    """Give `parser` an option for every setting of a run, those of all architectures included."""
    parser.add_argument(
        "--recipe",
        choices=get_args(RecipeName),
        default="published",
        help="where training options that are not given come from (default: published)",
    )
    add_options(parser, RunSettings, *(model_settings(name) for name in ARCHITECTURES))


def run_from_options(given: dict[str, Any]) -> RunSettings:
    """Gather the flat options of a command line into `RunSettings`: the size gives depth and width, the
    recipe the training options that are missing. Raises `PoseliftError` for what does not fit."""
    given = dict(given)
    name = given.pop("recipe", "published")
    architecture, size = given.get("architecture", ""), given.get("size", "")
    model = model_settings(architecture)
    if not {"depth", "dim"} <= given.keys():
        given = {**model_size(size).model_dump(), **given}
    nested: dict[str, Any] = {"model": {}, "training": recipe(name, architecture, size).model_dump()}
    for option, value in given.items():
        if option in TrainingSettings.model_fields:
            nested["training"][option] = value
        elif option in RunSettings.model_fields:
            nested[option] = value
        elif option in model.model_fields:
            nested["model"][option] = value
        else:
            flag = option.replace("_", "-")
            raise PoseliftError(f"--{flag} has no meaning for architecture '{architecture}'")
    return parse(RunSettings, nested, "options")


def execution_from_options(given: dict[str, Any]) -> ExecutionSettings:
    """Take the options that are execution settings out of `given`. Raises `PoseliftError` for nonsense."""
    own = {name: given.pop(name) for name in ExecutionSettings.model_fields if name in given}
    return parse(ExecutionSettings, own, "options")
