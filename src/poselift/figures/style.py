"""The one style sheet of the figures, and how they are saved: the same bytes for the same data.

Figures are made at their size in print (two columns of 3.28 in on a page of 6.875 in) and included unscaled,
so that 8 pt here are 8 pt on paper. Colours are Okabe and Ito's, which colour-blind readers tell apart;
markers and lines differ too.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.animation import PillowWriter
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from poselift.analysis.stored import Point
from poselift.analysis.view import DataNotice, View
from poselift.errors import PoseliftError
from poselift.files import atomic_path
from poselift.provenance.chain import short_hash

COLUMN_WIDTH = 3.28
PAGE_WIDTH = 6.875

INK = "#222222"
MUTED = "#767676"
GRID = "#dddddd"

Look = dict[str, Any]
"""Keywords of Matplotlib's artists: colour, width ..."""

SYNTHETIC = "synthetic data"
"""What every figure made from synthetic data says."""

_TICKS = {"labelsize": 7.5, "color": MUTED, "labelcolor": INK, "major.width": 0.5, "major.size": 2.5}

STYLE: dict[str, Any] = {
    **{f"{axis}tick.{name}": value for axis in "xy" for name, value in _TICKS.items()},
    "font.family": "STIXGeneral",  # matches the paper's Times and comes with matplotlib
    "mathtext.fontset": "stix",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "legend.fontsize": 7.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.1,
    "lines.markersize": 4,
    "legend.frameon": False,
    "legend.handletextpad": 0.4,
    "legend.columnspacing": 1.2,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,  # TrueType: publishers refuse Type 3
    "svg.hashsalt": "poselift",  # the same names inside for the same drawing
}


def literal(text: str) -> str:
    """Somebody's words as they are: Matplotlib takes what is between two dollars for mathematics."""
    return text.replace("$", r"\$")


def style() -> AbstractContextManager[None]:
    """A context in which figures follow the style sheet, whatever the user's own settings are."""
    return plt.style.context(["default", STYLE])


def legend(
    figure: Figure, view: View, architectures: Sequence[str] = (), *, line: bool = False,
    absent: Collection[str] = (),
) -> None:  # fmt: skip
    """The legend of the architectures, by default those of the grid, in one row above the panels: markers, or
    lines. Those in `absent` are missing."""
    shown = {name: view.card(name) for name in architectures or view.grid.architectures}
    handles = [
        Line2D([], [], color=card.colour, label=card.label + (" (missing)" if name in absent else ""), **look)
        for name, card in shown.items()
        for look in [{"linestyle": card.line} if line else {"linestyle": "", "marker": card.marker}]
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))


def write_beside(
    ax: Axes, text: str, point: Iterable[float], offset: tuple[float, float], **look: Any
) -> None:
    """Write beside a point, `offset` (in points of print) away from it."""
    x, y = point
    ax.annotate(text, (x, y), offset, textcoords="offset points", fontsize=7, **look)


def annotate(figure: Figure, notice: DataNotice, missing: Sequence[str] = (), note: str = "") -> None:
    """Write below the figure how to read it, and whether data are synthetic and runs missing."""
    words = [SYNTHETIC] if notice.synthetic else []
    if missing:
        words.append(f"DRAFT: {len(missing)} run{'s' if len(missing) > 1 else ''} missing")
    lines = [line for line in (note, " · ".join(words)) if line]
    if lines:
        figure.supxlabel(
            "\n".join(lines), fontsize=7, color=MUTED, x=0.995, ha="right", style="italic", linespacing=1.3
        )


class Tooltips(Artist):
    """What pages say where a pointer is at data points (N,); nothing is drawn."""

    def __init__(self, x: ArrayLike, y: ArrayLike, texts: Sequence[str]) -> None:
        super().__init__()
        self.positions, self.texts = np.column_stack([x, y]), texts
        self.set_in_layout(False)


def value_of(by_seed: pd.Series, unit: str = "") -> str:
    """A number for a pointer, the mean over seeds and what each has: `40 mm (seed 0: 39.1, seed 1: 40.9)`."""
    each = ", ".join(f"seed {seed}: {value:.4g}" for seed, value in by_seed.items())
    return f"{by_seed.mean():.4g}{unit} ({each if len(by_seed) > 1 else each.partition(':')[0]})"


def tooltips(figure: Figure) -> tuple[Point, ...]:
    """The points of a figure that was drawn, by `Tooltips`."""
    found: list[Point] = []
    for ax in figure.axes:
        for artist in ax.artists:
            if isinstance(artist, Tooltips):
                pixels = ax.transData.transform(artist.positions)
                places = figure.transFigure.inverted().transform(pixels).round(4).tolist()
                found += [(x, 1 - y, text) for (x, y), text in zip(places, artist.texts, strict=True)]
    return tuple(found)


@dataclass(frozen=True)
class Animation:
    """A figure that moves: `show` puts it at one of the `frames`."""

    figure: Figure
    frames: Sequence[int]
    show: Callable[[int], None]
    frames_per_second: int


def save(drawn: Figure | Animation, out: Path, made_from: Iterable[Path] = ()) -> tuple[Point, ...]:
    """Write a figure as `out` (PDF) and its twins `.svg` and `.png`, or an animation as `out` (GIF); what is
    said of its points.

    There are no dates and versions inside. Where the workflow made the files that the figure was drawn from,
    a short hash of what is behind them goes into the metadata. The figure is closed.
    """
    if isinstance(drawn, Animation):
        _save_animation(drawn, out)
        return ()
    hashed = short_hash(made_from)
    origin = f"made from {hashed}" if hashed else None
    metadata: dict[str, dict[str, Any]] = {
        ".pdf": {"CreationDate": None, "Creator": None, "Producer": None, "Subject": origin},
        ".svg": {"Date": None, "Creator": None, "Description": origin},
        ".png": {"Software": None, **({"Description": origin} if origin else {})},
    }
    for suffix, entries in metadata.items():
        with atomic_path(out.with_suffix(suffix)) as temporary:
            drawn.savefig(temporary, metadata=entries)
    points = tooltips(drawn)
    plt.close(drawn)
    return points


def _save_animation(animation: Animation, out: Path) -> None:
    if out.suffix != ".gif":
        raise PoseliftError(f"--out {out}: an animation is a .gif")
    figure = animation.figure
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # the panels stay where they are in the first frame
    writer = PillowWriter(fps=animation.frames_per_second)
    with atomic_path(out) as temporary, writer.saving(figure, temporary, figure.dpi):
        for frame in animation.frames:
            animation.show(frame)
            writer.grab_frame()
    plt.close(figure)
