"""Accuracy against cost: MPJPE over parameters and multiply-accumulates, with published models in grey."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from poselift.analysis.costs import GIGA, MILLION, Cost
from poselift.analysis.published import Number, Published, Row, comparable
from poselift.analysis.results import per_seed
from poselift.analysis.view import View
from poselift.figures.style import MUTED, PAGE_WIDTH, annotate, legend

NEEDS = ("results", "costs", "published", "notice", "grid", "cards")
CAPTION = """
Error against cost on {{ data }}{% if published %}, with published results in grey{% endif %}. MACs of
linear layers. The lower left is better.
"""

AXES: dict[Number, str] = {
    "parameters": "parameters (millions)",
    "macs": r"multiply-accumulates a clip ($10^9$)",
}


def _cost(cost: Cost, quantity: Number) -> float:
    return cost.parameters / MILLION if quantity == "parameters" else cost.macs_linear / GIGA


def _draw_ours(
    ax: Axes,
    results: pd.DataFrame,
    costs: dict[tuple[str, str], Cost],
    view: View,
    quantity: Number,
    checkpoint: str,
    named: str | None,
) -> None:
    """A line per architecture from its cheapest size to its dearest; bars from lowest to highest seed.

    The sizes are written at the points of the architecture `named`.
    """
    for name in view.grid.architectures:
        card, points = view.card(name), []
        for size in view.grid.sizes:
            values = per_seed(results, name, size, "mpjpe", checkpoint)
            if (name, size) in costs and not values.empty:
                points.append((_cost(costs[name, size], quantity), values, size))
        if not points:
            continue
        points.sort(key=lambda point: point[0])
        x = [cost for cost, _, _ in points]
        means = [float(values.mean()) for _, values, _ in points]
        ax.errorbar(
            x,
            means,
            yerr=np.array([[v.mean() - v.min(), v.max() - v.mean()] for _, v, _ in points]).T,
            color=card.colour,
            marker=card.marker,
            linestyle=card.line,
            linewidth=0.9,
            elinewidth=0.8,
            zorder=3,
        )
        if name == named:
            for point, (_, _, size) in zip(zip(x, means, strict=True), points, strict=True):
                ax.annotate(
                    size,
                    point,
                    (-3, -3),
                    textcoords="offset points",
                    fontsize=7,
                    color=card.colour,
                    ha="right",
                    va="top",
                    zorder=4,
                )


def _draw_published(ax: Axes, rows: dict[str, list[Row]], detector: str, quantity: Number) -> None:
    """Grey points with the number that the legend gives each row: hollow where the 2D input is another."""
    number = 0
    for of_detector, of_rows in rows.items():
        for row in of_rows:
            number += 1
            x, y = row.number(quantity), row.number("mpjpe")
            if x is None or y is None:
                continue
            ax.plot(
                x,
                y,
                "o",
                color=MUTED,
                markersize=3.2,
                markerfacecolor=MUTED if of_detector == detector else "white",
                zorder=2,
            )
            ax.annotate(
                str(number), (x, y), (2.5, 2), textcoords="offset points", fontsize=7, color=MUTED, zorder=2
            )


def shown(published: Published) -> dict[str, list[Row]]:
    """The rows that have a point in one of the panels, by detector."""
    groups = {
        detector: [
            row
            for row in rows
            if row.number("mpjpe") is not None and any(row.number(quantity) is not None for quantity in AXES)
        ]
        for detector, rows in comparable(published.rows).items()
    }
    return {detector: rows for detector, rows in groups.items() if rows}


def draw(
    results: pd.DataFrame, costs: dict[tuple[str, str], Cost], published: Published | None, view: View
) -> Figure:
    """The figure, one page wide. Beside published rows ours are of the best epoch, chosen as theirs were."""
    grid, rows = view.grid, shown(published) if published else {}
    checkpoint = "best" if rows else "last"
    there = {
        name: sum(not per_seed(results, name, size, "mpjpe", checkpoint).empty for size in grid.sizes)
        for name in grid.architectures
    }
    absent = [name for name, n_sizes in there.items() if not n_sizes]
    named = max(there, key=lambda name: there[name])
    names = [(detector, row.method) for detector, of in rows.items() for row in of]
    lines_of_names = -(-len(names) // 3)
    figure, axes = plt.subplots(
        1, len(AXES), figsize=(PAGE_WIDTH, 2.5 + 0.14 * lines_of_names), sharey=True, layout="constrained"
    )
    for ax, (quantity, label) in zip(axes, AXES.items(), strict=True):
        if published and rows:
            _draw_published(ax, rows, published.detector, quantity)
        _draw_ours(ax, results, costs, view, quantity, checkpoint, named)
        ax.set(xlabel=label, xscale="log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.margins(0.13, 0.13)
        ax.grid(axis="both")
    axes[0].set_ylabel(f"MPJPE (mm), {checkpoint} epoch")
    legend(figure, view, absent=absent)
    if published and rows:
        handles = [
            Line2D(
                [],
                [],
                linestyle="",
                marker="o",
                markersize=3.2,
                color=MUTED,
                markerfacecolor=MUTED if detector == published.detector else "white",
                label=f"{number} {method} ({detector})",
            )
            for number, (detector, method) in enumerate(names, start=1)
        ]
        figure.legend(
            handles=handles, loc="outside lower left", ncols=3, fontsize=7, labelcolor=MUTED, labelspacing=0.2
        )
    several = any(
        len(per_seed(results, name, size, "mpjpe", checkpoint)) > 1
        for name in grid.architectures
        for size in grid.sizes
    )
    note = "bars: lowest to highest seed" if several else "a single seed: no bars"
    annotate(figure, view.notice, grid.missing(results["run"]), note)
    return figure
