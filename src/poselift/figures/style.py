"""The one style sheet of the figures, and how they are saved: the same bytes for the same data.

Figures are made at their size in print (two columns of 3.28 in on a page of 6.875 in) and included unscaled,
so that 8 pt here are 8 pt on paper. Colours are Okabe and Ito's, which colour-blind readers tell apart;
markers and lines differ too.
"""

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from poselift.analysis.names import architecture_label
from poselift.analysis.options import Marks
from poselift.files import atomic_path
from poselift.provenance.chain import short_hash

mpl.use("agg")  # files only, whatever display there is

COLUMN_WIDTH = 3.28
PAGE_WIDTH = 6.875

INK = "#222222"
MUTED = "#767676"
GRID = "#dddddd"

SYNTHETIC = "synthetic data"
"""What every figure made from synthetic data says."""

STYLE: dict[str, Any] = {
    "font.family": "STIXGeneral",  # matches the paper's Times and comes with matplotlib
    "mathtext.fontset": "stix",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.1,
    "lines.markersize": 4,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.frameon": False,
    "legend.handletextpad": 0.4,
    "legend.columnspacing": 1.2,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,  # TrueType: publishers refuse Type 3
    "svg.hashsalt": "poselift",  # the same names inside for the same drawing
}


@dataclass(frozen=True)
class Look:
    """How an architecture is drawn in every figure."""

    colour: str
    marker: str
    line: Literal["-", "--", "-.", ":"]


_LOOKS = {
    "baseline": Look("#0072B2", "o", "-"),
    "mamba_gcn": Look("#D55E00", "s", "--"),
    "full": Look("#009E73", "D", "-."),
}
_OTHER = Look("#555555", "v", ":")


def look(architecture: str) -> Look:
    """Colour, marker and line of an architecture."""
    return _LOOKS.get(architecture, _OTHER)


def literal(text: str) -> str:
    """Somebody's words as they are: Matplotlib takes what is between two dollars for mathematics."""
    return text.replace("$", r"\$")


def style() -> AbstractContextManager[None]:
    """A context in which figures follow the style sheet, whatever the user's own settings are."""
    return plt.style.context(["default", STYLE])


def legend_handles(
    architectures: Sequence[str], line: bool = False, absent: Collection[str] = ()
) -> list[Line2D]:
    """Entries of a legend for these architectures: markers, or lines; those in `absent` are missing."""
    return [
        Line2D(
            [],
            [],
            color=look(name).colour,
            marker="" if line else look(name).marker,
            linestyle=look(name).line if line else "",
            label=architecture_label(name) + (" (missing)" if name in absent else ""),
        )
        for name in architectures
    ]


def legend(
    figure: Figure, architectures: Sequence[str], line: bool = False, absent: Collection[str] = ()
) -> None:
    """The legend of the architectures, in one row above the panels."""
    figure.legend(
        handles=legend_handles(architectures, line, absent),
        loc="outside upper center",
        ncols=len(architectures),
    )


def mark(figure: Figure, marks: Marks, missing: Sequence[str] = (), note: str = "") -> None:
    """Write below the figure what its reader must know: how to read it, synthetic data, missing runs."""
    words = [SYNTHETIC] if marks.synthetic else []
    if missing:
        words.append(f"DRAFT: {len(missing)} run{'s' if len(missing) > 1 else ''} missing")
    lines = [line for line in (note, " · ".join(words)) if line]
    if lines:
        figure.supxlabel(
            "\n".join(lines), fontsize=7, color=MUTED, x=0.995, ha="right", style="italic", linespacing=1.3
        )


def save(figure: Figure, out: Path, made_from: Iterable[Path] = ()) -> None:
    """Write `out` (PDF) and its twins `.svg` and `.png`, without dates and versions, and close the figure.

    Where the workflow made the files that the figure was drawn from, a short hash of what is behind them
    goes into the metadata.
    """
    hashed = short_hash(made_from)
    origin = f"made from {hashed}" if hashed else None
    metadata: dict[str, dict[str, Any]] = {
        ".pdf": {"CreationDate": None, "Creator": None, "Producer": None, "Subject": origin},
        ".svg": {"Date": None, "Creator": None, "Description": origin},
        ".png": {"Software": None, **({"Description": origin} if origin else {})},
    }
    for suffix, entries in metadata.items():
        with atomic_path(out.with_suffix(suffix)) as temporary:
            figure.savefig(temporary, metadata=entries)
    plt.close(figure)
