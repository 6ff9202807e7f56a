"""An animated comparison for talks: 2D input and prediction over truth, of the median and the worst clip.

A GIF with a row per model. Each model shows the clips of its own median and highest error, by the rule of
the evaluation; models whose clips coincide can be compared frame by frame.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from poselift.analysis.examples import Array, Example, model_label
from poselift.analysis.view import View
from poselift.errors import PoseliftError
from poselift.figures import skeletons
from poselift.figures.skeletons import TRUTH_COLOUR, draw_skeleton
from poselift.figures.style import MUTED, PAGE_WIDTH, Animation, annotate, literal

NEEDS = ("examples", "notice", "labels")
CAPTION = """
The test clips of {{ data }} with the median and with the largest MPJPE of each architecture, size {{
size }}: the 2D input, and the prediction over the truth, in grey.
"""
FORMATS = ("gif",)

MAX_FRAMES = 65
FRAMES_PER_SECOND = 12
"""80 ms each, as a GIF counts in units of 10 ms: at every fourth frame of 50 Hz as fast as it happened."""
SHORTEST = 2
"""Seconds that a loop lasts at least: clips of few frames run slower."""
DPI = 110

Moving = tuple[list[Line2D], Array]
"""The lines of a skeleton and its positions by frame, (T, J, 2)."""


def frames_shown(n_frames: int) -> range:
    """The frames of a clip that the animation shows: all, or every n-th of a long clip."""
    return range(0, n_frames, -(-n_frames // MAX_FRAMES))


def _rows(models: Mapping[str, Sequence[Example]], figure: Figure) -> list[Moving]:
    """Draw the first frame of all, and say what moves."""
    moving: list[Moving] = []
    rows = figure.subfigures(len(models), 1, squeeze=False)[:, 0]
    for row, (model, examples) in zip(rows, models.items(), strict=True):
        blocks = row.subfigures(1, len(examples), squeeze=False)[0]
        for block, example in zip(blocks, examples, strict=True):
            left, right = block.subplots(1, 2, gridspec_kw={"wspace": 0})
            pixels = skeletons.upright(example.input_2d)
            seen, truth = skeletons.project(example.prediction), skeletons.project(example.target)
            skeletons.share_extent([left], pixels)
            skeletons.share_extent([right], np.concatenate([seen, truth]))
            moving += [
                (draw_skeleton(left, pixels[0]), pixels),
                (draw_skeleton(right, truth[0], TRUTH_COLOUR), truth),
                (draw_skeleton(right, seen[0]), seen),
            ]
            block.suptitle(f"{model}\n{literal(example.title)}", fontsize=8)
            if row is rows[-1]:
                below = {"ha": "center", "va": "top", "size": 7, "color": MUTED}
                for ax, text in ((left, "2D input"), (right, "prediction, truth in grey")):
                    ax.text(0.5, -0.04, text, transform=ax.transAxes, **below)
    return moving


def draw(examples: Mapping[str, Sequence[Example]], view: View) -> Animation:
    """The animation of some runs' examples.

    Raises `PoseliftError` if the clips of the models differ in length.
    """
    models = {model_label(run, view): clips for run, clips in examples.items()}
    lengths = {model: len(clip.target) for model, clips in models.items() for clip in clips}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{model}: {n}" for model, n in lengths.items())
        raise PoseliftError(f"the clips differ in length ({listed}); animate models of one n_frames")
    n_frames = next(iter(lengths.values()))
    frames = frames_shown(n_frames)
    figure = plt.figure(figsize=(PAGE_WIDTH, 0.25 + 2.3 * len(models)), dpi=DPI, layout="constrained")
    moving = _rows(models, figure)
    counter = figure.text(0.005, 0.012, "", fontsize=7, color=MUTED)
    annotate(figure, view.notice, note=next(iter(models.values()))[0].rule)

    def show(frame: int) -> None:
        for lines, points in moving:
            skeletons.move_skeleton(lines, points[frame])
        counter.set_text(f"frame {frame + 1} of {n_frames}")

    return Animation(figure, frames, show, max(1, min(FRAMES_PER_SECOND, len(frames) // SHORTEST)))
