"""Tables and the like as JSON: what one job made, others show."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from poselift.errors import PoseliftError
from poselift.files import write_text

Point = tuple[float, float, str]
"""A place in a picture, as shares of its width and height from the upper left, and what is said there."""


@dataclass(frozen=True)
class FigureContent:
    """What is known of a figure beside its picture."""

    caption: str
    points: tuple[Point, ...] = ()


def write_content(path: Path, content: Any) -> None:
    """Write a content, or None where there is none."""
    write_text(path, TypeAdapter(Any).dump_json(content, indent=1).decode() + "\n")


def read_content(path: Path, kind: Any) -> Any:
    """Read a content of `kind` (`Table | None`, `list[Judgement]`).

    Raises `PoseliftError` if the file is missing or holds something else.
    """
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file; build it with snakemake") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise PoseliftError(
            f"{path}: not what its job wrote ({where}: {first['msg']}); remove it and build it again"
        ) from None
