"""The view: what all tables, figures and numbers are about, as the configuration says it.

A program is given only the parts that it needs, as options of its command line; any other part is an
`AttributeError` there. So what it makes becomes stale by these parts alone.
"""

import argparse
import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from pydantic import Field, create_model

from poselift.config.card import Card
from poselift.config.experiment import Statistics
from poselift.config.run import TrainingSettings
from poselift.config.search import Tuned
from poselift.config.sections import Section, parse
from poselift.errors import PoseliftError


@dataclass(frozen=True)
class Grid:
    """The runs that are expected: every architecture in every size with every seed of the size."""

    architectures: tuple[str, ...]
    sizes: tuple[str, ...]
    seeds: tuple[int, ...]
    variant: str = ""
    more_seeds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """by size, beside `seeds`"""

    def seeds_of(self, size: str) -> tuple[int, ...]:
        """The seeds of the models of this size."""
        return tuple(dict.fromkeys((*self.seeds, *self.more_seeds.get(size, ()))))

    @property
    def most_seeds(self) -> tuple[int, ...]:
        """The seeds of the size that has the most."""
        return max(map(self.seeds_of, self.sizes), key=len, default=self.seeds)

    @property
    def base(self) -> str:
        """The architecture that the others are compared with: the baseline, without it the first."""
        return "baseline" if "baseline" in self.architectures else self.architectures[0]

    def missing(self, runs: Iterable[str]) -> list[str]:
        """Names of the expected runs that are not among `runs`."""
        there = set(runs)
        expected = [
            "-".join(filter(None, (architecture, size, self.variant, f"s{seed}")))
            for architecture, size in product(self.architectures, self.sizes)
            for seed in self.seeds_of(size)
        ]
        return [run for run in expected if run not in there]


@dataclass(frozen=True)
class DataNotice:
    """What a reader of any table or figure must know about the data."""

    dataset_title: str
    synthetic: bool


class AblationEntry(Section):
    """A model with some keys changed, which the ablation compares with the unchanged model or another one."""

    name: str
    title: str
    architecture: str
    size: str
    seeds: tuple[int, ...]
    against: tuple[str, str] | None = None
    """architecture and size of the model that it is compared with, if these are not its own"""

    @property
    def base(self) -> tuple[str, str]:
        """Architecture and size of the model that it is compared with."""
        return self.against or (self.architecture, self.size)

    def missing(self, runs: Iterable[str]) -> list[str]:
        """Names of its runs and of those it is compared with that are not among `runs`."""
        models = ((*self.base, ""), (self.architecture, self.size, self.name))
        grids = [Grid((architecture,), (size,), self.seeds, name) for architecture, size, name in models]
        there = set(runs)
        return [run for grid in grids for run in grid.missing(there)]


class Further(Section):
    """What is shown of a further data set."""

    notice: DataNotice
    grid: Grid
    recipes: tuple[TrainingSettings, ...] = ()
    """those that its models are trained by, each once"""


class View(Section):
    """What is shown, and how."""

    notice: DataNotice
    grid: Grid
    per_action_size: str
    """the size that is shown in detail"""
    decimals: int
    """of millimetres"""
    statistics: Statistics = Statistics()
    ablation: tuple[AblationEntry, ...] = ()
    ground_truth_2d: Grid | None = None
    """the runs on ground-truth 2D, None if there are none"""
    further: dict[str, Further] = Field({})
    """further data sets, by name"""
    cards: dict[str, Card] = Field({})
    """how each architecture is presented"""
    stages: tuple[str, ...] = ()
    """the stages of the hyper-parameter search, in their order"""
    tuned: dict[str, Tuned] = Field({})
    """by architecture: how the values of its recipe were found"""
    streaming: bool = False
    """whether the error by look-ahead is shown"""

    @property
    def detail(self) -> Grid:
        """The part of the grid that is shown in detail."""
        size = self.per_action_size
        return Grid(self.grid.architectures, (size,), self.grid.seeds_of(size))

    def card(self, architecture: str) -> Card:
        """How an architecture is presented; one without a card by its name."""
        return self.cards.get(architecture) or Card(label=architecture)

    def label(self, architecture: str) -> str:
        """An architecture's name in the paper."""
        return self.card(architecture).label

    def missing_runs(self, runs: Iterable[str]) -> list[str]:
        """Names of all expected runs (the grid, ground-truth 2D, the ablation) that are not among `runs`."""
        runs = set(runs)
        grids: list[Grid | AblationEntry] = [self.grid, *filter(None, [self.ground_truth_2d]), *self.ablation]
        return list(dict.fromkeys(name for grid in grids for name in grid.missing(runs)))


FIELDS = {"labels": "cards"}
"""The parts that are less than a field of the view: the cards as far as tables show them."""

