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
    """What a YAML file says. Raises `PoseliftError` for a file that is no YAML, or too much of it."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise PoseliftError(f"{path}: {size:,} bytes, expected at most {MAX_BYTES:,}: no configuration")
        text = path.read_text(encoding="utf-8")
        _refuse_multiplied(yaml.compose(text, yaml.SafeLoader), {})
        return yaml.safe_load(text)
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file") from None
    except (OSError, PoseliftError):
        raise
    except Exception as error:  # malformed text can fail in any way, a date of month 13 for one
        raise PoseliftError(f"{path}: not valid YAML: {one_line(error)}") from None


def _refuse_multiplied(node: yaml.Node | None, sizes: dict[int, int]) -> int:
    """How many values the node stands for, aliases written out; too many, or endlessly many, are refused."""
    if node is None or id(node) in sizes:
        return sizes.get(id(node), 0)
    sizes[id(node)] = MAX_VALUES  # an alias within itself
    parts = node.value if isinstance(node, yaml.CollectionNode) else []
    parts = [part for pair in parts for part in (pair if isinstance(pair, tuple) else (pair,))]
    sizes[id(node)] = 1 + sum(_refuse_multiplied(part, sizes) for part in parts)
    if sizes[id(node)] >= MAX_VALUES:
        raise yaml.YAMLError(f"more than {MAX_VALUES:,} values, aliases written out")
    return sizes[id(node)]
