"""Published numbers trained again: whether ours agree with them, each to a tolerance.

A number is reproduced (`supported`) if the interval of our mean lies within the tolerance of it, and not
(`refuted`) if it lies wholly beyond; else it is inconclusive. As published results do, ours are of the best
epoch on the test subjects. The published number is one training's, and is taken as it is.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from poselift.analysis.claims import Judgement, Verdict
from poselift.analysis.intervals import Differences, Model
from poselift.analysis.published import Published, comparable, read_published
from poselift.analysis.results import collect
from poselift.analysis.view import DataNotice, add_options, from_options
from poselift.config.experiment import Reproduction, Statistics
from poselift.config.sections import parse, suggest
from poselift.errors import PoseliftError
from poselift.evaluation.metrics import METRICS
from poselift.evaluation.report import load_reports
from poselift.files import write_json
from poselift.program import run

NEEDS = ("notice", "statistics")

METRIC, CHECKPOINT = "mpjpe", "best"


def described(entries: Sequence[Reproduction]) -> str:
    """The entries as JSON, for the command line."""
    return json.dumps([entry.model_dump(mode="json", exclude_defaults=True) for entry in entries])


def published_number(entry: Reproduction, published: Published) -> float:
    """The MPJPE, mm, that an entry is to give again. Raises `PoseliftError` if there is none that is sure, or
    it is not comparable with ours: of other 2D input, or of another number of frames."""
    where = f"reproduction.{entry.name}"
    rows = {row.method: row for row in published.rows}
    if entry.published not in rows:
        raise PoseliftError(
            f"{where}: no published row '{entry.published}'{suggest(entry.published, rows)}; name one that "
            "there is, or take the entry out of `reproduction`"
        )
    row = rows[entry.published]
    if row not in comparable(published.rows).get(published.detector, []):
        raise PoseliftError(
            f"{where}: the published row '{row.method}' is not comparable with ours; it needs `sure` A or B "
            "and the `detector` that the head of the file names"
        )
    number = row.number(METRIC)
    if number is None:
        raise PoseliftError(f"{where}: the published row '{row.method}' has no MPJPE that is sure")
    if row.frames != entry.n_frames:
        raise PoseliftError(
            f"{where}: n_frames is {entry.n_frames}, but '{row.method}' was published at {row.frames}"
        )
    return number


def published_numbers(entries: Sequence[Reproduction], path: Path | None) -> list[float]:
    """The numbers that the entries are to give again, by the file of published results. Raises
    `PoseliftError` as `published_number`, or if the file cannot be read."""
    published = read_published(path) if path and entries else Published(rows=[])
    return [published_number(entry, published) for entry in entries]


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
