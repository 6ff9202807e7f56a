"""The landscape of the hyper-parameter search: slices, the last validation error over each searched key.

A row is a stage, a panel one key that its trials differ in, a point a trial. Errors are in pixels, measured
on a held-out training subject, and are compared within a stage only: stages differ in their length.
"""

from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator, ScalarFormatter
from numpy.typing import NDArray

from poselift.analysis.trials import DESCRIPTION, as_number
from poselift.analysis.view import View
from poselift.config.sizes import SIZES
from poselift.figures.style import COLUMN_WIDTH, INK, PAGE_WIDTH, Look, annotate

NEEDS = ("trials", "notice", "cards", "stages")
CAPTION = """
The trials of the hyper-parameter search on {{ data }}, judged on a train subject that is held out, in
pixels.
"""

KEY_LABELS = {"lr": "learning rate"}

_MARKERS = "osD^vPX"
_MOST_LEVELS = 8  # of a key whose values are given a tick each; more are drawn on a scale


Key = pd.Series
"""A searched key: each trial's value as text, categories being the values that occur, in their order."""


def is_continuous(key: Key) -> bool:
    """Whether the values are numbers, and too many for a tick each."""
    levels = key.cat.categories
    return len(levels) > _MOST_LEVELS and all(as_number(level) is not None for level in levels)


def _order(text: str, view: View) -> tuple[int, float, str]:
    """Numbers by value, architectures and sizes as elsewhere, then other words, then no value."""
    number = as_number(text)
    for known in (tuple(view.cards), tuple(SIZES)):
        if text in known:
            return 1, known.index(text), text
    return (0, number, "") if number is not None else (2 + (not text), 0, text)


def keys_of(trials: pd.DataFrame, view: View) -> list[Key]:
    """The keys that these trials differ in; the trial's name where they differ in none."""
    keys = []
    for _, of_trial in trials.drop(columns=[*DESCRIPTION]).items():
        levels = sorted(of_trial.unique(), key=lambda text: _order(text, view))
        if len(levels) > 1:
            keys.append(of_trial.astype(pd.CategoricalDtype(levels)))
    return keys or [trials["trial"].astype(pd.CategoricalDtype(list(trials["trial"].unique())))]


def level_text(key: Key, level: str, view: View) -> str:
    """A value on an axis."""
    if key.name == "architecture":
        return view.label(level)
    number = as_number(level)
    if number is None:
        return level or "–"
    if 0 < abs(number) < 1e-3:
        digits, exponent = f"{number:e}".split("e")
        return f"{float(digits):g}e{int(exponent)}"
    return f"{number:g}"


