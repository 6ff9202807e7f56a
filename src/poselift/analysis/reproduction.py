"""Published numbers trained again: whether ours agree with them, each to a tolerance.

A number is reproduced (`supported`) if the interval of our mean lies within the tolerance of it, and not
(`refuted`) if it lies wholly beyond; else it is inconclusive. As published results do, ours are of the best
epoch on the test subjects. The published number is one training's, and is taken as it is.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from poselift.analysis.claims import Judgement, Verdict
from poselift.analysis.intervals import Differences, Model
from poselift.analysis.results import collect
from poselift.analysis.to_reproduce import METRIC, published_numbers
from poselift.analysis.view import DataNotice, add_options, from_options
from poselift.config.experiment import Reproduction, Statistics
from poselift.config.sections import parse
from poselift.errors import PoseliftError
from poselift.evaluation.metrics import METRICS
from poselift.evaluation.report import load_reports
from poselift.files import write_json
from poselift.program import run

NEEDS = ("notice", "statistics")

CHECKPOINT = "best"


def judge(
    entry: Reproduction, number: float, results: pd.DataFrame, notice: DataNotice, statistics: Statistics
) -> Judgement:
    """Whether our trainings of an entry, the rows of `results`, agree with the published `number` (mm)."""
    model, unit = Model(entry.architecture, entry.size, entry.name), METRICS[METRIC].unit
    claim = f"Trained again, {entry.published} has the MPJPE of {number:g} {unit} that was published."
    test = f"reproduces({entry.architecture}, {entry.size}, {entry.published}) to {entry.tolerance:g} {unit}"
    found = Differences(results, statistics).interval(model, METRIC, CHECKPOINT)

    def answer(verdict: Verdict, reason: str) -> Judgement:
        numbers = (found.estimate, found.low, found.high, found.seeds) if found else ()
        return Judgement(claim, test, verdict, reason, unit, *numbers)

    if notice.synthetic:
        return answer("not tested", "the data are synthetic")
    if found is None or not found.tested or found.low is None or found.high is None:
        return answer("not tested", "too few seeds: one says nothing of the next")
    low, high = found.low - number, found.high - number
    bounds = f"{100 * statistics.confidence:g} % interval of the difference {low:+.2f} to {high:+.2f} {unit}"
    if max(-low, high) <= entry.tolerance:
        return answer("supported", bounds)
    beyond = low > entry.tolerance or high < -entry.tolerance
    return answer("refuted" if beyond else "inconclusive", bounds)


def main(argv: list[str] | None = None) -> None:
    """Judge whether published numbers came out again."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    of_runs = "evaluations of the runs"
    parser.add_argument("--evaluations", type=Path, nargs="*", required=True, metavar="JSON", help=of_runs)
    rows = "published results"
    parser.add_argument("--published", type=Path, nargs="?", metavar="YAML", help=rows)
    parser.add_argument("--entries", type=json.loads, required=True, help="the entries, as JSON")
    parser.add_argument("--out", type=Path, required=True, metavar="JSON", help="file to write")
    add_options(parser, NEEDS)
    given = parser.parse_args(argv)
    if not given.entries or not given.published:
        raise PoseliftError(
            "nothing to reproduce: config.yaml needs entries of `reproduction`, and published results of the "
            "real data (paper.published)"
        )
    view = from_options(given, NEEDS)
    entries: list[Any] = [parse(Reproduction, entry, "reproduction") for entry in given.entries]
    numbers = published_numbers(entries, given.published)
    results = collect(report for path in given.evaluations for report in load_reports(path))
    judged = [
        judge(entry, number, results, view.notice, view.statistics)
        for entry, number in zip(entries, numbers, strict=True)
    ]
    write_json(given.out, [asdict(each) for each in judged])


if __name__ == "__main__":
    run(main)
