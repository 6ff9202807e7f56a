"""What each entry of the ablation changes: the difference of its error from the model it starts from."""

import textwrap

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from poselift.analysis.intervals import Differences, entry_pairs
from poselift.analysis.view import View
from poselift.evaluation.metrics import METRICS
from poselift.figures.changes import Change, draw_changes, n_lines, note_on_changes
from poselift.figures.style import COLUMN_WIDTH, annotate, legend, literal

NEEDS = ("results", "notice", "statistics", "ablation", "cards")
CAPTION = """
What each change of the ablation does to the MPJPE on {{ data }} after the last epoch: its difference
from the model that is changed, paired by recording and seed. To the right of zero the change makes it worse.
"""

_LABEL_WIDTH = 24  # characters


def _changes(results: pd.DataFrame, view: View) -> list[Change]:
    """The entries by falling change, last those without one; with the sizes of what they are compared with
    where these differ."""
    pairs = entry_pairs(view.ablation)
    differences = Differences(results, view.statistics, {"ablation": pairs})
    several = len({base.size for _, base in pairs}) > 1
    changes = []
    for entry, pair in zip(view.ablation, pairs, strict=True):
        title = (entry.title or entry.name) + (f", {pair[1].size}" if several else "")
        label, card = literal(textwrap.fill(title, _LABEL_WIDTH)), view.card(pair[1].architecture)
        interval = differences.difference(*pair, "mpjpe", "last")
        significant = differences.significant(*pair, "mpjpe", "last")
        changes.append(Change(label, pair, interval, card, significant))
    return sorted(changes, key=lambda each: -each.interval.estimate if each.interval else float("inf"))


def draw(results: pd.DataFrame, view: View) -> Figure:
    """The figure, one column wide: an entry per row, to the right of zero where the change makes it worse."""
    changes = _changes(results, view)
    height = 1.15 + 0.16 * (n_lines(changes) or 1)
    figure, ax = plt.subplots(figsize=(COLUMN_WIDTH, height), layout="constrained")
    cut = draw_changes(ax, changes, results, without="no entry declared")
    ax.set_xlabel(f"change of {METRICS['mpjpe'].label} (mm)")
    architectures = list(dict.fromkeys(entry.base[0] for entry in view.ablation))
    if len(architectures) > 1:
        legend(figure, view, architectures)
    missing = dict.fromkeys(name for entry in view.ablation for name in entry.missing(results["run"]))
    markers = "filled: significant after Holm's correction"
    note = note_on_changes(changes, view.statistics.confidence, markers, cut)
    annotate(figure, view.notice, list(missing), note)
    return figure
