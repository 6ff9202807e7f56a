"""Training curves: loss and test error by epoch, mean over seeds with the range between the extreme seeds."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator, ScalarFormatter

from poselift.analysis.examples import evenly_spaced
from poselift.analysis.runs import Run
from poselift.analysis.view import View
from poselift.config.card import Card
from poselift.figures.lines import draw_line, note
from poselift.figures.style import PAGE_WIDTH, Tooltips, annotate, legend, value_of

NEEDS = ("runs", "notice", "grid", "cards")
CAPTION = """
Training on {{ data }}: loss on the training clips and error on the test clips by epoch.
"""

PANELS_A_ROW = 4

MOST_POINTS = 60
"""So many points of a curve answer a pointer."""

QUANTITIES = {"loss_total": "training loss", "mpjpe": "test MPJPE (mm)"}


def draw_curve(ax: Axes, lists: Mapping[int, Sequence[float | None]], card: Card, size: str = "") -> None:
    """Mean and range over seeds by epoch, counted from 1, as far as all seeds go; `lists` are by seed.

    An epoch that was not evaluated has None; it is passed over, as is one that not all seeds have.
    """
    n_epochs = min(map(len, lists.values()))
    values = np.array([one[:n_epochs] for one in lists.values()], dtype=float)
    known = np.isfinite(values).all(axis=0)
    epochs = np.arange(1, n_epochs + 1)[known]
    draw_line(ax, epochs, values[:, known], card, marker=card.marker if len(epochs) == 1 else "")
    if len(epochs):
        shown = evenly_spaced(len(epochs), MOST_POINTS)
        told = pd.DataFrame(values[:, known].T[shown], epochs[shown], [*lists])
        texts = [f"{card.label}, {size}, epoch {epoch}: {value_of(each)}" for epoch, each in told.iterrows()]
        ax.add_artist(Tooltips(told.index, told.mean(axis=1), texts))


def draw(runs: Sequence[Run], view: View) -> Figure:
    """The figure, one page wide: for each size a panel of the loss and one of the test error."""
    grid = view.grid
    panels = [(size, quantity) for size in grid.sizes for quantity in QUANTITIES]
    shape = n_rows, _ = -(-len(panels) // PANELS_A_ROW), min(len(panels), PANELS_A_ROW)
    size_of_page = (PAGE_WIDTH, 0.45 + 1.5 * n_rows)
    figure, axes = plt.subplots(*shape, figsize=size_of_page, squeeze=False, layout="constrained")
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    of_model: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        if run.settings.variant is None:
            of_model.setdefault((run.settings.architecture, run.settings.size), []).append(run)
    for ax, (size, quantity) in zip(axes.flat, panels, strict=False):
        for name in grid.architectures:
            if there := of_model.get((name, size)):
                by_seed = {run.settings.seed: run.epochs[quantity] for run in there}
                draw_curve(ax, by_seed, view.card(name), size)
        ax.set(title=size, xlabel="epoch", ylabel=QUANTITIES[quantity], yscale="log")
        ax.yaxis.set_major_locator(MaxNLocator(nbins=4))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(ScalarFormatter())
        ax.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
        ax.grid(axis="y")
    absent = [n for n in grid.architectures if not any((n, size) in of_model for size in grid.sizes)]
    legend(figure, view, line=True, absent=absent)
    missing = grid.missing(run.settings.name for run in runs)
    annotate(figure, view.notice, missing, note(max(map(len, of_model.values()), default=0)))
    return figure
