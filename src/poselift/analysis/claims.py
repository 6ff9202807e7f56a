"""The paper's claims (`poselift.analysis.claim_tests`) judged by its results.

A claim is supported if its opposite is rejected, refuted if it is rejected itself, else inconclusive; the
claims are a family of tests, corrected as one (`poselift.evaluation.statistics.holm`). It is not tested on
synthetic data, without all runs or with a single seed. Of the model with the best mean the interval is one
that pays for the choice (`Bootstrap.extreme`).
"""

import argparse
import operator
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Literal

import pandas as pd

from poselift.analysis.claim_tests import Claim, read_claims
from poselift.analysis.intervals import Differences, Model, grid_pairs
from poselift.analysis.results import of_dataset, per_seed, read_all
from poselift.analysis.stored import read_content
from poselift.analysis.view import DataNotice, Further, Grid, add_options, from_options
from poselift.config.datasets import known
from poselift.config.experiment import Statistics
from poselift.evaluation.metrics import METRICS
from poselift.evaluation.statistics import Interval, holm
from poselift.files import write_json
from poselift.program import run

NEEDS = ("notice", "grid", "per_action_size", "statistics", "further")

RELATIONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip

Verdict = Literal["supported", "refuted", "inconclusive", "not tested"]


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim; the estimate and its interval are in the claim's unit."""

    claim: str
    test: str
    verdict: Verdict
    reason: str
    unit: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    seeds: int = 0
    p: float | None = None
    """of the claim's bound, two-sided; None if it is not tested"""


def judge(
    claim: Claim, results: pd.DataFrame, grid: Grid, notice: DataNotice, statistics: Statistics
) -> Judgement:
    """Test a claim by the results on its data set, whose runs are those of `grid`, as if it were the only
    one; `corrected` is the verdict on several."""
    models = [each for each in (claim.model, claim.base) if each]
    interval = measured(claim, results, grid, statistics)

    def answer(verdict: Verdict, reason: str) -> Judgement:
        numbers = (interval.estimate, interval.low, interval.high, interval.seeds) if interval else ()
        return Judgement(claim.text, claim.test, verdict, reason, claim.unit, *numbers)

    for each in models:
        if each.architecture not in grid.architectures or each.size not in grid.sizes:
            named = ", ".join(filter(None, (each.architecture, each.size, claim.dataset)))
            return answer("not tested", f"{named} is not part of this experiment")
    runs = [Grid((each.architecture,), (each.size,), grid.seeds_of(each.size)) for each in models] or [grid]
    missing = [name for wanted in runs for name in wanted.missing(results["run"])]
    if missing:
        return answer("not tested", f"missing runs: {', '.join(missing)}")
    if interval is None:
        return answer("not tested", f"{claim.metric} is not measured on these data")
    if notice.synthetic:
        return answer("not tested", "the data are synthetic")
    if not interval.tested:
        return answer("not tested", "too few seeds: one says nothing of the next")
    fulfilled = RELATIONS[claim.relation](interval.estimate, claim.value)
    judgement = replace(answer("supported" if fulfilled else "refuted", ""), p=interval.p)
    return corrected([judgement], statistics.confidence)[0]


def corrected(judgements: Sequence[Judgement], confidence: float) -> list[Judgement]:
    """The judgements, each of which was made alone, as one family of tests at this level.

    What is not decided after Holm's correction is inconclusive.
    """
    tested = [each for each in judgements if each.p is not None]
    adjusted = iter(holm([each.p for each in tested if each.p is not None]))

    def decided(each: Judgement) -> Judgement:
        if each.p is None:
            return each
        p = next(adjusted)
        of_several = f" after the correction for {len(tested)} claims" if len(tested) > 1 else ""
        verdict: Verdict = each.verdict if p <= 1 - confidence else "inconclusive"
        shown = "p < 0.001" if p < 1e-3 else f"p = {p:.2g}"
        return replace(each, verdict=verdict, reason=f"{shown}{of_several}")

    return [decided(each) for each in judgements]


