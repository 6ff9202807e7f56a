"""Reading the trials of a hyper-parameter search, the table that `poselift.search.collect` writes."""

from pathlib import Path

import pandas as pd

from poselift.errors import PoseliftError

DESCRIPTION = ("stage", "trial", "status", "reason", "best", "final", "unit", "epochs", "gpu_hours")
"""The columns that describe a trial; the others are the searched keys."""


def read_trials(path: Path) -> pd.DataFrame:
    """The table of a search, all text but for `best`, a number or NaN.

    Raises `PoseliftError` if the file is missing, is no such table, or holds no trial.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file; run the search first") from None
    except ValueError as error:
        raise PoseliftError(f"{path}: not a table of trials: {' '.join(str(error).split())}") from None
    if not set(DESCRIPTION) <= set(table.columns):
        raise PoseliftError(f"{path}: not a table of trials; expected the columns {', '.join(DESCRIPTION)}")
    if table.empty:
        raise PoseliftError(f"{path}: holds no trial")
    try:
        return table.assign(best=pd.to_numeric(table["best"]).astype(float))
    except ValueError as error:
        raise PoseliftError(f"{path}: column best: {error}") from None
