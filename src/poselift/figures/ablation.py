"""What each entry of the ablation changes: the difference of its error from the model it starts from."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from poselift.analysis.intervals import Differences, Pair, entry_pairs
from poselift.analysis.view import AblationEntry, View
from poselift.evaluation.metrics import METRICS
from poselift.evaluation.statistics import Interval
from poselift.figures.changes import draw_change, note_on_changes
from poselift.figures.dots import Row, fit, name_rows, write_instead
from poselift.figures.style import COLUMN_WIDTH, INK, annotate, legend, literal

NEEDS = ("results", "notice", "statistics", "ablation", "cards")
CAPTION = """
What each change of the ablation does to the MPJPE on {{ data }} after the last epoch: its difference
from the model that is changed, paired by recording and seed. To the right of zero the change makes it worse.
"""

_LABEL_WIDTH = 24  # characters


@dataclass(frozen=True)
class _Shown:
    """An entry, what it is compared with, the change of the MPJPE after the last epoch in mm, None where a
    run of it or of its base is missing, and whether that is significant."""

    entry: AblationEntry
    pair: Pair
    change: Interval | None
    significant: bool


def _changes(results: pd.DataFrame, view: View) -> list[_Shown]:
    """The entries by falling change, last those without one."""
    pairs = entry_pairs(view.ablation)
    differences = Differences(results, view.statistics, {"ablation": pairs})
    found = [
        _Shown(
            entry,
            pair,
            differences.difference(*pair, "mpjpe", "last"),
            differences.significant(*pair, "mpjpe", "last"),
        )
        for entry, pair in zip(view.ablation, pairs, strict=True)
    ]
    return sorted(found, key=lambda each: -each.change.estimate if each.change else float("inf"))


def _labels(entries: Sequence[AblationEntry]) -> list[str]:
    """The entries' titles, with the sizes of what they are compared with where these differ."""
    sizes = [entry.base[1] for entry in entries]
    several = len(set(sizes)) > 1
    titles = [
        (entry.title or entry.name) + (f", {size}" if several else "")
        for entry, size in zip(entries, sizes, strict=True)
    ]
    return [literal(textwrap.fill(title, _LABEL_WIDTH)) for title in titles]


def draw(results: pd.DataFrame, view: View) -> Figure:
    """The figure, one column wide: an entry per row, to the right of zero where the change makes it worse."""
    entries, statistics = view.ablation, view.statistics
    shown = _changes(results, view)
    labels = _labels([each.entry for each in shown])
    n_lines = np.array([label.count("\n") + 1 for label in labels] or [1])
    heights = np.cumsum(n_lines) - n_lines / 2  # in lines, so that no title runs into the next
    architectures = list(dict.fromkeys(entry.base[0] for entry in entries))
    figure, ax = plt.subplots(figsize=(COLUMN_WIDTH, 1.15 + 0.16 * n_lines.sum()), layout="constrained")
    rows: list[Row] = [(0.0, [0.0], None)]
    for y, each in zip(heights, shown, strict=False):
        card = view.card(each.entry.base[0])
        rows += draw_change(ax, y, results, each.pair, each.change, card, filled=each.significant)
    cut = fit(ax, rows)
    ax.axvline(0, color=INK, linewidth=0.6, zorder=1)
    name_rows(ax, heights[: len(labels)], labels, (n_lines.sum(), 0))
    ax.set_xlabel(f"change of {METRICS['mpjpe'].label} (mm)")
    if not shown:
        write_instead(ax, "no entry declared")
    if len(architectures) > 1:
        legend(figure, view, architectures)
    missing = dict.fromkeys(name for entry in entries for name in entry.missing(results["run"]))
    changes = [each.change for each in shown if each.change is not None]
    note = note_on_changes(changes, statistics.confidence, "filled: significant after Holm's correction", cut)
    annotate(figure, view.notice, list(missing), note)
    return figure
