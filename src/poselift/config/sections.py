"""What every part of the configuration shares: strict sections and readable errors."""

import difflib
import re
from collections.abc import Iterable
from pkgutil import resolve_name
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from poselift.errors import one_line


class Section(BaseModel):
    """A part of the configuration: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="wrap")
    @classmethod
    def _known_keys(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Say of an unknown key what may have been meant, beside all other faults."""
        try:
            resolve_name("poselift.config.faults:require_numbers")(cls, value)
            return handler(value)
        except ValidationError as error:
            details = [cls._told(fault) for fault in error.errors()]
            raise ValidationError.from_exception_data(cls.__name__, details) from None

    @classmethod
    def _told(cls, fault: ErrorDetails) -> InitErrorDetails:
        kind, reason = fault["type"], one_line(fault["msg"], limit=500)
        if kind == "extra_forbidden" and len(fault["loc"]) == 1:
            kind, reason = "unknown_key", f"unknown key{suggest(one_line(fault['loc'][0]), cls.model_fields)}"
        told = PydanticCustomError(kind, "{reason}", {**fault.get("ctx", {}), "reason": reason})
        return {"type": told, "loc": fault["loc"], "input": fault["input"]}


class Unchecked(Section):
    """A section of any keys, which are checked elsewhere."""

    model_config = ConfigDict(extra="allow")


def literal(value: Any) -> Any:
    """A text or a path as it is. Raises `ValueError` for one that Snakemake would read otherwise."""
    if set("{}") & set(str(value)) or not str(value).isprintable():
        raise ValueError("braces are Snakemake's own, and all else has to be printable")
    return value


Text = Annotated[str, AfterValidator(literal)]
"""Words that the paper shows."""

NAME = r"^[a-z][a-z0-9_]*$"
"""What a name that becomes part of a path, a macro and a command looks like."""

HASH, COLOUR = "^[0-9a-f]{64}$", "^#[0-9a-fA-F]{6}$"

AnySection = TypeVar("AnySection", bound=Section)


def suggest(name: str, known: Iterable[str]) -> str:
    """The end of an error message about an unknown name: what may have been meant, or what there is."""
    known = {_plain(each): each for each in known}
    close = difflib.get_close_matches(_plain(name), known, n=1)
    return f" (did you mean '{known[close[0]]}'?)" if close else f" (known: {', '.join(known.values())})"


def _plain(name: str) -> str:
    return re.sub(r"\W", "_", name.casefold())


def parse(model: type[AnySection], value: Any, source: str) -> AnySection:
    """Validate `value`. Raises `PoseliftError` with a line per fault: `source`, the key, what is expected."""
    try:
        return model.model_validate(value)
    except (ValidationError, UnicodeError) as error:
        # by name: how a fault is worded is no part of what a training depends on
        raise resolve_name("poselift.config.faults:in_words")(error, value, source) from None
