"""What the command lines of tables, figures and numbers share: expected runs, marks on the data, inputs."""

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from poselift.config.experiment import GROUND_TRUTH_2D, Statistics
from poselift.config.sections import Section


@dataclass(frozen=True)
class Grid:
    """The runs that the paper is about: every architecture in every size with every seed."""

    architectures: tuple[str, ...]
    sizes: tuple[str, ...]
    seeds: tuple[int, ...]
    variant: str = ""

    def missing(self, runs: Iterable[str]) -> list[str]:
        """Names of the expected runs that are not among `runs`."""
        there = set(runs)
        expected = (
            "-".join(filter(None, (architecture, size, self.variant, f"s{seed}")))
            for architecture in self.architectures
            for size in self.sizes
            for seed in self.seeds
        )
        return [run for run in expected if run not in there]


@dataclass(frozen=True)
class Marks:
    """What a reader of any table or figure must know about the data."""

    dataset_title: str
    synthetic: bool


class Entry(Section):
    """An entry of the ablation, as far as tables and figures need it: a model with some keys changed."""

    name: str
    title: str
    architecture: str
    size: str
    seeds: tuple[int, ...]

    def missing(self, runs: Iterable[str]) -> list[str]:
        """Names of its runs and of those it is compared with that are not among `runs`."""
        runs = set(runs)
        return [
            name
            for variant in ("", self.name)
            for name in Grid((self.architecture,), (self.size,), self.seeds, variant).missing(runs)
        ]


_ENTRIES = TypeAdapter(tuple[Entry, ...])


def _entries(text: str) -> tuple[Entry, ...]:
    try:
        return _ENTRIES.validate_python(json.loads(text))
    except (ValueError, ValidationError) as error:
        raise argparse.ArgumentTypeError(f"not a list of entries: {' '.join(str(error).split())}") from None


GRID = ("architectures", "sizes", "seeds")
"""The options that `grid` reads."""

_SHARED: dict[str, dict[str, Any]] = {
    "results": {"type": Path, "metavar": "CSV", "help": "table written by poselift.analysis.results"},
    "costs": {"type": Path, "nargs": "+", "metavar": "CSV", "help": "tables written by poselift.models.cost"},
    "architectures": {"nargs": "+", "metavar": "NAME", "help": "expected architectures, in this order"},
    "sizes": {"nargs": "+", "metavar": "NAME", "help": "expected sizes, in this order"},
    "seeds": {"nargs": "+", "type": int, "metavar": "N", "help": "expected seeds of each model"},
    "dataset_title": {"metavar": "TEXT", "help": "how the paper calls the data"},
    "decimals": {"type": int, "metavar": "N", "help": "decimals of mm"},
    "per_action_size": {"metavar": "NAME", "help": "the size that is shown in detail"},
    "ablation": {
        "type": _entries,
        "metavar": "JSON",
        "help": "entries of the ablation: a list of objects with name, title, architecture, size, seeds",
    },
    "gt2d_architectures": {"nargs": "+", "metavar": "NAME", "help": "models on ground-truth 2D"},
    "gt2d_sizes": {"nargs": "+", "metavar": "NAME", "help": "their sizes"},
    "gt2d_seeds": {"nargs": "+", "type": int, "metavar": "N", "help": "their seeds"},
    "resamples": {"type": int, "metavar": "N", "help": "bootstrap resamples"},
    "confidence": {"type": float, "metavar": "P", "help": "confidence level of intervals"},
    "seed": {"type": int, "metavar": "N", "help": "seed of the resampling"},
    "published": {"type": Path, "metavar": "YAML", "help": "published results on these data"},
}


def parser(description: str, *needs: str) -> argparse.ArgumentParser:
    """A parser with all shared options, so that one line can serve all tables and figures.

    Those in `needs` are required.
    """
    made = argparse.ArgumentParser(description=description)
    for name, settings in _SHARED.items():
        made.add_argument(f"--{name.replace('_', '-')}", required=name in needs, **settings)
    made.add_argument("--synthetic", action="store_true", help="mark the data as synthetic")
    return made


def add_out(parser: argparse.ArgumentParser, help: str = "file to write") -> None:
    """Give `parser` the option `--out`."""
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=help)


def grid(arguments: argparse.Namespace) -> Grid:
    """The expected runs."""
    return Grid(tuple(arguments.architectures), tuple(arguments.sizes), tuple(arguments.seeds))


def ground_truth_grid(arguments: argparse.Namespace) -> Grid | None:
    """The expected runs on ground-truth 2D, None if there are none."""
    architectures, sizes, seeds = (getattr(arguments, f"gt2d_{name}") for name in GRID)
    if not (architectures and sizes and seeds):
        return None
    return Grid(tuple(architectures), tuple(sizes), tuple(seeds), GROUND_TRUTH_2D)


def missing_runs(arguments: argparse.Namespace, runs: Iterable[str]) -> list[str]:
    """Names of the expected runs (the grid, ground-truth 2D, the ablation) that are not among `runs`."""
    runs, ground_truth = set(runs), ground_truth_grid(arguments)
    missing = grid(arguments).missing(runs)
    missing += ground_truth.missing(runs) if ground_truth else []
    missing += [name for entry in arguments.ablation or () for name in entry.missing(runs)]
    return list(dict.fromkeys(missing))


def statistics(arguments: argparse.Namespace) -> Statistics:
    """How differences are judged."""
    given = {name: getattr(arguments, name) for name in Statistics.model_fields}
    return Statistics(**{name: value for name, value in given.items() if value is not None})


def marks(arguments: argparse.Namespace) -> Marks:
    """The marks."""
    return Marks(arguments.dataset_title, arguments.synthetic)