def measured(claim: Claim, results: pd.DataFrame, grid: Grid, statistics: Statistics) -> Interval | None:
    """What a claim is about, with its interval, in its unit; None without runs.

    For an improvement of more than t % the interval is that of model - (1 - t/100) base, paired, in % of the
    base's mean: that of a ratio would depend on how the base varies alone. Where higher is better, a change
    upwards is an improvement.
    """
    sign = -1 if METRICS[claim.metric].higher_is_better else 1
    model, differences = claim.model, Differences(results, statistics, {"grid": grid_pairs(grid)})
    if model is None:
        models = [Model(*each) for each in product(grid.architectures, grid.sizes)]
        return differences.extreme(models, claim.metric, claim.checkpoint, claim.value)
    if claim.base is None:
        return differences.interval(model, claim.metric, claim.checkpoint, tested=claim.value)
    if claim.unit != "%":
        bound = -sign * claim.value
        found = differences.difference(model, claim.base, claim.metric, claim.checkpoint, tested=bound)
        return _turned(found, 0.0, sign) if found else None
    mean = per_seed(results, *claim.base[:2], claim.metric, claim.checkpoint).mean()
    scaled = results.copy()
    of_base = (scaled["architecture"] == claim.base.architecture) & (scaled["metric"] == claim.metric)
    scaled.loc[of_base, "value"] *= 1 - sign * claim.value / 100
    found = Differences(scaled, statistics).difference(model, claim.base, claim.metric, claim.checkpoint)
    return _turned(found, claim.value, sign * 100 / mean) if found else None


def _turned(difference: Interval, offset: float, factor: float) -> Interval:
    """offset - factor * difference."""
    ends = (difference.high, difference.low) if factor > 0 else (difference.low, difference.high)
    low, high = (None if end is None else offset - factor * end for end in ends)
    return Interval(offset - factor * difference.estimate, low, high, difference.seeds, difference.p)


def measured_text(judgement: Judgement, decimals: int) -> str:
    """What was measured, `38.2 mm (37.5 to 38.9)` with a narrow space before the unit; `–` without runs."""
    estimate, low, high = (
        None if value is None else f"{value:z.{decimals}f}".replace("-", "−")
        for value in (judgement.estimate, judgement.low, judgement.high)
    )
    if estimate is None:
        return "–"
    interval = "" if low is None or high is None else f" ({low} to {high})"
    return f"{estimate}\N{NARROW NO-BREAK SPACE}{judgement.unit.replace('^2', '²')}{interval}"


def read_judgements(path: Path) -> list[Judgement]:
    """The judged claims. Raises `PoseliftError` if the file is missing or another."""
    judgements: list[Judgement] = read_content(path, list[Judgement])
    return judgements


def main(argv: list[str] | None = None) -> None:
    """Judge the paper's claims."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--results", type=Path, required=True, metavar="CSV", help="the table of all results")
    parser.add_argument("--claims", type=Path, required=True, metavar="YAML", help="the claims")
    parser.add_argument("--out", type=Path, required=True, metavar="JSON", help="file to write")
    add_options(parser, NEEDS)
    arguments = parser.parse_args(argv)
    view, results = from_options(arguments, NEEDS), read_all(arguments.results)
    absent = Further(notice=view.notice, grid=Grid((), (), ()))
    further = dict.fromkeys(known(), absent) | view.further
    grids = {name: its.grid for name, its in further.items()}
    judgements = []
    for claim in read_claims(arguments.claims, view.grid, view.per_action_size, grids):
        shown = further.get(claim.dataset, view)
        rows = of_dataset(results, claim.dataset or None)
        judgements.append(judge(claim, rows, shown.grid, shown.notice, view.statistics))
    write_json(arguments.out, [asdict(each) for each in corrected(judgements, view.statistics.confidence)])


if __name__ == "__main__":
    run(main)
