"""What tables and figures need: the modules there are, the inputs that each reads, its part of the view.

A module of `poselift.tables` or `poselift.figures` says in NEEDS what its function is given: inputs, read
from files, and parts of the view. With ONLY_WITH it is left out where that one is not given; with FURTHER it
is about a further data set, and there is one of each.
"""

import argparse
import ast
import importlib
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from poselift.analysis import view
from poselift.analysis.view import View
from poselift.errors import PoseliftError


@dataclass(frozen=True)
class Input:
    """An input: the module and the function that read it, from one file or from several."""

    module: str
    reader: str
    metavar: str
    help: str
    several: bool = False
    optional: bool = False
    of_dataset: bool = False
    """the reader also takes the name of the further data set, None for the main one"""


INPUTS = {
    "results": Input("poselift.analysis.results", "read", "CSV", "the table of all results", of_dataset=True),
    "costs": Input("poselift.analysis.costs", "read_costs", "CSV", "costs of the models", several=True),
    "variant_costs": Input(
        "poselift.analysis.costs", "read_variant_costs", "CSV", "costs of the ablation", True, optional=True
    ),
    "published": Input(
        "poselift.analysis.published", "read_published", "YAML", "results of others", optional=True
    ),
    "runs": Input("poselift.analysis.runs", "read_runs", "JSON", "metrics.json of runs", several=True),
    "examples": Input(
        "poselift.analysis.examples", "read_models", "NPZ", "clips of each architecture", several=True
    ),
    "last_examples": Input(
        "poselift.analysis.examples", "read_models", "NPZ", "clips of the last architecture", several=True
    ),
    "judgements": Input("poselift.analysis.claims", "read_judgements", "JSON", "the claims, judged"),
    "trials": Input("poselift.analysis.trials", "read_trials", "CSV", "the trials of the search"),
}


def constants(module: str) -> dict[str, Any]:
    """The constants of a module that are literals, read without importing it."""
    package, name = module.split(".")[1:]
    path = Path(__file__).parents[1] / package / f"{name}.py"
    found: dict[str, Any] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            with suppress(ValueError):  # not a literal
                found[node.targets[0].id] = ast.literal_eval(node.value)
    return found


def modules(package: str) -> dict[str, dict[str, Any]]:
    """The modules of `tables` or `figures` that show something, by name, each with its constants."""
    files = sorted((Path(__file__).parents[1] / package).glob("*.py"))
    found = {path.stem: constants(f"poselift.{package}.{path.stem}") for path in files}
    return {name: its for name, its in found.items() if "NEEDS" in its}


@dataclass(frozen=True)
class Order:
    """What a command line asks for."""

    module: ModuleType
    inputs: dict[str, Any]
    view: View | None
    """None where what the module exists for is not given"""
    made_from: list[Path]
    """the files that the inputs were read from, but for those that people keep"""
    arguments: argparse.Namespace


def read_order(package: str, parser: argparse.ArgumentParser, argv: list[str] | None) -> Order:
    """Read what the command line asks for: a module of the package by name, its first word, and its inputs.

    Raises `PoseliftError` if an input or an option that the module needs is missing.
    """
    known = modules(package)
    parser.add_argument("name", choices=known, metavar="NAME", help=f"which: {', '.join(known)}")
    parser.add_argument("--dataset", metavar="NAME", help="the further data set that it is about")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write")
    for name, each in INPUTS.items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=Path, nargs="*", default=[], metavar=each.metavar, help=each.help)
    first = next(iter(sys.argv[1:] if argv is None else argv), "")
    parts = [need for need in known.get(first, {"NEEDS": ()})["NEEDS"] if need not in INPUTS]
    view.add_options(parser, parts)
    given = parser.parse_args(argv)
    module = importlib.import_module(f"poselift.{package}.{given.name}")
    only_with: str | None = getattr(module, "ONLY_WITH", None)
    if only_with and not getattr(given, only_with):
        return Order(module, {}, None, [], given)
    told = view.from_options(given, parts)
    files = {need: getattr(given, need) for need in module.NEEDS if need in INPUTS}
    if files.get("published") and told.notice.synthetic:
        reason = "synthetic data cannot be compared with published results"
        raise PoseliftError(f"--published and --synthetic: {reason}")
    inputs = {need: _read(need, paths, given) for need, paths in files.items()}
    made_from = [path for need, paths in files.items() if need != "published" for path in paths]
    return Order(module, inputs, told, made_from, given)


def _read(need: str, paths: list[Path], given: argparse.Namespace) -> Any:
    its = INPUTS[need]
    if not paths and its.optional:
        return {} if its.several else None
    if not paths or (len(paths) > 1 and not its.several):
        count = "is missing" if not paths else f"has {len(paths)} files"
        raise PoseliftError(f"--{need.replace('_', '-')} {count}: '{given.name}' is made from it")
    reader = getattr(importlib.import_module(its.module), its.reader)
    told = [given.dataset] if its.of_dataset else []
    return reader(paths if its.several else paths[0], *told)
