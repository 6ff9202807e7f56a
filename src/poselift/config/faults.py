"""Faults of a configuration in words, a line for each: the source, the key, what is expected."""

import reprlib
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from poselift.config.sections import COLOUR, HASH, NAME
from poselift.errors import PoseliftError, one_line

RULES = {
    NAME: "a name of small letters, digits and underscores that begins with a letter",
    HASH: "64 digits, 0 to 9 and a to f",
    COLOUR: "a colour like #00a0ff",
}
"""Patterns in words."""

SHOWN = 20
"""Faults that are told at once."""


def raise_all(reasons: Sequence[str]) -> None:
    """In a validator: raise all of these faults, which name their keys themselves; none if there are none."""
    details: list[InitErrorDetails] = [
        {"type": PydanticCustomError("fault", "{reason}", {"reason": reason}), "input": {}}
        for reason in reasons
    ]
    if details:
        raise ValidationError.from_exception_data("section", details)


def require_numbers(section: type[BaseModel], value: Any) -> None:
    """In a validator: raise a fault for each true or false in a place of a number, where it would count as 1
    or 0."""
    given = value if isinstance(value, Mapping) else {}
    kinds = {name: field.annotation for name, field in section.model_fields.items() if name in given}
    raise_all(
        [
            f"{name}: expected a number, found true or false"
            for name, kind in kinds.items()
            if {int, float} & {kind, *get_args(kind)}
            for each in (given[name] if isinstance(given[name], list) else [given[name]])
            if isinstance(each, bool)
        ]
    )


def in_words(error: ValidationError | UnicodeError, value: Any, source: str) -> PoseliftError:
    """The error for a `value` from `source` (a file, options) that is not as its section says."""
    try:
        found = error.errors() if isinstance(error, ValidationError) else []
    except UnicodeError as unreadable:  # in a fault's own words
        error, found = unreadable, []
    if not found:  # half a surrogate pair
        return PoseliftError(f"{one_line(source)}: a text that is no Unicode: {one_line(error)}")
    told = [(source, _key(fault["loc"], value), _reason(fault)) for fault in found[:SHOWN]]
    if len(found) > SHOWN:
        told.append((source, "", f"{len(found) - SHOWN} more faults"))
    return PoseliftError("\n".join(one_line(": ".join(filter(None, parts)), limit=1000) for parts in told))


def _key(location: Sequence[int | str], value: Any) -> str:
    """Where in `value` a fault is, `ablation.no_graph.model`: entries of lists by their names."""
    names = []
    for part in location:
        try:
            value = value[part]
        except (LookupError, TypeError):
            value = None
        named = isinstance(part, int) and isinstance(value, dict) and isinstance(value.get("name"), str)
        names.append(value["name"] if named else str(part))
    return one_line(".".join(name for name in names if name != "[key]"))


def _reason(fault: ErrorDetails) -> str:
    """What is expected, and what is there instead."""
    if fault["type"] == "unknown_key":
        return fault["msg"]
    if fault["type"] == "missing":
        return "is missing"
    reason = one_line(fault["msg"].removeprefix("Value error, "), limit=500)
    if fault["type"] in ("model_type", "dict_type"):
        reason = "expected keys with values"
    if rule := RULES.get(str(fault.get("ctx", {}).get("pattern"))):
        reason = f"expected {rule}"
    is_section = isinstance(fault["input"], dict | BaseModel)
    return reason if is_section else f"{reason}, but it is {_shown(fault['input'])}"


def _shown(value: Any) -> str:
    """The value, shortened: nested aliases can stand for more than fits into memory."""
    try:
        return one_line(_SHORT.repr(value))
    except ValueError:  # an integer of thousands of digits
        return "a very large number"


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 100
