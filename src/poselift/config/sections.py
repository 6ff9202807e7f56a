"""What every part of the configuration shares: strict sections, readable errors, command-line options."""

import argparse
import difflib
import shlex
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from poselift.errors import PoseliftError


class Section(BaseModel):
    """A part of the configuration: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


AnySection = TypeVar("AnySection", bound=Section)


def suggest(name: str, known: Iterable[str]) -> str:
    """The end of an error message about an unknown name: what may have been meant, or what there is."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean '{close[0]}'?)" if close else f" (known: {', '.join(known)})"


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that the section at `location` knows."""
    section: Any = model
    for step in location:
        field = getattr(section, "model_fields", {}).get(step)
        annotation = field.annotation if field else section
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        section = next((c for c in candidates if isinstance(c, type) and issubclass(c, Section)), section)
    return list(getattr(section, "model_fields", {}))


def parse(model: type[AnySection], value: Any, source: str) -> AnySection:
    """Validate `value`; the first fault becomes one line: `source`, the key, what is expected."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(map(str, fault["loc"]))
        if fault["type"] == "extra_forbidden":
            known = _keys_at(model, fault["loc"][:-1])
            reason = f"unknown key{suggest(str(fault['loc'][-1]), known)}"
        elif fault["type"] == "missing":
            reason = "is missing"
        else:
            reason = fault["msg"].removeprefix("Value error, ")
            if not isinstance(fault["input"], dict | BaseModel):
                reason += f", but it is {fault['input']!r}"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise PoseliftError(": ".join(filter(None, (source, key, reason))) + more) from None


def load(path: Path, model: type[AnySection]) -> AnySection:
    """Read a YAML file into `model`; a fault is one line that names the file and the key."""
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PoseliftError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    return parse(model, value, str(path))


def _flat_fields(model: type[Section]) -> Iterable[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _flat_fields(field.annotation)
        else:
            yield name, field


def add_options(parser: argparse.ArgumentParser, *models: type[Section]) -> None:
    """Give `parser` an option for each field of `models`, nested sections flattened; none is required."""
    fields = {name: field for model in models for name, field in _flat_fields(model)}
    for name, field in fields.items():
        default = "" if field.is_required() or field.default is None else f" (default: {field.default})"
        choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else None
        kind: dict[str, Any] = {"choices": choices} if choices else {"metavar": name.upper()}
        if field.annotation is bool:  # --name means yes; --name false is there for files and workflows
            kind = {"nargs": "?", "const": "true", "metavar": "true|false"}
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            default=argparse.SUPPRESS,
            help=(field.description or "") + default,
            **kind,
        )


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
