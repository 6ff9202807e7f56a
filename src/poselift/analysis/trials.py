"""Reading the trials of a hyper-parameter search, the table that `poselift.search.collect` writes."""

from pathlib import Path

import pandas as pd

from poselift.errors import PoseliftError
from poselift.files import reading

DESCRIPTION = ("stage", "trial", "status", "reason", "best", "final", "unit", "epochs", "seeds", "gpu_hours")
"""The columns that describe a trial; the others are the searched keys."""


def read_trials(path: Path) -> pd.DataFrame:
    """The table of a search, all text but for `final`, the error after the last epoch, a number or NaN.

    Raises `PoseliftError` if the file is missing, is no such table, or holds no trial.
    """
    with reading(path, "a table of trials", "run the search"):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        if not set(DESCRIPTION) <= set(table.columns):
            raise ValueError(f"expected the columns {', '.join(DESCRIPTION)}")
        table["final"] = pd.to_numeric(table["final"]).astype(float)
    if table.empty:
        raise PoseliftError(f"{path}: holds no trial")
    return table


def as_number(text: str) -> float | None:
    """The number that a value of a key is, None if it is none."""
    try:
        return float(text)
    except ValueError:
        return None
