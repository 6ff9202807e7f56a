"""The rows of models in a table that compares them: all metrics, last and best epoch, what is significant."""

from collections.abc import Sequence

import pandas as pd

from poselift.analysis.intervals import Model
from poselift.analysis.view import View
from poselift.tables.caption import sentences, significance_note
from poselift.tables.cells import ErrorCells
from poselift.tables.table import Row

CHECKPOINTS = {"last": "Last epoch", "best": "Best epoch"}


class Compared(ErrorCells):
    """The errors of models, each compared with the others of its size.

    A star marks a significant difference from the base model of the same size. Bold is what is significantly
    better than each other model of its size: the best number alone is not.
    """

    def __init__(self, results: pd.DataFrame, view: View, metrics: Sequence[str]) -> None:
        super().__init__(results, view)
        self.metrics = metrics

    def __call__(self, architecture: str, size: str) -> Row:
        """The cells of a model: for each checkpoint those of the metrics."""
        grid = self.view.grid
        model, base = Model(architecture, size), Model(grid.base, size)
        others = [Model(name, size) for name in grid.architectures if name != architecture]
        return tuple(
            self.error(model, metric, checkpoint, base, others)
            for checkpoint in CHECKPOINTS
            for metric in self.metrics
        )

    def notes(self, better: str) -> str:
        """The sentences of a caption on spread and significance, once all rows are made."""
        base, grid = self.view.label(self.view.grid.base), self.view.grid
        marked = (
            f"Star: the interval of the difference from {base} of its size leaves out zero; bold: "
            f"so do those from all others of its size, and it is {better}."
        )
        return sentences(self.spread_note(), significance_note(self.view.statistics, grid.seeds, marked))
