"""The best trials of the hyper-parameter search."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from poselift.analysis.trials import DESCRIPTION, as_number
from poselift.analysis.view import View
from poselift.tables.caption import caption_notice
from poselift.tables.table import Block, Cell, Layout, Row, Table, columns, plain

NEEDS = ("trials", "notice")
LAYOUT = Layout(wide=True)

SHOWN = 20


def table(trials: pd.DataFrame, view: View) -> Table:
    """The table: a row per trial, the lowest error first; `trials` as `analysis.trials` reads them."""
    searched = [name for name in trials.columns if name not in DESCRIPTION]
    best = trials.sort_values("final", kind="stable", na_position="last").head(SHOWN)

    def row(trial: Mapping[Any, Any]) -> Row:
        error = None if math.isnan(trial["final"]) else trial["final"]
        status = trial["status"] + (f": {trial['reason']}" if trial["reason"] else "")
        keys = (Cell(trial[name], value=as_number(trial[name])) for name in searched)
        counts = (plain(float(trial[name]), 0) for name in ("epochs", "seeds"))
        return Cell(trial["stage"]), *keys, plain(error, 2), *counts, Cell(status)

    return Table(
        "Hyper-parameter search",
        f"The best {len(best)} of {len(trials)} trials, by the error after the last epoch on a train subject "
        "that is held out, in pixels, the mean of its seeds. Stages differ in their length.",
        caption_notice(view.notice),
        (
            *columns("text", "Stage", *(name.replace("_", " ") for name in searched)),
            *columns("number", "MPJPE (px)", "Epochs", "Seeds"),
            *columns("text", "Status"),
        ),
        (Block(tuple(row(trial) for trial in best.to_dict("records"))),),
    )
