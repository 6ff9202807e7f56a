"""The clips with the median and with the largest error as strips: 2D input, prediction and truth.

Which clips are shown is decided by the evaluation, by that rule, and not by hand.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from poselift.analysis.examples import Example, evenly_spaced, model_label
from poselift.analysis.view import View
from poselift.figures.skeletons import TRUTH_COLOUR, draw_skeleton, project, share_extent, upright
from poselift.figures.style import MUTED, PAGE_WIDTH, annotate, literal

NEEDS = ("last_examples", "notice", "labels")
CAPTION = """
The test clips of {{ data }} with the median and with the largest MPJPE of all, chosen by this rule and
not by hand; evenly spaced frames of each, weights of the best epoch. The prediction has the truth in grey
behind it. 3D poses are seen from the side of the camera and from above, so that depth shows. Left limbs are
blue and thick, right limbs orange and thin.
"""

N_SHOWN = 5
NAMES = 0.3
"""The width of the column of names, as a share of that of a frame."""


def draw(last_examples: Mapping[str, Sequence[Example]], view: View) -> Figure:
    """The figure, one page wide: a block per example of a run, a column per frame, rows for input, prediction
    and truth."""
    ((run, examples),) = last_examples.items()
    figure = plt.figure(figsize=(PAGE_WIDTH, 3.6), layout="constrained")
    # before the first block a column of the rows' names
    ratios = [(i == 0) * NAMES + N_SHOWN for i in range(len(examples))]
    blocks = figure.subfigures(1, len(examples), wspace=0.03, squeeze=False, width_ratios=ratios)[0]
    for block, example in zip(blocks, examples, strict=True):
        frames = evenly_spaced(len(example.target), N_SHOWN)
        first = block is blocks[0]
        ratios = [NAMES] * first + [1] * len(frames)
        spaced = {"wspace": 0, "hspace": 0.02, "width_ratios": ratios}
        axes = block.subplots(3, len(ratios), squeeze=False, gridspec_kw=spaced)
        if first:
            for ax, label in zip(axes[:, 0], ("2D input", "prediction", "truth"), strict=True):
                ax.text(0.5, 0.5, label, rotation=90, ha="center", va="center", c=MUTED)
                ax.axis("off")
            axes = axes[:, 1:]
        seen, truth = project(example.prediction[frames]), project(example.target[frames])
        pixels = upright(example.input_2d[frames])
        errors = np.linalg.norm(example.prediction - example.target, axis=-1).mean(axis=-1)  # mm, (T,)
        share_extent(axes[0], pixels)
        share_extent(axes[1:].flat, np.concatenate([seen, truth]))
        for i, (column, frame) in enumerate(zip(axes.T, frames, strict=True)):
            draw_skeleton(column[0], pixels[i])
            draw_skeleton(column[1], truth[i], TRUTH_COLOUR)
            draw_skeleton(column[1], seen[i])
            draw_skeleton(column[2], truth[i])
            column[0].set_title(f"frame {frame + 1}", fontsize=7, color=MUTED, pad=2)
            column[1].set_title(f"{errors[frame]:.0f} mm", fontsize=7, color=MUTED, pad=2)
        block.suptitle(literal(example.title), fontsize=8)
    annotate(figure, view.notice, note=f"model: {model_label(run, view)}")
    return figure
