"""Errors per action, for the models of one size after the last epoch."""

import pandas as pd

from poselift.analysis.view import View
from poselift.tables.by_name import by_name
from poselift.tables.table import Layout, Table

NEEDS = ("results", "notice", "grid", "per_action_size", "decimals", "labels")
LAYOUT = Layout(wide=True)


def table(results: pd.DataFrame, view: View) -> Table:
    """The table: a row per action, and their unweighted mean, which is the overall number."""
    last_row = "The last row is the unweighted mean over actions."
    return by_name(results, view, "action", ("mpjpe", "p_mpjpe"), last_row)
