"""MPJPE over the frames of a clip, a line per architecture."""

from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from poselift.analysis.results import names_in, per_seed
from poselift.analysis.view import View
from poselift.figures.lines import Ends, draw_line
from poselift.figures.style import COLUMN_WIDTH, annotate, legend


def by_position(results: pd.DataFrame, architecture: str, size: str) -> pd.DataFrame:
    """MPJPE in mm after the last epoch: a row per seed, a column per position in the clip, from 0; empty
    without a run."""
    rows = results[results["group"] == "place"]
    errors = {
        int(at): per_seed(rows, architecture, size, "mpjpe", "last", "place", at)
        for at in names_in(rows, "place")
    }
    return pd.DataFrame(errors).sort_index(axis="columns").dropna(axis="columns", how="all")


def draw_by_frame(
    errors: Mapping[str, pd.DataFrame],
    results: pd.DataFrame,
    view: View,
    label: str,
    ends: Ends,
    note: Callable[[int], str],
) -> Figure:
    """A figure, one column wide: by architecture the mean of `errors`, a row per seed, over their columns.

    `ends` gives the band of a line; `note` says what it is, by the largest number of seeds.
    """
    figure, ax = plt.subplots(figsize=(COLUMN_WIDTH, 2.1), layout="constrained")
    drawn = {name: each for name, each in errors.items() if not each.empty}
    for name, each in drawn.items():
        marker = view.card(name).marker if each.shape[1] < 20 else ""
        draw_line(ax, each.columns, each.to_numpy(), view.card(name), ends, marker=marker, markersize=3)
    if drawn:
        longest = max((each.columns.to_numpy() for each in drawn.values()), key=len)
        ax.set_xlim(longest[0], max(longest[-1], longest[0] + 1))
    ax.set(xlabel=f"{label} ({view.per_action_size})", ylabel="MPJPE (mm)")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1))
    ax.grid(axis="y")
    legend(figure, view, line=True, absent=[name for name in errors if name not in drawn])
    n_seeds = max(map(len, drawn.values()), default=0)
    annotate(figure, view.notice, view.detail.missing(results["run"]), note(n_seeds))
    return figure
