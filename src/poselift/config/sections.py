"""What every part of the configuration shares: strict sections, readable errors, command-line options."""

import argparse
import difflib
import reprlib
import shlex
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from poselift.errors import PoseliftError, one_line


class Section(BaseModel):
    """A part of the configuration: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, value: Any) -> Any:
        """Refuse an unknown key with a suggestion of what may have been meant."""
        if isinstance(value, dict) and cls.model_config["extra"] == "forbid":
            faults: list[InitErrorDetails] = [
                {
                    "type": PydanticCustomError(UNKNOWN_KEY, "{reason}", {"reason": f"unknown key{meant}"}),
                    "loc": (key,),
                    "input": value[key],
                }
                for key in value
                if isinstance(key, str) and key not in cls.model_fields
                for meant in [suggest(one_line(key), cls.model_fields)]
            ]
            if faults:
                raise ValidationError.from_exception_data(cls.__name__, faults)
        return value


class Unchecked(Section):
    """A section of any keys, which are checked elsewhere."""

    model_config = ConfigDict(extra="allow")


def _literal(value: Any) -> Any:
    if set("{}") & set(str(value)) or not str(value).isprintable():
        raise ValueError("braces are Snakemake's own, and all else has to be printable")
    return value


InputPath = Annotated[Path, AfterValidator(_literal)]
"""A file that the workflow reads."""

Text = Annotated[str, AfterValidator(_literal)]
"""Words that the paper shows."""

UNKNOWN_KEY = "unknown_key"

NAME = r"^[a-z][a-z0-9_]*$"
"""What a name that becomes part of a path, a macro and a command looks like."""

AnySection = TypeVar("AnySection", bound=Section)


def suggest(name: str, known: Iterable[str]) -> str:
    """The end of an error message about an unknown name: what may have been meant, or what there is."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean '{close[0]}'?)" if close else f" (known: {', '.join(known)})"


def _shown(value: Any) -> str:
    """The value, shortened: nested aliases can stand for more than fits into memory."""
    try:
        return one_line(_SHORT.repr(value))
    except ValueError:  # an integer of thousands of digits
        return "a very large number"


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 100


def parse(model: type[AnySection], value: Any, source: str) -> AnySection:
    """Validate `value`; the first fault becomes one line: `source`, the key, what is expected."""
    try:
        return model.model_validate(value)
    except UnicodeError as error:  # half a surrogate pair
        raise PoseliftError(f"{one_line(source)}: a text that is no Unicode: {one_line(error)}") from None
    except ValidationError as error:
        fault = error.errors()[0]
        key = one_line(".".join(map(str, fault["loc"])))
        if fault["type"] == UNKNOWN_KEY:
            reason = fault["msg"]
        elif fault["type"] == "missing":
            reason = "is missing"
        else:
            reason = one_line(fault["msg"].removeprefix("Value error, "), limit=500)
            if not isinstance(fault["input"], dict | BaseModel):
                reason += f", but it is {_shown(fault['input'])}"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        message = ": ".join(filter(None, (source, key, reason))) + more
        raise PoseliftError(one_line(message, limit=1000)) from None


def _flat_fields(model: type[Section]) -> Iterable[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _flat_fields(field.annotation)
        else:
            yield name, field


def add_options(parser: argparse.ArgumentParser, *models: type[Section]) -> None:
    """Give `parser` an option for each field of `models`, nested sections flattened; none is required.
    A field of several models takes what any of them takes."""
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
