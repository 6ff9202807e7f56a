"""The three architectures and the MambaGCN block, drawn by code.

Coordinates are inches on the page: data flow upwards, boxes are given by their centre.
"""

from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from poselift.analysis.view import View
from poselift.figures.style import INK, MUTED, PAGE_WIDTH

NEEDS = ()
CAPTION = """
The architectures in their default settings. (a) Baseline: MotionAGFormer, 𝑁 blocks of two parallel
branches. (b) MambaGCN: 𝐿 blocks of ours in series, spread evenly over the depth of the baseline. (c) Full:
ours as a third branch of each block. (d) The block itself: a state space model reads the frames of each
joint in both directions (SSD), a graph convolution mixes the joints of each frame, and a learnt gate 𝑎
weighs the two. Residual connections are scaled (not drawn).
"""

HEIGHT = 3.2

NEUTRAL = "#f1f1f1"
ATTENTION = "#d3e6f5"
GRAPH = "#d5eedf"
MAMBA = "#fbe0cc"

# heights that the three architectures share
INPUT, EMBED, FRAME, HEAD, OUTPUT = 0.36, 0.63, (0.86, 2.50), 2.73, 3.0
SPLIT, SPATIAL, TEMPORAL, FUSION = 0.95, 1.18, 1.64, 2.23
BOX = 0.24


def _rounded(ax: Axes, x: float, base: float, size: tuple[float, float], radius: float, **look: Any) -> None:
    """A box of this width and height with round corners, `x` its centre, `base` its lower edge."""
    corners = f"round,pad=0,rounding_size={radius}"
    ax.add_patch(FancyBboxPatch((x - size[0] / 2, base), *size, boxstyle=corners, **look))


def _box(ax: Axes, x: float, y: float, width: float, text: str, colour: str, height: float = BOX) -> None:
    _rounded(ax, x, y - height / 2, (width, height), 0.035, facecolor=colour, edgecolor=INK, linewidth=0.5)
    _text(ax, x, y, text, linespacing=1.05)


def _text(ax: Axes, x: float, y: float, text: str, fontsize: float = 7, **look: Any) -> None:
    ax.text(x, y, text, ha="center", va="center_baseline", fontsize=fontsize, **look)


def _arrow(ax: Axes, *points: tuple[float, float], head: bool = True) -> None:
    """A line along the points, with an arrow head at the last."""
    for start, end in pairwise(points[:-1]):
        ax.plot(*zip(start, end, strict=True), color=INK, linewidth=0.6, solid_capstyle="round")
    style = "-|>,head_length=2.2,head_width=1.2" if head else "-"
    line = FancyArrowPatch(
        *points[-2:], arrowstyle=style, mutation_scale=1, shrinkA=0, shrinkB=0, linewidth=0.6, color=INK
    )
    ax.add_patch(line)


def _frame(ax: Axes, x: float, width: float, repeat: str) -> None:
    """A dashed frame around what is repeated, with the count at its right upper corner, inside."""
    bottom, top = FRAME
    dashed = {"facecolor": "none", "edgecolor": MUTED, "linewidth": 0.6, "linestyle": (0, (3, 2))}
    _rounded(ax, x, bottom, (width, top - bottom), 0.05, **dashed)
    ax.text(x + width / 2 - 0.05, top - 0.05, repeat, ha="right", va="top", fontsize=7.5)


def _plus(ax: Axes, x: float, y: float) -> None:
    ax.add_patch(Circle((x, y), 0.06, facecolor="white", edgecolor=INK, linewidth=0.6, zorder=3))
    for dx, dy in ((0.06, 0), (0, 0.06)):
        ax.plot([x - dx, x + dx], [y - dy, y + dy], color=INK, linewidth=0.6, zorder=4)


def _model(ax: Axes, x: float, letter: str, title: str, width: float, repeat: str) -> None:
    """What all three architectures share: input, embedding, frame of the repeated part, head and output."""
    ax.text(x, 0.07, f"({letter}) {title}", ha="center", va="baseline", fontsize=8)
    _text(ax, x, INPUT, "2D poses, confidence")
    _arrow(ax, (x, INPUT + 0.08), (x, EMBED - BOX / 2))
    _box(ax, x, EMBED, 1.2, "joint embedding", NEUTRAL)
    _box(ax, x, HEAD, 1.2, "regression head", NEUTRAL)
    _arrow(ax, (x, HEAD + BOX / 2), (x, OUTPUT - 0.06))
    _text(ax, x, OUTPUT + 0.02, "3D poses")
    _frame(ax, x, width, repeat)


def _branch(ax: Axes, x: float, source: tuple[float, float], name: str, colour: str) -> None:
    """A spatial unit and then a temporal one, from the split at `source` up to the fusion."""
    width = 0.6
    _arrow(ax, source, (x, source[1]), (x, SPATIAL - 0.17))
    _box(ax, x, SPATIAL, width, f"spatial\n{name}", colour, 0.34)
    _arrow(ax, (x, SPATIAL + 0.17), (x, TEMPORAL - 0.17))
    _box(ax, x, TEMPORAL, width, f"temporal\n{name}", colour, 0.34)
    _arrow(ax, (x, TEMPORAL + 0.17), (x, FUSION - BOX / 2))


