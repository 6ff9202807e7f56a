"""The rows of models in a table that compares them: all metrics, last and best epoch, what is significant."""

from collections.abc import Sequence

import pandas as pd

from poselift.analysis.intervals import Differences, Model
from poselift.analysis.results import Estimate, per_seed, summarise
from poselift.analysis.view import View
from poselift.evaluation.metrics import METRICS
from poselift.tables.table import Cell, estimated, sentences, significance_note, spread_note

CHECKPOINTS = {"last": "Last epoch", "best": "Best epoch"}


class Compared:
    """The errors of models, each compared with the others of its size.

    A star marks a significant difference from the base model of the same size. Bold is what is significantly
    better than each other model of its size: the best number alone is not.
    """

    def __init__(self, results: pd.DataFrame, view: View, metrics: Sequence[str]) -> None:
        self.results, self.view, self.metrics = results, view, metrics
        self.decimals = {metric: METRICS[metric].decimals(view.decimals) for metric in metrics}
        self._differences = Differences(results, view.statistics)
        self._estimates: list[Estimate | None] = []

    def __call__(self, architecture: str, size: str) -> list[Cell]:
        """The cells of a model: for each checkpoint those of the metrics."""
        grid, differences = self.view.grid, self._differences
        model, base = Model(architecture, size), Model(grid.base, size)
        others = [Model(name, size) for name in grid.architectures if name != architecture]
        cells = []
        for checkpoint in CHECKPOINTS:
            for metric in self.metrics:
                estimate = summarise(per_seed(self.results, architecture, size, metric, checkpoint))
                change = None if model == base else differences.difference(model, base, metric, checkpoint)
                bold = differences.better(model, others, metric, checkpoint)
                star = change is not None and change.significant
                cells.append(estimated(estimate, self.decimals[metric], bold=bold, star=star))
                self._estimates.append(estimate)
        return cells

    def notes(self, better: str) -> str:
        """The sentences of a caption on spread and significance, once all rows are made."""
        base = self.view.label(self.view.grid.base)
        return sentences(
            spread_note(self._estimates),
            significance_note(
                self.view.statistics,
                self.view.grid.seeds,
                f"Star: the interval of the difference from {base} of its size leaves out zero; bold: "
                f"so do those from all others of its size, and it is {better}.",
            ),
        )