def positions(key: Key, first: Key, errors: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Where trials stand: at their value, or around its tick, in the order of first key and error."""
    if is_continuous(key):
        return key.astype(float).to_numpy()
    level, of_first = (each.cat.codes.to_numpy() for each in (key, first))
    x = level.astype(float)
    for number in np.unique(level):
        members = np.flatnonzero(level == number)
        order = np.lexsort((errors[members], of_first[members]))
        spread = min(0.3, 0.06 * (len(members) - 1))
        x[members[order]] += np.linspace(-spread, spread, len(members))
    return x


def draw_slice(ax: Axes, trials: pd.DataFrame, key: Key, first: Key, failed_at: float, view: View) -> None:
    """The trials of one stage over one key; colour and marker follow the first key, × are failed trials."""
    errors, levels = trials["final"].to_numpy(float), list(key.cat.categories)
    x, failed, of_first = positions(key, first, errors), ~np.isfinite(errors), first.cat.codes.to_numpy()
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.85, len(first.cat.categories)))
    stopped = (trials["status"] != "finished").to_numpy() & ~failed
    for number, colour in enumerate(colours):
        marker = "o" if is_continuous(first) else _MARKERS[number % len(_MARKERS)]
        for part, fill in ((~stopped, colour), (stopped, "white")):
            at = (of_first == number) & ~failed & part
            ax.plot(x[at], errors[at], marker, color=colour, markerfacecolor=fill, markersize=3.8, zorder=3)
    ax.plot(x[failed], np.full(failed.sum(), failed_at), "x", color=INK, markersize=3.8, label="failed")
    finished = np.where(stopped, np.nan, errors)
    if len(errors) > 1 and np.isfinite(finished).any():
        best = np.nanargmin(finished)
        ring: Look = {"markerfacecolor": "none", "markersize": 7.5, "label": "lowest finished"}
        ax.plot(x[best], errors[best], "o", color=INK, **ring)
    if is_continuous(key):
        low, high = float(levels[0]), float(levels[-1])
        ax.set_xscale("log" if low > 0 and high / low > 20 else "linear")
    else:
        ax.set_xticks(range(len(levels)), [level_text(key, level, view) for level in levels])
        ax.set_xlim(-0.6, len(levels) - 0.4)
    name = str(key.name)
    ax.set_xlabel(KEY_LABELS.get(name, name.replace("_", " ")))
    ax.grid(axis="y")


def _scale(ax: Axes, errors: NDArray[np.floating[Any]]) -> float:
    """Scale the error axis, and say where above the errors failed trials go."""
    finite = errors[np.isfinite(errors)]
    if not len(finite):
        ax.set(ylim=(0, 1), yticks=[])
        return 0.5
    low, high = finite.min(), finite.max()
    above = 0.25 if len(finite) < len(errors) else 0.1  # of the errors' range
    if high > 4 * low:  # diverged trials would hide how the others differ
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(ScalarFormatter())
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.yaxis.set_minor_locator(NullLocator())
        room = high / low
        ax.set_ylim(low / room**0.1, high * room**above)
        return float(high * room**0.15)
    room = (high - low) or 0.1 * high
    ax.set_ylim(low - 0.1 * room, high + above * room)
    return float(high + 0.15 * room)


def draw(trials: pd.DataFrame, view: View) -> Figure:
    """The figure, one page wide, or one column for up to two keys; stages in the view's order."""
    there = trials["stage"].unique()
    order = [stage for stage in view.stages if stage in there]
    order += [stage for stage in there if stage not in view.stages]
    keys = {stage: keys_of(trials[trials["stage"] == stage], view) for stage in order}
    width = PAGE_WIDTH if max(map(len, keys.values())) > 2 else COLUMN_WIDTH
    figure = plt.figure(figsize=(width, 0.45 + 1.65 * len(order)), layout="constrained")
    rows = figure.subfigures(len(order), 1, squeeze=False)[:, 0]
    for row, (stage, of_stage) in zip(rows, keys.items(), strict=True):
        part = trials[trials["stage"] == stage]
        axes = row.subplots(1, len(of_stage), sharey=True, squeeze=False)[0]
        failed_at = _scale(axes[0], part["final"].to_numpy(float))
        for ax, key in zip(axes, of_stage, strict=True):
            draw_slice(ax, part, key, of_stage[0], failed_at, view)
        unit = ", ".join(part["unit"].unique())
        axes[0].set_ylabel(f"last validation\nMPJPE ({unit})", linespacing=1.1)
        epochs = part["epochs"].unique()
        length = f", {epochs[0]} epochs" if len(epochs) == 1 else ""
        count = f"{len(part)} trial{'s' if len(part) > 1 else ''}"
        axes[0].set_title(f"{stage.replace('_', ' ')}: {count}{length}", loc="left")
    annotate(figure, view.notice, note=_note(trials))
    return figure


def _note(trials: pd.DataFrame) -> str:
    failed = trials["final"].isna()
    words = ["colour and marker: by the leftmost key", "ring: lowest finished"] if len(trials) > 1 else []
    if ((trials["status"] != "finished") & ~failed).any():
        words.append("open: stopped early")
    if failed.any():
        words.append(f"×: {failed.sum()} failed")
    return "; ".join(words)
