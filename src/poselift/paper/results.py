"""The tidy table of all results, `results.csv`: written by one rule, read by all that shows them.

A row is one number: run, architecture, size, seed, checkpoint, metric, group, name, value. `group` says what
the number is a mean over: `all` (the protocol's overall number, no name), `action`, `joint` or `sequence`,
with the name of the one meant. `value` is in mm (mpjpe, p_mpjpe, n_mpjpe), mm/frame (mpjve) or mm/frame^2
(acceleration); the metric `frames` counts what was evaluated. The rows "mean pose" and "copy 2D" have a run
and no architecture, size and seed.
"""

import argparse
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from poselift.errors import PoseliftError, run
from poselift.evaluation.report import METRICS, Report, Result, load_reports
from poselift.files import atomic_path
from poselift.paper.options import add_out

COLUMNS = ("run", "architecture", "size", "seed", "checkpoint", "metric", "group", "name", "value")


@dataclass(frozen=True)
class Estimate:
    """A number over seeds: its mean, its sample standard deviation (None for a single seed), the count."""

    mean: float
    std: float | None
    n: int


def _numbers(result: Result) -> Iterator[tuple[str, str, str, float]]:
    """metric, group, name and value of all numbers of one evaluated checkpoint."""
    for metric in METRICS:
        yield metric, "all", "", getattr(result, metric)
    yield "frames", "all", "", result.frames
    named = {
        "action": result.per_action,
        "joint": result.per_joint,
        "sequence": {
            key: {"frames": sequence.frames, **sequence.metrics}
            for key, sequence in result.per_sequence.items()
        },
    }
    for group, entries in named.items():
        for name, metrics in entries.items():
            for metric, value in metrics.items():
                yield metric, group, name, value


def collect(reports: Iterable[Report]) -> pd.DataFrame:
    """The tidy table of some evaluations.

    Raises `PoseliftError` if a run occurs twice, has a number that is not finite, or lacks an action, joint
    or sequence that others have: a mean over runs would then compare unlike things.
    """
    rows: list[tuple[Any, ...]] = []
    evaluated_on: dict[str, set[tuple[str, str]]] = {}
    for report in reports:
        if report.run in evaluated_on:
            raise PoseliftError(f"two evaluations of run '{report.run}'; give each run once")
        owner = (report.run, report.architecture or "", report.size or "", report.seed)
        names: set[tuple[str, str]] = set()
        for checkpoint, result in report.checkpoints.items():
            for metric, group, name, value in _numbers(result):
                if not math.isfinite(value):
                    raise PoseliftError(
                        f"run '{report.run}', {checkpoint}: {metric} of {name or group} is {value}"
                    )
                rows.append((*owner, checkpoint, metric, group, name, value))
                names.add((group, name))
        evaluated_on[report.run] = names
    everything = set().union(*evaluated_on.values())
    for run_name, names in evaluated_on.items():
        if lacking := everything - names:
            group, name = min(lacking)
            raise PoseliftError(f"run '{run_name}' was not evaluated on {group} '{name}'; evaluate it again")
    return _typed(pd.DataFrame(rows, columns=COLUMNS))


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    # categories are compared as numbers: a selection is ten times faster than among strings
    text_columns = dict.fromkeys(set(COLUMNS) - {"seed", "value"}, "category")
    return table.astype({**text_columns, "seed": "Int64", "value": "float64"})


def read(path: Path) -> pd.DataFrame:
    """Read `results.csv`. Raises `PoseliftError` if the file is missing or is no such table."""
    text_columns = {name: str for name in COLUMNS if name not in ("seed", "value")}
    try:
        # names are names: an action called "NA" is no missing value
        table = pd.read_csv(path, dtype=text_columns, keep_default_na=False, na_values={"seed": [""]})
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file") from None
    except ValueError as error:
        raise PoseliftError(f"{path}: not a table of results: {' '.join(str(error).split())}") from None
    if tuple(table.columns) != COLUMNS:
        raise PoseliftError(f"{path}: not a table of results; expected the columns {', '.join(COLUMNS)}")
    return _typed(table)


def names_in(results: pd.DataFrame, group: str) -> list[str]:
    """The actions, joints or sequences, in the order of the evaluation."""
    return list(results.loc[results["group"] == group, "name"].unique())


def per_seed(
    results: pd.DataFrame,
    architecture: str,
    size: str,
    metric: str,
    checkpoint: str,
    group: str = "all",
    name: str = "",
) -> pd.Series:
    """The values of one model, indexed by seed; empty where no run is there."""
    rows = results[
        (results["architecture"] == architecture)
        & (results["size"] == size)
        & (results["metric"] == metric)
        & (results["checkpoint"] == checkpoint)
        & (results["group"] == group)
        & (results["name"] == name)
    ]
    return rows.set_index("seed")["value"].sort_index()


def summarise(values: pd.Series) -> Estimate | None:
    """Mean, sample standard deviation (n - 1) and count over seeds; None without a value."""
    if values.empty:
        return None
    std = float(values.std(ddof=1)) if len(values) > 1 else None
    return Estimate(float(values.mean()), std, len(values))


def reference(results: pd.DataFrame, run: str, metric: str) -> Estimate | None:
    """The number of a reference row (`mean_pose`, `copy_2d`), which has no seeds and so no spread."""
    rows = results[
        (results["run"] == run) & (results["metric"] == metric) & (results["group"] == "all")
    ]  # fmt: skip
    return Estimate(float(rows["value"].iloc[0]), None, 1) if len(rows) else None


def main(argv: list[str] | None = None) -> None:
    """Gather evaluations into one CSV."""
    parser = argparse.ArgumentParser(description="Gather evaluations into one tidy table.")
    parser.add_argument(
        "--evaluations", type=Path, nargs="+", required=True, metavar="JSON", help="of the runs"
    )
    parser.add_argument("--references", type=Path, required=True, metavar="JSON", help="mean pose, copy 2D")
    add_out(parser)
    arguments = parser.parse_args(argv)
    files = [arguments.references, *arguments.evaluations]
    table = collect(report for file in files for report in load_reports(file))
    with atomic_path(arguments.out) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


if __name__ == "__main__":
    run(main)
