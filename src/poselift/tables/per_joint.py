"""Errors per joint, for the models of one size after the last epoch: beside the paper, which draws them."""

import pandas as pd

from poselift.analysis.view import View
from poselift.tables.by_name import by_name
from poselift.tables.table import Layout, Table

NEEDS = ("results", "notice", "grid", "per_action_size", "decimals", "labels")
LAYOUT = Layout()


def table(results: pd.DataFrame, view: View) -> Table:
    """The table: a row per joint, and the error of whole poses."""
    return by_name(results, view, "joint", ("mpjpe",), "The last row is the error of whole poses.")
