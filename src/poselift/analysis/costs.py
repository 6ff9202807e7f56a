"""Parameters and multiply-accumulates of each model, as counted by poselift.models.cost."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from poselift.errors import PoseliftError
from poselift.files import reading

MILLION, GIGA = 1e6, 1e9

COLUMNS = ("architecture", "size", "n_frames", "parameters", "macs_linear", "macs_all")


@dataclass(frozen=True)
class Cost:
    """What one model costs for one clip of `n_frames`."""

    n_frames: int
    parameters: int
    macs_linear: int
    macs_all: int


def read_costs(paths: Iterable[Path]) -> dict[tuple[str, str], Cost]:
    """The costs by architecture and size. Raises `PoseliftError` if a file is missing or something else."""
    costs: dict[tuple[str, str], Cost] = {}
    for path in paths:
        with reading(path, "a table of costs", "make it with `poselift cost`"):
            table = pd.read_csv(path, dtype={"architecture": str, "size": str}, keep_default_na=False)
            if not set(COLUMNS) <= set(table.columns):
                raise ValueError(f"expected the columns {', '.join(COLUMNS)}")
            for architecture, size, *counts in table[[*COLUMNS]].itertuples(index=False):
                model = f"{architecture} {size}"
                if (architecture, size) in costs:
                    raise PoseliftError(f"{path}: a second row for {model}; give each model once")
                try:
                    costs[architecture, size] = Cost(*map(int, counts))
                except ValueError as error:
                    raise ValueError(f"{model}: {error}") from None
    return costs


def read_variant_costs(paths: Iterable[Path]) -> dict[str, Cost]:
    """The costs of models with changed keys, a file each, by its name `<architecture>-<size>-<variant>`."""
    return {path.stem: cost for path in paths for cost in read_costs([path]).values()}


def decimals_for(values: Sequence[float]) -> int:
    """The decimals of a column: two, or as many as the smallest value needs to show two digits."""
    smallest = min(values, default=1.0)
    return max(2, 1 - math.floor(math.log10(smallest)))