_MANY = {"nargs": "+", "metavar": "NAME"}
_JSON = {"type": json.loads, "metavar": "JSON"}
_CARDS = {"cards": {**_JSON, "help": "how each architecture is presented: its label, colour, marker ..."}}
_OPTIONS: dict[str, dict[str, dict[str, Any]]] = {
    "notice": {
        "dataset_title": {"metavar": "TEXT", "help": "how the paper calls the data"},
        "synthetic": {"action": "store_true", "help": "mark the data as synthetic"},
    },
    "grid": {
        "architectures": {**_MANY, "help": "expected architectures, in this order"},
        "sizes": {**_MANY, "help": "expected sizes, in this order"},
        "seeds": {**_MANY, "type": int, "metavar": "N", "help": "expected seeds of each model"},
        "more_seeds": {**_JSON, "default": {}, "help": "further seeds by size"},
    },
    "per_action_size": {"per_action_size": {"metavar": "NAME", "help": "the size that is shown in detail"}},
    "decimals": {"decimals": {"type": int, "metavar": "N", "help": "decimals of mm"}},
    "statistics": {
        "primary": {"metavar": "NAME", "help": "metric whose differences are tested"},
        "families": {"nargs": "*", "metavar": "NAME", "help": "parts of the study that are tested"},
        "equivalence_margin": {"type": float, "metavar": "X", "help": "difference that would not matter"},
        "resamples": {"type": int, "metavar": "N", "help": "bootstrap resamples"},
        "confidence": {"type": float, "metavar": "P", "help": "confidence level of intervals"},
        "seed": {"type": int, "metavar": "N", "help": "seed of the resampling"},
    },
    "ablation": {"ablation": {**_JSON, "help": "entries of the ablation: a list of objects"}},
    "ground_truth_2d": {"ground_truth_2d": {**_JSON, "help": "the grid of runs on ground-truth 2D"}},
    "further": {"further": {**_JSON, "help": "further data sets by name: notice and grid of each"}},
    "cards": _CARDS,
    "labels": _CARDS,
    "tuned": {"tuned": {**_JSON, "help": "by architecture: how the values of its recipe were found"}},
    "stages": {"stages": {**_MANY, "help": "stages of the search, in their order"}},
    "streaming": {"streaming": {"action": "store_true", "help": "the error by look-ahead is shown"}},
}
PARTS = tuple(_OPTIONS)
"""The parts that a program can ask for."""


def add_options(parser: argparse.ArgumentParser, parts: Iterable[str]) -> None:
    """Give `parser` the options of these parts."""
    options = {name: settings for part in parts for name, settings in _OPTIONS[part].items()}
    for name, settings in options.items():
        parser.add_argument(f"--{name.replace('_', '-')}", **settings)


def from_options(given: argparse.Namespace, parts: Iterable[str]) -> View:
    """The parts of the view that options say. Raises `PoseliftError` if one is missing or makes no sense."""
    values: dict[str, Any] = {}
    known = View.model_fields
    fields = {FIELDS.get(part, part) for part in parts}
    for part in parts:
        told = {name: value for name in _OPTIONS[part] if (value := getattr(given, name)) is not None}
        absent = [name for name in _OPTIONS[part] if name not in told]
        if absent and known[FIELDS.get(part, part)].is_required():
            raise PoseliftError(f"--{absent[0].replace('_', '-')} is missing")
        values |= {part: told} if len(_OPTIONS[part]) > 1 else told
    kinds: Any = {name: (known[name].annotation, known[name]) for name in fields}
    found = parse(create_model("Parts", __base__=Section, **kinds), values, "options")
    view = View.model_construct(**dict(found))
    for name in set(view.__dict__) - fields:  # defaults are not what the program was told
        del view.__dict__[name]
    return view


def to_options(view: View, parts: Iterable[str]) -> str:
    """The command line that says these parts of the view; what is empty or None is left out."""
    return " ".join(word for part in parts for word in _words(view, part))


def _words(view: View, part: str) -> Iterator[str]:
    field = FIELDS.get(part, part)
    value = view.model_dump(mode="json", include={field})[field]
    if part == "labels":
        value = {name: {key: card[key] for key in ("label", "components")} for name, card in value.items()}
    for name, settings in _OPTIONS[part].items():
        one = value[name] if len(_OPTIONS[part]) > 1 else value
        if one is None or one is False or (one in ("", [], {}) and settings.get("nargs") != "*"):
            continue
        yield f"--{name.replace('_', '-')}"
        if settings.get("type") is json.loads:
            yield shlex.quote(json.dumps(one, ensure_ascii=False))
        elif one is not True:
            yield from (shlex.quote(str(word)) for word in (one if isinstance(one, list) else [one]))