def _branches(ax: Axes, x: float, attention: float, graph: float, fusion: float) -> None:
    """The two branches of the baseline, at `attention` and `graph`, from the split to their fusion."""
    split = (x, SPLIT)
    _arrow(ax, (x, EMBED + BOX / 2), split, head=False)
    _branch(ax, attention, split, "attention", ATTENTION)
    _branch(ax, graph, split, "graph", GRAPH)
    _box(ax, x, FUSION, fusion, "adaptive fusion", NEUTRAL)
    _arrow(ax, (x, FUSION + BOX / 2), (x, HEAD - BOX / 2))


def _baseline(ax: Axes, x: float) -> None:
    _model(ax, x, "a", "Baseline", 1.42, r"$\times N$")
    _branches(ax, x, x - 0.35, x + 0.35, 0.94)


def _mamba_gcn(ax: Axes, x: float) -> None:
    _model(ax, x, "b", "MambaGCN", 1.18, r"$\times L$")
    lower, upper = 1.30, 1.97
    _arrow(ax, (x, EMBED + BOX / 2), (x, lower - 0.21))
    _box(ax, x, lower, 0.96, "$N/L$ baseline\nblocks (a)", NEUTRAL, 0.42)
    _arrow(ax, (x, lower + 0.21), (x, upper - 0.21))
    _box(ax, x, upper, 0.96, "MambaGCN\nblock (d)", MAMBA, 0.42)
    _arrow(ax, (x, upper + 0.21), (x, HEAD - BOX / 2))


def _full(ax: Axes, x: float) -> None:
    _model(ax, x, "c", "Full", 2.06, r"$\times N$")
    right, middle, half = x + 0.67, (SPATIAL + TEMPORAL) / 2, (TEMPORAL - SPATIAL + 0.34) / 2
    _arrow(ax, (x, SPLIT), (right, SPLIT), (right, middle - half))
    _box(ax, right, middle, 0.6, "MambaGCN\nblock (d)", MAMBA, 2 * half)
    _arrow(ax, (right, middle + half), (right, FUSION - BOX / 2))
    _branches(ax, x, x - 0.67, x, 1.55)


def _block(ax: Axes, x: float) -> None:
    """The MambaGCN block: SSM over time and graph convolution over joints, mixed, then an MLP."""
    ax.text(x, 0.07, "(d) MambaGCN block", ha="center", va="baseline", fontsize=8)
    left, right, inner, outer = x - 0.37, x + 0.43, x - 0.6, x - 0.88
    norm, ssm, ssm_mean, mix, plus, mlp, top = 0.63, 1.08, 1.45, 1.79, 2.08, 2.43, 2.73
    _text(ax, x, INPUT, "$x$", 8)
    _arrow(ax, (x, INPUT + 0.08), (x, norm - BOX / 2))
    _box(ax, x, norm, 0.8, "LayerNorm", NEUTRAL)
    split = (x, norm + BOX / 2 + 0.08)
    _arrow(ax, (x, norm + BOX / 2), split, head=False)
    for dx, name in ((-0.2, "SSD\n$\\rightarrow$"), (0.2, "SSD\n$\\leftarrow$")):
        _arrow(ax, split, (left + dx, split[1]), (left + dx, ssm - 0.16))
        _box(ax, left + dx, ssm, 0.36, name, MAMBA, 0.32)
        _arrow(ax, (left + dx, ssm + 0.16), (left + dx, ssm_mean - 0.1))
    _box(ax, left, ssm_mean, 0.76, "mean", NEUTRAL, 0.2)
    _arrow(ax, split, (right, split[1]), (right, ssm - 0.16))
    _box(ax, right, ssm, 0.66, "graph\nconvolution", GRAPH, 0.32)
    _arrow(ax, (right, ssm + 0.16), (right, ssm_mean - 0.1))
    _box(ax, right, ssm_mean, 0.66, "dropout", NEUTRAL, 0.2)
    for branch in (left, right):
        _arrow(ax, (branch, ssm_mean + 0.1), (branch, mix - 0.11))
    _box(ax, x, mix, 1.5, r"$a\,y_\mathrm{ssm} + (1-a)\,y_\mathrm{gcn}$", NEUTRAL, 0.22)
    _arrow(ax, (x, mix + 0.11), (x, plus - 0.06))
    _plus(ax, x, plus)
    _arrow(ax, (x, INPUT + 0.12), (outer, INPUT + 0.12), (outer, plus), (x - 0.06, plus))
    _arrow(ax, (x, plus + 0.06), (x, mlp - BOX / 2))
    _box(ax, x, mlp, 1.0, "LayerNorm, MLP", NEUTRAL)
    _arrow(ax, (x, mlp + BOX / 2), (x, top - 0.06))
    _plus(ax, x, top)
    _arrow(ax, (x, plus + 0.13), (inner, plus + 0.13), (inner, top), (x - 0.06, top))
    _arrow(ax, (x, top + 0.06), (x, OUTPUT - 0.06))
    _text(ax, x, OUTPUT + 0.02, "$y$", 8)


def draw(view: View) -> Figure:
    """The figure, one page wide."""
    figure = plt.figure(figsize=(PAGE_WIDTH, HEIGHT))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, PAGE_WIDTH), ylim=(0, HEIGHT), aspect="equal")
    ax.axis("off")
    _baseline(ax, 0.75)
    _mamba_gcn(ax, 2.23)
    _full(ax, 4.01)
    _block(ax, 6.09)
    return figure
