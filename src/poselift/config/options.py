"""Settings as the options of a command, from both ends: what a program takes, and what the workflow says."""

import argparse
import shlex
from collections.abc import Collection, Iterable
from typing import Any, Literal, get_args, get_origin

from poselift.config.sections import Section


def _flat_fields(model: type[Section]) -> Iterable[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _flat_fields(field.annotation)
        else:
            yield name, field


def add_options(parser: argparse.ArgumentParser, *models: type[Section]) -> list[str]:
    """Give `parser` an option for each field of `models`, nested sections flattened; none is required.
    A field of several models takes what any of them takes. Returns the names of the fields."""
    fields: dict[str, list[Any]] = {}
    for model in models:
        for name, field in _flat_fields(model):
            fields.setdefault(name, []).append(field)
    for name, alike in fields.items():
        field = alike[-1]
        default = "" if field.is_required() or field.default is None else f" (default: {field.default})"
        choices = None
        if all(get_origin(one.annotation) is Literal for one in alike):
            choices = list(dict.fromkeys(choice for one in alike for choice in get_args(one.annotation)))
        kind: dict[str, Any] = {"choices": choices} if choices else {"metavar": name.upper()}
        if field.annotation is bool:  # --name means yes; --name false is there for files and workflows
            kind = {"nargs": "?", "const": "true", "metavar": "true|false"}
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            default=argparse.SUPPRESS,
            help=(field.description or "") + default,
            **kind,
        )
    return list(fields)


def options(settings: Section, only: Collection[str] | None = None, without: Collection[str] = ()) -> str:
    """The command line that says `settings`, or `only` some fields, or all `without` some.

    Nested sections are flattened, a list becomes several words, what is None is left out.
    """
    words: list[str] = []
    for name, value in settings:
        if value is None or name in without or (only is not None and name not in only):
            continue
        if isinstance(value, Section):
            words.append(options(value))
        else:
            values = value if isinstance(value, list) else [value]
            values = [str(word).lower() if isinstance(word, bool) else word for word in values]
            words += [f"--{name.replace('_', '-')}", *(shlex.quote(str(word)) for word in values)]
    return " ".join(filter(None, words))
