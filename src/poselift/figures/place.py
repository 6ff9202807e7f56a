"""MPJPE by a frame's position in the clip after the last epoch: the ends see least of what surrounds them."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from poselift.analysis.results import names_in, per_seed
from poselift.analysis.view import View
from poselift.figures.lines import draw_line, note
from poselift.figures.style import COLUMN_WIDTH, annotate, legend

NEEDS = ("results", "notice", "grid", "per_action_size", "cards")
CAPTION = "MPJPE on {{ data }} by the position of a frame in its clip, size {{ size }}, last epoch."


def by_position(results: pd.DataFrame, architecture: str, size: str) -> pd.DataFrame:
    """MPJPE in mm: a row per seed, a column per position in the clip, from 0; empty without a run."""
    rows = results[results["group"] == "place"]
    errors = {
        int(at): per_seed(rows, architecture, size, "mpjpe", "last", "place", at)
        for at in names_in(rows, "place")
    }
    return pd.DataFrame(errors).sort_index(axis="columns").dropna(axis="columns", how="all")


def draw(results: pd.DataFrame, view: View) -> Figure:
    """The figure, one column wide: a line per architecture, the band from the lowest to the highest seed."""
    figure, ax = plt.subplots(figsize=(COLUMN_WIDTH, 2.1), layout="constrained")
    absent, n_seeds, longest = [], 0, 1
    for name in view.grid.architectures:
        errors = by_position(results, name, view.per_action_size)
        if errors.empty:
            absent.append(name)
            continue
        frames, card = errors.columns.to_numpy() + 1, view.card(name)
        marker = card.marker if len(frames) < 20 else ""
        draw_line(ax, frames, errors.to_numpy(), card, marker=marker, markersize=3)
        longest = max(longest, frames[-1])
        n_seeds = max(n_seeds, len(errors))
    ax.set(xlabel=f"frame of the clip ({view.per_action_size})", ylabel="MPJPE (mm)")
    ax.set_xlim(1, max(longest, 2))
    ax.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1))
    ax.grid(axis="y")
    legend(figure, view, line=True, absent=absent)
    annotate(figure, view.notice, view.detail.missing(results["run"]), note(n_seeds))
    return figure
