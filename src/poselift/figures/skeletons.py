"""Drawing poses: 3D seen from the side of the camera and from above, limbs in the colours of their side."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from poselift.figures.style import INK
from poselift.skeleton import BONES, LEFT, RIGHT

Array = NDArray[np.floating[Any]]

AZIMUTH, ELEVATION = 40.0, 12.0
"""Degrees to the side and above the camera from which 3D poses are shown, so that depth is seen."""

LEFT_COLOUR, RIGHT_COLOUR, TRUTH_COLOUR = "#0072B2", "#D55E00", "#c4c4c4"


def project(pose: Array) -> Array:
    """A camera-space pose (..., J, 3) as seen from the side and above, orthographic: (..., J, 2), y up."""
    azimuth, elevation = np.deg2rad([AZIMUTH, ELEVATION])
    x, y, z = np.moveaxis(pose, -1, 0)
    across = np.cos(azimuth) * x + np.sin(azimuth) * z
    away = -np.sin(azimuth) * x + np.cos(azimuth) * z
    up = np.cos(elevation) * -y + np.sin(elevation) * away
    return np.stack([across, up], axis=-1)


def upright(pixels: Array) -> Array:
    """Image positions (..., J, 2) relative to the root, with y up."""
    return (pixels - pixels[..., :1, :]) * [1, -1]


def draw_skeleton(ax: Axes, points: Array, colour: str | None = None) -> list[Line2D]:
    """A line per bone between (J, 2) points: left and right limbs in their colours, or all in one."""
    lines = []
    for parent, child in BONES:
        side = LEFT_COLOUR if child in LEFT else RIGHT_COLOUR if child in RIGHT else INK
        lines += ax.plot(
            *points[[parent, child]].T,
            color=colour or side,
            # sides differ in grey as well
            linewidth=0.9 if colour else 0.8 if child in RIGHT else 1.2,
            solid_capstyle="round",
        )
    return lines


def move_skeleton(lines: Sequence[Line2D], points: Array) -> None:
    """Put the lines of `draw_skeleton` at other (J, 2) points."""
    for line, bone in zip(lines, BONES, strict=True):
        line.set_data(*points[list(bone)].T)


def share_extent(axes: Iterable[Axes], points: Array) -> None:
    """Give the axes one scale and one centre, around all (..., 2) points, and no frame."""
    low, high = points.reshape(-1, 2).min(axis=0), points.reshape(-1, 2).max(axis=0)
    centre, half = (low + high) / 2, (high - low) / 2 * 1.04
    for ax in axes:
        ax.set_xlim(centre[0] - half[0], centre[0] + half[0])
        ax.set_ylim(centre[1] - half[1], centre[1] + half[1])
        ax.set_aspect("equal")
        ax.axis("off")
