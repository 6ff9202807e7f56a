"""Architectures by name: the project's own, and lifters of the user's.

An architecture is one Python file with

    build(size, n_frames, settings) -> nn.Module    a model, forward (B, T, 17, 3) -> (B, T, 17, 3)
    Settings                                        its hyper-parameters, a `Section`; may be left out
    CARD                                            how it is presented, a `Card`; may be left out
    MAX_BATCH_SIZE                                  for the recipe `guide`; may be left out

The project's lie in `poselift.models.architectures`. A user's is named in config.yaml, under `architectures`,
by its path or as an importable module. All are imported by name, so that code depends on those it uses only.
"""

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

from poselift.config.card import Card
from poselift.config.sections import Section, suggest
from poselift.errors import PoseliftError

PACKAGE = "poselift.models.architectures"


@dataclass(frozen=True)
class Architecture:
    """An architecture: `source` is the user's file or module, None for the project's own."""

    name: str
    source: str | None
    module: ModuleType
    settings: type[Section]
    card: Card | None


@functools.cache
def find(name: str, source: str | None = None) -> Architecture:
    """The architecture called `name`, from the user's file or module `source` or among the project's own.

    Raises `PoseliftError` for an unknown name; for a user's file, as `own_architecture.load`.
    """
    if source is not None:
        # by name: how a user's file is checked is no part of what a training depends on
        own: Architecture = importlib.import_module("poselift.config.own_architecture").load(name, source)
        return own
    if name not in built_in():
        raise PoseliftError(f"unknown architecture '{name}'{suggest(name, built_in())}")
    module = importlib.import_module(f"{PACKAGE}.{name}")
    return Architecture(name, None, module, module.Settings, module.CARD)


def built_in() -> list[str]:
    """The names of the project's own architectures."""
    return sorted(module.name for module in pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__))


def known(own: Mapping[str, str]) -> dict[str, Architecture]:
    """The project's own architectures and the user's, `own`, by name; raises as `find`."""
    return {name: find(name, own.get(name)) for name in [*built_in(), *own]}


def code_entries(name: str, source: str | None = None) -> tuple[str, ...]:
    """What the code hash of a stage that builds this architecture starts from, beside the stage itself."""
    return (source or f"{PACKAGE}.{name}",)
