"""MPJPE per joint of the models of one size after the last epoch, drawn on a standing skeleton."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poselift.analysis.results import per_seed
from poselift.analysis.view import View
from poselift.figures.style import INK, MUTED, PAGE_WIDTH, Look, annotate, write_beside
from poselift.skeleton import BONES, JOINTS, RIGHT, ROOT

NEEDS = ("results", "notice", "grid", "per_action_size", "cards")
CAPTION = "MPJPE of each joint on {{ data }}, size {{ size }}, last epoch, mean over seeds."

COLOURS = "viridis_r"  # the larger the error the darker, in grey as well

_AREA = 110.0
"""Points squared of the circle of the largest error."""

# (J, 2): facing the reader, so that the right side is on the left; hips apart so that their circles are
STANDING = np.array(
    [
        (0.00, 0.00), (-0.20, -0.04), (-0.25, -0.50), (-0.29, -0.96), (0.20, -0.04), (0.25, -0.50),
        (0.29, -0.96), (0.00, 0.27), (0.00, 0.54), (0.00, 0.74), (0.00, 0.94), (0.25, 0.54), (0.47, 0.26),
        (0.62, -0.04), (-0.25, 0.54), (-0.47, 0.26), (-0.62, -0.04),
    ]
)  # fmt: skip


def joint_errors(results: pd.DataFrame, architecture: str, size: str) -> pd.DataFrame:
    """MPJPE in mm: a row per joint, in the skeleton's order, a column per seed; empty without a run."""
    errors = {
        joint: per_seed(results, architecture, size, "mpjpe", "last", "joint", joint) for joint in JOINTS
    }
    return pd.DataFrame(errors).T.reindex(JOINTS)


def _write(ax: Axes, joint: int, text: str, area: float) -> None:
    """A number beside a joint's circle, away from the body's middle."""
    side = -1 if joint in RIGHT else 1
    beside = np.sqrt(area / np.pi) + 2
    # the line from the thorax to the left shoulder leaves room below it
    offset = (side * 0.6 * beside, -1.3 * beside) if JOINTS[joint] == "thorax" else (side * beside, 0)
    write_beside(ax, text, STANDING[joint], offset, ha="right" if side < 0 else "left", va="center")


def _signed(change: float) -> str:
    """A change with its sign, to 0.1 mm."""
    text = f"{change:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "−")


def draw(results: pd.DataFrame, view: View) -> Figure:
    """The figure, one page wide: a panel per architecture, circles by error, means over seeds.

    The numbers are the errors of the base model, and the changes from it, paired by seed, of the others.
    """
    size = view.per_action_size
    errors = {name: joint_errors(results, name, size) for name in view.grid.architectures}
    reference = errors[base := view.grid.base]
    means = pd.DataFrame({name: of.mean(axis=1) for name, of in errors.items()}).drop(JOINTS[ROOT])
    norm = mpl.colors.Normalize(means.min().min(), means.max().max())
    page = (PAGE_WIDTH, 2.75)
    figure, axes = plt.subplots(1, len(errors), figsize=page, squeeze=False, layout="constrained")
    for ax, (name, of_model) in zip(axes[0], errors.items(), strict=True):
        ax.set(xlim=(-0.95, 0.95), ylim=(-1.08, 1.06), aspect="equal")
        ax.axis("off")
        for bone in BONES:
            look: Look = {"color": "#dddddd" if of_model.empty else "#b5b5b5", "linewidth": 1.2, "zorder": 1}
            ax.plot(*STANDING[list(bone)].T, solid_capstyle="round", **look)
        if of_model.empty:
            ax.set_title(view.label(name))
            ax.text(0, -0.3, "missing", ha="center", color=MUTED)
            continue
        changes = not reference.empty and name != base
        numbers = (of_model - reference).dropna(axis=1, how="all") if changes else of_model
        what = f"change from {view.label(base)}" if changes else "error"
        ax.set_title(f"{view.label(name)}\n{what} (mm)", linespacing=1.2)
        shown = means[name].dropna()
        shown_joints = [JOINTS.index(joint) for joint in shown.index]
        areas = _AREA * shown.to_numpy() / means.max().max()
        circles: Look = {"cmap": COLOURS, "norm": norm, "edgecolors": INK, "linewidths": 0.5, "zorder": 2}
        ax.scatter(*STANDING[shown_joints].T, s=areas, c=shown, **circles)
        ax.plot(*STANDING[ROOT], "+", color=INK, markersize=5, markeredgewidth=0.8)
        for joint, area in zip(shown_joints, areas, strict=True):
            number = float(numbers.iloc[joint].mean())
            _write(ax, joint, _signed(number) if changes else f"{number:.1f}", area)
    scale = mpl.cm.ScalarMappable(norm, COLOURS)
    bar = figure.colorbar(scale, ax=list(axes[0]), fraction=0.03, pad=0.01, aspect=22)
    bar.set_label(f"MPJPE (mm), {size}")
    bar.outline.set_linewidth(0.5)
    note = "circles: colour and area by error, mean over seeds; +: root, always zero; seen from the front"
    annotate(figure, view.notice, view.detail.missing(results["run"]), note)
    return figure
