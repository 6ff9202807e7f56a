"""What each entry of the ablation changes: the difference of its error from the model it starts from."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from poselift.analysis.intervals import Differences, entry_pairs
from poselift.analysis.results import per_seed
from poselift.analysis.view import AblationEntry, View
from poselift.evaluation.metrics import METRICS
from poselift.evaluation.statistics import Interval
from poselift.figures.dots import (
    CUT,
    TWO,
    Row,
    draw_estimate,
    draw_seeds,
    fit,
    name_rows,
    two_seeds,
    write_missing,
)  # fmt: skip
from poselift.figures.style import COLUMN_WIDTH, INK, MUTED, annotate, legend, literal

NEEDS = ("results", "notice", "statistics", "ablation", "cards")
CAPTION = """
What each change of the ablation does to the MPJPE on {{ data }} after the last epoch: its difference
from the model that is changed, paired by recording and seed. To the right of zero the change makes it worse.
"""

_LABEL_WIDTH = 24  # characters


@dataclass(frozen=True)
class _Shown:
    """An entry with the change of the MPJPE after the last epoch in mm, None where a run of it or of its base
    is missing, and whether that is significant."""

    entry: AblationEntry
    change: Interval | None
    significant: bool


def _changes(results: pd.DataFrame, view: View) -> list[_Shown]:
    """The entries by falling change, last those without one."""
    pairs = entry_pairs(view.ablation)
    differences = Differences(results, view.statistics, {"ablation": pairs})
    found = [
        _Shown(
            entry,
            differences.difference(*pair, "mpjpe", "last"),
            differences.significant(*pair, "mpjpe", "last"),
        )
        for entry, pair in zip(view.ablation, pairs, strict=True)
    ]
    return sorted(found, key=lambda each: -each.change.estimate if each.change else float("inf"))


def _by_seed(results: pd.DataFrame, entry: AblationEntry) -> pd.Series:
    """The change of the MPJPE after the last epoch, by seed."""
    (pair,) = entry_pairs([entry])
    changed, base = (
        per_seed(results, model.architecture, model.size, "mpjpe", "last", variant=model.variant)
        for model in pair
    )
    return (changed - base).dropna()


def _labels(entries: Sequence[AblationEntry]) -> list[str]:
    """The entries' titles, with the sizes of what they are compared with where these differ."""
    sizes = [entry.base[1] for entry in entries]
    several = len(set(sizes)) > 1
    titles = [
        (entry.title or entry.name) + (f", {size}" if several else "")
        for entry, size in zip(entries, sizes, strict=True)
    ]
    return [literal(textwrap.fill(title, _LABEL_WIDTH)) for title in titles]


def _note(changes: Sequence[Interval], confidence: float, cut: bool) -> str:
    if not changes:
        return ""
    bar, arrow = f"bar: {100 * confidence:g} % interval", CUT if cut else ""
    if all(change.seeds < 2 for change in changes):
        return f"{bar} over recordings{arrow}\na single seed: no interval over seeds"
    paired = f"{bar}, paired by recording and seed{arrow}"
    if all(change.seeds == TWO for change in changes):
        paired = two_seeds(confidence)
    return f"{paired}\nfilled: significant after Holm's correction"


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
        entry, change = each.entry, each.change
        if change is None:
            write_missing(ax, y)
            continue
        ends = None if change.low is None or change.high is None else (change.low, change.high)
        if change.seeds == TWO:
            by_seed, ends = _by_seed(results, entry), None
            draw_seeds(ax, by_seed, y, view.card(entry.base[0]))
            rows.append((y, by_seed, None))
        draw_estimate(ax, change.estimate, ends, y, view.card(entry.base[0]), each.significant)
        rows.append((y, [change.estimate], ends))
    cut = fit(ax, rows)
    ax.axvline(0, color=INK, linewidth=0.6, zorder=1)
    name_rows(ax, heights[: len(labels)], labels, (n_lines.sum(), 0))
    ax.set_xlabel(f"change of {METRICS['mpjpe'].label} (mm)")
    if not shown:
        ax.clear()
        ax.set_axis_off()
        ax.text(0.5, 0.5, "no entry declared", transform=ax.transAxes, ha="center", va="center", color=MUTED)
    if len(architectures) > 1:
        legend(figure, view, architectures)
    missing = dict.fromkeys(name for entry in entries for name in entry.missing(results["run"]))
    changes = [each.change for each in shown if each.change is not None]
    annotate(figure, view.notice, list(missing), _note(changes, statistics.confidence, cut))
    return figure
