"""Accuracy against cost: MPJPE over parameters and multiply-accumulates, with published models in grey."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from poselift.analysis.costs import GIGA, MILLION, Cost
from poselift.analysis.published import Number, Published, Row, comparable
from poselift.analysis.results import per_seed
from poselift.analysis.view import View
from poselift.figures.style import MUTED, PAGE_WIDTH, Look, Tooltips, annotate, legend, value_of, write_beside

NEEDS = ("results", "costs", "published", "notice", "grid", "cards")
CAPTION = """
Error against cost on {{ data }}{% if published %}, with published results in grey{% endif %}. MACs of
linear layers. The lower left is better.
"""

AXES: dict[Number, str] = {
    "parameters": "parameters (millions)",
    "macs": r"multiply-accumulates a clip ($10^9$)",
}

IN_WORDS: dict[Number, str] = {"parameters": "million parameters", "macs": "billion MACs a clip"}

Costs = Mapping[tuple[str, str], Cost]
Errors = Mapping[tuple[str, str], pd.Series]
"""MPJPE by architecture and size, indexed by seed."""


def _cost(cost: Cost, quantity: Number) -> float:
    return cost.parameters / MILLION if quantity == "parameters" else cost.macs_linear / GIGA


def _draw_ours(ax: Axes, errors: Errors, costs: Costs, view: View, quantity: Number, named: str) -> None:
    """A line per architecture from its cheapest size to its dearest; bars from lowest to highest seed.

    The sizes are written at the points of the architecture `named`.
    """
    for name in view.grid.architectures:
        there = [size for size in view.grid.sizes if (name, size) in costs and not errors[name, size].empty]
        if not there:
            continue
        points = pd.DataFrame(
            {size: [_cost(costs[name, size], quantity), *errors[name, size].agg(["mean", "min", "max"])]
             for size in there}, ["cost", "mean", "low", "high"],
        ).T.sort_values("cost")  # fmt: skip
        bars = [points["mean"] - points["low"], points["high"] - points["mean"]]
        card = view.card(name)
        look: Look = {"color": card.colour, "marker": card.marker, "linestyle": card.line, "zorder": 3}
        ax.errorbar(points["cost"], points["mean"], yerr=bars, linewidth=0.9, elinewidth=0.8, **look)
        texts = [
            f"{card.label}, {size}: {value_of(errors[name, size], ' mm')}; {cost:.3g} {IN_WORDS[quantity]}"
            for size, cost in zip(map(str, points.index), points["cost"], strict=True)
        ]
        ax.add_artist(Tooltips(points["cost"], points["mean"], texts))
        if name == named:
            look = {"color": card.colour, "ha": "right", "va": "top", "zorder": 4}
            for size, point in points.iterrows():
                write_beside(ax, str(size), (point["cost"], point["mean"]), (-3, -3), **look)


def _grey(detector: str, ours: str) -> Look:
    """The marker of a published row: hollow if its 2D input differs from ours."""
    fill = MUTED if detector == ours else "white"
    return {"linestyle": "", "marker": "o", "markersize": 3.2, "color": MUTED, "markerfacecolor": fill}


def _draw_published(ax: Axes, rows: list[tuple[str, Row]], detector: str, quantity: Number) -> None:
    """Grey points with the number that the legend gives each row."""
    for number, (of_detector, row) in enumerate(rows, start=1):
        x, y = row.number(quantity), row.number("mpjpe")
        if x is not None and y is not None:
            text = f"{row.method} ({of_detector}): {y:.4g} mm, published; {x:.3g} {IN_WORDS[quantity]}"
            ax.add_artist(Tooltips([x], [y], [text]))
            ax.plot(x, y, zorder=2, **_grey(of_detector, detector))
            write_beside(ax, str(number), (x, y), (2.5, 2), color=MUTED, zorder=2)


def _shown(published: Published) -> list[tuple[str, Row]]:
    """The rows that have a point in one of the panels, each after its detector."""
    return [
        (detector, row)
        for detector, rows in comparable(published.rows).items()
        for row in rows
        if row.number("mpjpe") is not None and any(row.number(quantity) is not None for quantity in AXES)
    ]


def draw(results: pd.DataFrame, costs: Costs, published: Published | None, view: View) -> Figure:
    """The figure, one page wide. Beside published rows ours are of the best epoch, chosen as theirs were."""
    grid, rows = view.grid, _shown(published) if published else []
    checkpoint = "best" if rows else "last"
    errors = {
        (name, size): per_seed(results, name, size, "mpjpe", checkpoint)
        for name in grid.architectures
        for size in grid.sizes
    }
    there = {name: sum(not errors[name, size].empty for size in grid.sizes) for name in grid.architectures}
    height = 2.5 + 0.14 * -(-len(rows) // 3)
    figure, axes = plt.subplots(1, len(AXES), figsize=(PAGE_WIDTH, height), sharey=True, layout="constrained")
    for ax, (quantity, label) in zip(axes, AXES.items(), strict=True):
        if published:
            _draw_published(ax, rows, published.detector, quantity)
        _draw_ours(ax, errors, costs, view, quantity, max(there, key=lambda name: there[name]))
        ax.set(xlabel=label, xscale="log")
        ax.margins(0.13, 0.13)
        low, high = ax.get_xlim()
        # from a factor of five on there are two of 1, 2, 5, 10 ... on the axis
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high > 5 * low else MaxNLocator(4))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.grid(axis="both")
    axes[0].set_ylabel(f"MPJPE (mm), {checkpoint} epoch")
    legend(figure, view, absent=[name for name, n_sizes in there.items() if not n_sizes])
    if published and rows:
        handles = [
            Line2D([], [], label=f"{number} {row.method} ({detector})", **_grey(detector, published.detector))
            for number, (detector, row) in enumerate(rows, start=1)
        ]
        figure.legend(
            handles=handles, loc="outside lower left", ncols=3, fontsize=7, labelcolor=MUTED, labelspacing=0.2
        )
    several = any(len(values) > 1 for values in errors.values())
    note = "bars: lowest to highest seed" if several else "a single seed: no bars"
    annotate(figure, view.notice, grid.missing(results["run"]), note)
    return figure
