"""MPJPE per joint of the models of one size after the last epoch, and its changes, on a standing skeleton."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from poselift.analysis.results import per_seed
from poselift.analysis.view import View
from poselift.figures.style import INK, MUTED, PAGE_WIDTH, Look, annotate, write_beside
from poselift.skeleton import BONES, JOINTS, RIGHT, ROOT

NEEDS = ("results", "notice", "grid", "per_action_size", "cards")
CAPTION = """
MPJPE of each joint on {{ data }}, size {{ size }}, last epoch, mean over seeds: of the first model the
error, of the others the change from it.
"""

COLOURS = "viridis_r"  # the larger the error the darker, in grey as well
CHANGES = "RdBu_r"  # blue where the error falls, red where it rises; in grey the sign tells

_AREA = 110.0
"""Points squared of the circle of the largest number."""
_SMALLEST = 0.05
"""Of what share of it the smallest circle is."""

# (J, 2): facing the reader, so that the right side is on the left; apart, so that there is room for numbers
STANDING = np.array(
    [
        (0.00, 0.00), (-0.20, -0.04), (-0.25, -0.50), (-0.29, -0.96), (0.20, -0.04), (0.25, -0.50),
        (0.29, -0.96), (0.00, 0.25), (0.00, 0.55), (0.00, 0.75), (0.00, 0.95), (0.42, 0.55), (0.62, 0.27),
        (0.76, -0.04), (-0.42, 0.55), (-0.62, 0.27), (-0.76, -0.04),
    ]
)  # fmt: skip


def joint_errors(results: pd.DataFrame, architecture: str, size: str) -> pd.DataFrame:
    """MPJPE in mm: a row per joint, in the skeleton's order, a column per seed; empty without a run."""
    errors = {
        joint: per_seed(results, architecture, size, "mpjpe", "last", "joint", joint) for joint in JOINTS
    }
    return pd.DataFrame(errors).T.reindex(JOINTS)


def _write(ax: Axes, joint: int, text: str, area: float) -> None:
    """A number beside a joint's circle, away from the body's middle; at the wrists below it."""
    side = -1 if joint in RIGHT else 1
    beside = np.sqrt(area) / 2 + 2.5
    offset, align = (side * beside, 0.0), ("right" if side < 0 else "left", "center")
    if "wrist" in JOINTS[joint]:
        offset, align = (0.0, -beside), ("center", "top")
    elif JOINTS[joint] == "thorax":  # below the line to the left shoulder
        offset = (3.0, -9.5)
    write_beside(ax, text, STANDING[joint], offset, ha=align[0], va=align[1])


def _signed(change: float) -> str:
    """A change with its sign, to 0.1 mm."""
    text = f"{change:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "−")


def draw(results: pd.DataFrame, view: View) -> Figure:
    """The figure, one page wide: a panel per architecture, means over seeds.

    Colours, areas and numbers are the errors of the base model, and of the others the changes from it, paired
    by seed, on a scale that is white at zero; the errors again where the base model is missing.
    """
    size, base = view.per_action_size, view.grid.base
    errors = {name: joint_errors(results, name, size) for name in view.grid.architectures}
    changes = [] if errors[base].empty else [name for name in errors if name != base]
    shown = {
        name: (of - errors[base] if name in changes else of).mean(axis=1).drop(JOINTS[ROOT])
        for name, of in errors.items()
    }
    figure, axes = plt.subplots(
        1, len(errors), figsize=(PAGE_WIDTH, 3.0), squeeze=False, layout="constrained"
    )
    panels = dict(zip(errors, axes[0], strict=True))
    for name, ax in panels.items():
        _draw_body(ax, view.label(name), missing=errors[name].empty)
    for names, what, colours in (
        ([name for name in errors if name not in changes], "error", COLOURS),
        (changes, f"change from {view.label(base)}", CHANGES),
    ):
        drawn = [name for name in names if not errors[name].empty]
        if not drawn:
            continue
        values = pd.concat([shown[name] for name in drawn])
        largest = values.abs().max() or 1.0
        low = -largest if names is changes else values.min()
        norm = Normalize(low, max(largest, low + 1e-9))
        for name in drawn:
            panels[name].set_title(f"{view.label(name)}\n{what} (mm)", linespacing=1.2)
            _draw_joints(panels[name], shown[name].dropna(), norm, colours, signed=names is changes)
        bar = figure.colorbar(
            mpl.cm.ScalarMappable(norm, colours), ax=[panels[name] for name in names], pad=0.01, aspect=22
        )
        bar.outline.set_linewidth(0.5)
    note = (
        f"{size}, mean over seeds; circles: colour and area by the number beside them; "
        "+: root, always zero; seen from the front"
    )
    annotate(figure, view.notice, view.detail.missing(results["run"]), note)
    return figure


def _draw_body(ax: Axes, title: str, missing: bool) -> None:
    """The skeleton, and the root's cross; a word in place of the joints where there is no run."""
    ax.set(xlim=(-1.0, 1.0), ylim=(-1.08, 1.06), aspect="equal", title=title)
    ax.axis("off")
    for bone in BONES:
        look: Look = {"color": "#dddddd" if missing else "#b5b5b5", "linewidth": 1.2, "zorder": 1}
        ax.plot(*STANDING[list(bone)].T, solid_capstyle="round", **look)
    if missing:
        ax.text(0, -0.3, "missing", ha="center", color=MUTED)
    else:
        ax.plot(*STANDING[ROOT], "+", color=INK, markersize=5, markeredgewidth=0.8)


def _draw_joints(ax: Axes, values: pd.Series, norm: Normalize, colours: str, signed: bool) -> None:
    """A circle per joint with its number beside it."""
    joints = [JOINTS.index(joint) for joint in values.index]
    areas = _AREA * np.maximum(np.abs(values.to_numpy()) / norm.vmax, _SMALLEST)
    circles: Look = {"cmap": colours, "norm": norm, "edgecolors": INK, "linewidths": 0.5, "zorder": 2}
    x, y = STANDING[joints].T
    ax.scatter(x, y, areas, values, **circles)
    for joint, value, area in zip(joints, values, areas, strict=True):
        _write(ax, joint, _signed(value) if signed else f"{value:.1f}", area)
