"""What the command lines of tables, figures and numbers share: expected runs, marks on the data."""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


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


def add_out(parser: argparse.ArgumentParser, help: str) -> None:
    """Give `parser` the option `--out`."""
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=help)


def add_results(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the option `--results`."""
    parser.add_argument(
        "--results", type=Path, required=True, metavar="CSV", help="table written by poselift.paper.results"
    )


def add_cost(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the option `--cost`."""
    parser.add_argument(
        "--cost", type=Path, required=True, metavar="CSV", help="table written by poselift.models.cost"
    )


def add_grid(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options that `grid` reads."""
    parser.add_argument("--architectures", nargs="+", required=True, metavar="NAME", help="in this order")
    parser.add_argument("--sizes", nargs="+", required=True, metavar="NAME", help="in this order")
    parser.add_argument(
        "--seeds", nargs="+", type=int, required=True, metavar="N", help="seeds of each model"
    )


def add_marks(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options that `marks` reads."""
    parser.add_argument("--dataset-title", required=True, metavar="TEXT", help="how the paper calls the data")
    parser.add_argument("--synthetic", action="store_true", help="mark the data as synthetic")


def add_decimals(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the option `--decimals`."""
    parser.add_argument("--decimals", type=int, default=1, metavar="N", help="decimals of mm (default: 1)")


def add_size(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the option `--size`: the one size that is shown in detail."""
    parser.add_argument("--size", required=True, metavar="NAME", help="size to show in detail")


def grid(arguments: argparse.Namespace) -> Grid:
    """The expected runs, from the options of `add_grid`."""
    return Grid(tuple(arguments.architectures), tuple(arguments.sizes), tuple(arguments.seeds))


def marks(arguments: argparse.Namespace) -> Marks:
    """The marks, from the options of `add_marks`."""
    return Marks(arguments.dataset_title, arguments.synthetic)
