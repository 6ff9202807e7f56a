"""MPJPE by look-ahead: what an answer costs that comes before all of the future is seen."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from poselift.analysis.view import View
from poselift.evaluation.statistics import seed_interval
from poselift.figures.by_frame import by_position, draw_by_frame
from poselift.figures.dots import TWO

NEEDS = ("results", "notice", "grid", "per_action_size", "statistics", "cards", "streaming")
CAPTION = """
MPJPE on {{ data }} by look-ahead, size {{ size }}, last epoch: of the frames that have so many after them in
their clip.
"""


def by_look_ahead(results: pd.DataFrame, architecture: str, size: str) -> pd.DataFrame:
    """MPJPE in mm: a row per seed, a column per look-ahead from 0 to half a clip; empty without a run.

    The pose with a look-ahead of k is that at place n - 1 - k of a clip of n frames (`inference.stream`).
    """
    errors = by_position(results, architecture, size).iloc[:, ::-1]
    n_frames = errors.shape[1]
    return errors.set_axis(range(n_frames), axis="columns").iloc[:, : (n_frames + 1) // 2]


def draw(results: pd.DataFrame, view: View) -> Figure:
    """The figure, one column wide: a line per architecture, the band Student's t interval over seeds."""
    confidence, size = view.statistics.confidence, view.per_action_size

    def interval(values: NDArray[Any]) -> NDArray[Any] | None:
        if len(values) <= TWO:
            return None
        return np.transpose([seed_interval(each, confidence) for each in values.T])

    def note(n_seeds: int) -> str:
        band = f"line: mean over seeds, band: its {100 * confidence:g} % t interval"
        return band if n_seeds > TWO else "fewer than three seeds: no interval"

    errors = {name: by_look_ahead(results, name, size) for name in view.grid.architectures}
    return draw_by_frame(errors, results, view, "look-ahead in frames", interval, note)
