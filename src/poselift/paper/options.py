"""What the command lines of tables, figures and numbers share: expected runs, marks on the data, inputs."""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Grid:
    """The runs that the paper is about: every architecture in every size with every seed."""

    architectures: tuple[str, ...]
    sizes: tuple[str, ...]
    seeds: tuple[int, ...]

    def missing(self, runs: Iterable[str]) -> list[str]:
        """Names of the expected runs that are not among `runs`."""
        there = set(runs)
        expected = (
            f"{architecture}-{size}-s{seed}"
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


GRID = ("architectures", "sizes", "seeds")
"""The options that `grid` reads."""

_SHARED: dict[str, dict[str, Any]] = {
    "results": {"type": Path, "metavar": "CSV", "help": "table written by poselift.paper.results"},
    "costs": {"type": Path, "nargs": "+", "metavar": "CSV", "help": "tables written by poselift.models.cost"},
    "architectures": {"nargs": "+", "metavar": "NAME", "help": "expected architectures, in this order"},
    "sizes": {"nargs": "+", "metavar": "NAME", "help": "expected sizes, in this order"},
    "seeds": {"nargs": "+", "type": int, "metavar": "N", "help": "expected seeds of each model"},
    "dataset_title": {"metavar": "TEXT", "help": "how the paper calls the data"},
    "decimals": {"type": int, "metavar": "N", "help": "decimals of mm"},
    "per_action_size": {"metavar": "NAME", "help": "the size that is shown in detail"},
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


def marks(arguments: argparse.Namespace) -> Marks:
    """The marks."""
    return Marks(arguments.dataset_title, arguments.synthetic)
