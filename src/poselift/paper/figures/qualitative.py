"""The clips with the median and with the largest error: 2D input, prediction and truth as skeletons.

Which clips are shown is decided by the evaluation, by that rule, and not by hand.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from poselift.errors import PoseliftError, run
from poselift.paper import options
from poselift.paper.figures.style import INK, MUTED, PAGE_WIDTH, mark, save, style
from poselift.paper.names import architecture_label
from poselift.paper.options import Marks
from poselift.skeleton import BONES, LEFT, RIGHT

AZIMUTH, ELEVATION = 40.0, 12.0
"""Degrees to the side and above the camera from which 3D poses are shown, so that depth is seen."""

LEFT_COLOUR, RIGHT_COLOUR = "#0072B2", "#D55E00"


@dataclass(frozen=True)
class Example:
    """Some frames of one clip. Positions: pixels (T, J, 2); mm, root-relative (T, J, 3), y down, z away."""

    kind: str
    action: str
    mpjpe: float
    input_2d: NDArray[np.floating[Any]]
    prediction: NDArray[np.floating[Any]]
    target: NDArray[np.floating[Any]]


def read_examples(path: Path) -> list[Example]:
    """Read what the evaluation wrote. Raises `PoseliftError` if the file is missing or is something else."""
    try:
        with np.load(path) as arrays:
            return [
                Example(
                    str(arrays["clip_kind"][i]),
                    str(arrays["action"][i]),
                    float(arrays["mpjpe"][i]),
                    arrays["input_2d"][i],
                    arrays["prediction"][i],
                    arrays["target"][i],
                )
                for i in range(len(arrays["clip_kind"]))
            ]
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file; evaluate the run first") from None
    except (ValueError, KeyError, EOFError, TypeError) as error:
        raise PoseliftError(
            f"{path}: not the examples of an evaluation ({error}); evaluate the run again"
        ) from None


def project(pose: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """A camera-space pose (..., J, 3) as seen from the side and above, orthographic: (..., J, 2), y up."""
    azimuth, elevation = np.deg2rad([AZIMUTH, ELEVATION])
    x, y, z = np.moveaxis(pose, -1, 0)
    across = np.cos(azimuth) * x + np.sin(azimuth) * z
    away = -np.sin(azimuth) * x + np.cos(azimuth) * z
    up = np.cos(elevation) * -y + np.sin(elevation) * away
    return np.stack([across, up], axis=-1)


def draw_skeleton(ax: Axes, points: NDArray[np.floating[Any]], colour: str | None = None) -> None:
    """Bones between (J, 2) points: left and right limbs in their colours, or all in one."""
    for parent, child in BONES:
        side = LEFT_COLOUR if child in LEFT else RIGHT_COLOUR if child in RIGHT else INK
        ax.plot(
            *points[[parent, child]].T,
            color=colour or side,
            linewidth=1.0 if colour is None else 0.9,
            solid_capstyle="round",
        )


def model_of(path: Path) -> str:
    """Which model made the examples, from the name of their file, `<run>-examples.npz`."""
    name = path.stem.removesuffix("-examples")
    if found := re.fullmatch(r"(\w+)-(\w+)-s(\d+)", name):
        return f"{architecture_label(found[1])}, {found[2]}, seed {found[3]}"
    return name


def draw(examples: Sequence[Example], model: str, marks: Marks) -> Figure:
    """The figure, one page wide: a block an example, a column a frame, a row for input, prediction, truth."""
    n_frames = len(examples[0].target)
    # the strip below the poses is for the model's name
    layout = ConstrainedLayoutEngine(rect=(0, 0.05, 1, 0.95))
    figure = plt.figure(figsize=(PAGE_WIDTH, 3.4), layout=layout)
    blocks = figure.subfigures(1, len(examples), wspace=0.03, squeeze=False)[0]
    for block, example in zip(blocks, examples, strict=True):
        axes = block.subplots(3, n_frames, gridspec_kw={"wspace": 0, "hspace": 0.02})
        pixels = example.input_2d * [1, -1]
        seen, truth = project(example.prediction), project(example.target)
        for row in axes[1:]:
            _share_extent(row, np.concatenate([seen, truth]))
        _share_extent(axes[0], pixels - pixels[:, :1])
        for column, t in zip(axes.T, range(n_frames), strict=True):
            draw_skeleton(column[0], pixels[t] - pixels[t, 0])
            draw_skeleton(column[1], truth[t], colour="#c4c4c4")
            draw_skeleton(column[1], seen[t])
            draw_skeleton(column[2], truth[t])
        block.suptitle(f"{example.kind} clip: {example.action}, {example.mpjpe:.1f} mm", fontsize=8)
        if block is blocks[0]:
            for ax, label in zip(axes[:, 0], ("2D input", "prediction", "truth"), strict=True):
                ax.text(
                    -0.02,
                    0.5,
                    label,
                    rotation=90,
                    transform=ax.transAxes,
                    ha="right",
                    va="center",
                    color=MUTED,
                )
    figure.text(0.005, 0.01, f"model: {model}", fontsize=7, color=MUTED, ha="left", va="bottom")
    mark(figure, marks)
    return figure


def _share_extent(axes: Sequence[Axes], points: NDArray[np.floating[Any]]) -> None:
    """Give the axes one scale and one centre, around all (..., 2) points."""
    low, high = points.reshape(-1, 2).min(axis=0), points.reshape(-1, 2).max(axis=0)
    centre, half = (low + high) / 2, (high - low) / 2 * 1.04
    for ax in axes:
        ax.set_xlim(centre[0] - half[0], centre[0] + half[0])
        ax.set_ylim(centre[1] - half[1], centre[1] + half[1])
        ax.set_aspect("equal")
        ax.axis("off")


def main(argv: list[str] | None = None) -> None:
    """Draw the examples of one run."""
    parser = options.parser("Draw the median and the worst clip of a run.", "dataset_title")
    parser.add_argument(
        "--examples", type=Path, required=True, metavar="NPZ", help="examples written by the evaluation"
    )
    options.add_out(parser, "PDF to write; a PNG of the same name goes beside it")
    arguments = parser.parse_args(argv)
    examples = read_examples(arguments.examples)
    with style():
        save(draw(examples, model_of(arguments.examples), options.marks(arguments)), arguments.out)


if __name__ == "__main__":
    run(main)
