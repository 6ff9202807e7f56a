"""Reading YAML files into sections of the configuration; what is too much for one is refused."""

from pathlib import Path
from typing import Any

import yaml

from poselift.config.sections import AnySection, parse
from poselift.errors import PoseliftError, one_line

MAX_BYTES, MAX_VALUES = 1_000_000, 100_000
"""More is no configuration that somebody wrote."""


def load(path: Path, model: type[AnySection]) -> AnySection:
    """Read a YAML file into `model`; a fault is one line that names the file and the key."""
    return parse(model, read_yaml(path), str(path))


def read_yaml(path: Path) -> Any:
    """What a YAML file says. Raises `PoseliftError`, with the line, for a file that is no YAML, has a key
    twice, or holds too much."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise PoseliftError(f"{path}: {size:,} bytes, expected at most {MAX_BYTES:,}: no configuration")
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        _check(node, {})
        return loader.construct_document(node) if node else None
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file") from None
    except (OSError, PoseliftError):
        raise
    except Exception as error:  # malformed text can fail in any way, a date of month 13 for one
        raise PoseliftError(f"{path}: not valid YAML: {_reason(error)}") from None


def _check(node: yaml.Node | None, sizes: dict[int, int]) -> int:
    """How many values the node stands for, aliases written out; too many, or endlessly many, are refused, and
    so is a key that stands twice, of which a YAML reader keeps the last in silence."""
    if node is None or id(node) in sizes:
        return sizes.get(id(node), 0)
    sizes[id(node)] = MAX_VALUES  # an alias within itself
    parts = node.value if isinstance(node, yaml.CollectionNode) else []
    if isinstance(node, yaml.MappingNode):
        _refuse_repeated([key for key, _ in parts if isinstance(key, yaml.ScalarNode)])
        parts = [part for pair in parts for part in pair]
    sizes[id(node)] = 1 + sum(_check(part, sizes) for part in parts)
    if sizes[id(node)] >= MAX_VALUES:
        raise yaml.YAMLError(f"more than {MAX_VALUES:,} values, aliases written out")
    return sizes[id(node)]


def _refuse_repeated(keys: list[yaml.ScalarNode]) -> None:
    lines: dict[tuple[str, str], int] = {}
    for key in keys:
        if (same := (key.tag, key.value)) in lines:
            reason = f"the key '{key.value}' stands on line {lines[same]} already; keep one of them"
            raise yaml.MarkedYAMLError(problem=reason, problem_mark=key.start_mark)
        lines[same] = key.start_mark.line + 1


def _reason(error: Exception) -> str:
    """What is wrong, and on which line if the error knows it."""
    if isinstance(error, UnicodeDecodeError):
        line = error.object.count(b"\n", 0, error.start) + 1
        return f"line {line}: not in UTF-8"
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return one_line(error)
    begun = f"{error.context} begun on line {error.context_mark.line + 1}, " if error.context_mark else ""
    return one_line(f"line {error.problem_mark.line + 1}: {begun}{error.problem}")
