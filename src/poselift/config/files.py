"""Reading a configuration from several YAML files, laid over each other."""

from argparse import ArgumentParser
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from poselift.config.experiment import Config
from poselift.config.sections import Unchecked, parse
from poselift.config.yaml_files import load, read_yaml
from poselift.errors import PoseliftError


def laid_over(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with `changes`, as Snakemake lays configuration files over each other: mappings key by key,
    anything else (lists, too) as a whole."""
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = laid_over(merged[key], value) if both else value
    return merged


def check_files(files: Sequence[Path | str], project: Path) -> None:
    """Raise `PoseliftError` if a file, where it exists, is no valid YAML, or if the working folder is not one
    that holds what the workflow in the folder `project` reads."""
    if not Path("envs/constraints.txt").exists():
        raise PoseliftError(
            f"{Path.cwd()} is not the project's folder; go to {project}, or add --directory {project}"
        )
    for file in filter(Path.exists, map(Path, files)):
        read_yaml(file)


def _named(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The configuration files that Snakemake's `arguments` name, and those that their profile names."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--profile", type=Path)
    parser.add_argument("--configfile", "--configfiles", nargs="+", action="extend", default=[])
    given = parser.parse_known_args(arguments)[0]
    if given.profile is None or not (given.profile / "config.yaml").exists():
        return given.configfile, []
    of_profile = read_yaml(given.profile / "config.yaml").get("configfile", [])
    return given.configfile, list(map(str, of_profile if isinstance(of_profile, list) else [of_profile]))


def replaced_files(arguments: Sequence[str], files: Collection[Path]) -> list[str]:
    """The configuration files of the profile that Snakemake's `arguments` name, without the `files` that are
    read: `--configfile` replaces those of a profile, where other files are laid over each other."""
    return [file for file in _named(arguments)[1] if Path(file).absolute() not in files]


def fault_in_files(arguments: Sequence[str]) -> str:
    """What is wrong in the first faulty one of the configuration files that Snakemake's `arguments` name, or
    else their profile; "" if nothing is."""
    given, of_profile = _named(arguments)
    for file in given or of_profile:
        try:
            load(Path(file), Unchecked)
        except (PoseliftError, OSError) as error:
            return str(error) if isinstance(error, PoseliftError) else f"{file}: {error.strerror}"
    return ""


def read_configuration(files: Sequence[Path]) -> Config:
    """The configuration that `files` give, each laid over those before it. Raises `PoseliftError` for what
    is wrong in a file, or in all of them together."""
    merged: dict[str, Any] = {}
    for file in files:
        merged = laid_over(merged, load(file, Unchecked).model_dump())
    return parse(Config, merged, ", ".join(map(str, files)))
