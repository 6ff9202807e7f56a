"""The cells of a table of errors, and what its caption says of them."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import pandas as pd

from poselift.analysis.intervals import Differences, Families, Model
from poselift.analysis.results import Estimate, per_seed, reference, summarise
from poselift.analysis.view import View
from poselift.evaluation.metrics import METRICS
from poselift.evaluation.statistics import POWER
from poselift.tables.caption import intervals_note, sentences
from poselift.tables.table import Cell, Row, changed, estimated, number

CHECKPOINTS = {"last": "Last epoch", "best": "Best epoch"}


class ErrorCells:
    """Makes the cells of a table, and remembers their estimates for the caption. `families` are the
    comparisons that it tests."""

    def __init__(
        self,
        results: pd.DataFrame,
        view: View,
        families: Families | None = None,
    ) -> None:
        self.results, self.view, self.families = results, view, families or {}
        self._estimates: list[Estimate | None] = []

    @cached_property
    def differences(self) -> Differences:
        """The differences between models, with intervals as the view has them."""
        return Differences(self.results, self.view.statistics, self.families)

    def error(
        self,
        model: Model,
        metric: str,
        checkpoint: str = "last",
        base: Model | None = None,
        rivals: Sequence[Model] = (),
        of: tuple[str, str] = ("all", ""),
    ) -> Cell:
        """The mean over seeds and its spread, `of` a group and a name in it (see `per_seed`).

        A star if it differs significantly from `base`, bold if it is significantly better than all `rivals`:
        of the primary metric after the last epoch alone.
        """
        architecture, size, variant = model
        values = per_seed(self.results, architecture, size, metric, checkpoint, *of, variant)
        self._estimates.append(summarise(values))
        significant = base and model != base and self.differences.significant(model, base, metric, checkpoint)
        return estimated(
            self._estimates[-1],
            METRICS[metric].decimals(self.view.decimals),
            bold=bool(rivals) and self.differences.better(model, rivals, metric, checkpoint),
            star=bool(significant),
        )

    def change(self, model: Model, base: Model, metric: str) -> Cell:
        """The error of `model` minus that of `base` after the last epoch; empty for a model and itself."""
        if model == base:
            return Cell()
        found = self.differences.difference(model, base, metric, "last")
        star = self.differences.significant(model, base, metric, "last")
        return changed(found, self.view.decimals, star)

    def compared(
        self, architecture: str, size: str, metrics: Iterable[str], checkpoints: Iterable[str] = CHECKPOINTS
    ) -> Row:
        """The metrics for each of the checkpoints, compared with the other models of this size: a star for a
        significant difference from the base, bold for what is significantly better than each other model."""
        grid = self.view.grid
        model, base = Model(architecture, size), Model(grid.base, size)
        others = [Model(name, size) for name in grid.architectures if name != architecture]
        return tuple(
            self.error(model, metric, checkpoint, base, others)
            for checkpoint in checkpoints
            for metric in metrics
        )

    def references(self, labels: Mapping[str, str], metrics: Iterable[str]) -> tuple[Row, ...]:
        """The rows of what needs no training, by the names of their evaluations."""
        places = {metric: METRICS[metric].decimals(self.view.decimals) for metric in metrics}
        return tuple(
            (Cell(label), *(estimated(reference(self.results, run, each), places[each]) for each in places))
            for run, label in labels.items()
        )

    def spread_note(self) -> str:
        """The sentence that says what stands behind the errors so far."""
        counts = sorted({estimate.n for estimate in self._estimates if estimate is not None})
        if counts == [1]:
            return "One seed a model, hence no spread."
        n = " to ".join(map(str, dict.fromkeys((*counts[:1], *counts[-1:]))))
        return f"Mean over {n} seeds, in small print its standard deviation." if n else ""

    def comparison_note(self) -> str:
        """The sentences on spread and significance of what is `compared`."""
        base = self.view.label(self.view.grid.base)
        starred = f"from {base} of its size; bold: it is also better than each other of its size"
        return sentences(self.spread_note(), self.star_note(starred, self.view.grid.most_seeds))

    def _power_note(self, seeds: Sequence[int]) -> str:
        """The sentences on what the tests could have found."""
        metric = METRICS[self.view.statistics.primary]
        found = [number(each, metric.decimals(self.view.decimals)) for each in self.differences.detectable()]
        if not found:
            return ""
        unit = metric.unit.replace("^2", "²")
        percent = f"{100 * POWER:g}\N{NARROW NO-BREAK SPACE}%"
        least, most = (f"{end}\N{NARROW NO-BREAK SPACE}{unit}" for end in (found[0], found[-1]))
        on = f"from {least} on in its most precise comparison, from {most} on in its least precise one"
        return sentences(
            f"A test finds a true difference with a probability of {percent} or more "
            f"{on if least != most else f'from {least} on'}; smaller ones may be there unseen.",
            "With two seeds the spread over trainings is hardly known, hence so much."
            if len(seeds) == 2
            else "",
        )

    def star_note(self, starred: str, seeds: Sequence[int]) -> str:
        """The sentences on what is tested, and on what is starred, a significant difference `starred`."""
        intervals = intervals_note(self.view.statistics, seeds)
        if len(seeds) < 2:
            return intervals
        statistics = self.view.statistics
        endpoint = f"{METRICS[statistics.primary].label}, last epoch"
        counts = [len(p_values) for p_values in self.differences.corrected.values() if p_values]
        if not counts:
            return sentences("Exploratory: nothing is starred.", intervals)
        error = f"{100 * (1 - statistics.confidence):.3g}\N{NARROW NO-BREAK SPACE}%"
        comparisons = f"{' and '.join(map(str, counts))} comparison{'s' * (counts != [1])}"
        return sentences(
            self._power_note(seeds),
            f"Star: a significant difference {starred} ({endpoint}; Holm's correction for {comparisons}, "
            f"family-wise error {error}). All else is exploratory, without stars.",
            intervals,
        )
