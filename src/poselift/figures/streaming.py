"""MPJPE by look-ahead: what an answer costs that comes before all of the future is seen."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from poselift.analysis.view import View
from poselift.evaluation.statistics import seed_interval
from poselift.figures.dots import TWO
from poselift.figures.place import by_position
from poselift.figures.style import COLUMN_WIDTH, annotate, legend

NEEDS = ("results", "notice", "grid", "per_action_size", "statistics", "cards", "streaming")
CAPTION = """
MPJPE on {{ data }} by look-ahead, size {{ size }}, last epoch: of the frames that have so many after them in
their clip.
"""


def by_look_ahead(results: pd.DataFrame, architecture: str, size: str) -> pd.DataFrame:
    """MPJPE in mm: a row per seed, a column per look-ahead from 0 to half a clip; empty without a run.

    The pose with a look-ahead of k is that at place n - 1 - k of a clip of n frames (`inference.stream`).
    """
    errors = by_position(results, architecture, size).iloc[:, ::-1]
    n_frames = errors.shape[1]
    return errors.set_axis(range(n_frames), axis="columns").iloc[:, : (n_frames + 1) // 2]


def draw(results: pd.DataFrame, view: View) -> Figure:
    """The figure, one column wide: a line per architecture, the band Student's t interval over seeds."""
    figure, ax = plt.subplots(figsize=(COLUMN_WIDTH, 2.1), layout="constrained")
    confidence, absent, n_seeds, longest = view.statistics.confidence, [], 0, 1
    for name in view.grid.architectures:
        errors, card = by_look_ahead(results, name, view.per_action_size), view.card(name)
        if errors.empty:
            absent.append(name)
            continue
        frames = errors.columns.to_numpy()
        marker = card.marker if len(frames) < 20 else ""
        ax.plot(
            frames, errors.mean(), color=card.colour, linestyle=card.line, marker=marker, markersize=3
        )  # fmt: skip
        if len(errors) > TWO:
            ends = np.array([seed_interval(errors[frame], confidence) for frame in frames])
            ax.fill_between(frames, *ends.T, color=card.colour, alpha=0.2, linewidth=0)
        n_seeds, longest = max(n_seeds, len(errors)), max(longest, frames[-1])
    ax.set(xlabel=f"look-ahead in frames ({view.per_action_size})", ylabel="MPJPE (mm)", xlim=(0, longest))
    ax.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1))
    ax.grid(axis="y")
    legend(figure, view, line=True, absent=absent)
    band = f"line: mean over seeds, band: its {100 * confidence:g} % t interval"
    note = band if n_seeds > TWO else "fewer than three seeds: no interval"
    annotate(figure, view.notice, view.detail.missing(results["run"]), note)
    return figure
