"""MPJPE by a frame's position in the clip after the last epoch: the ends see least of what surrounds them."""

import pandas as pd
from matplotlib.figure import Figure

from poselift.analysis.view import View
from poselift.figures.by_frame import by_position, draw_by_frame
from poselift.figures.lines import note, seed_range

NEEDS = ("results", "notice", "grid", "per_action_size", "cards")
CAPTION = "MPJPE on {{ data }} by the position of a frame in its clip, size {{ size }}, last epoch."


def draw(results: pd.DataFrame, view: View) -> Figure:
    """The figure, one column wide: a line per architecture, the band from the lowest to the highest seed."""
    errors = {
        name: by_position(results, name, view.per_action_size).rename(columns=lambda at: at + 1)
        for name in view.grid.architectures
    }
    return draw_by_frame(errors, results, view, "frame of the clip", seed_range, note)
