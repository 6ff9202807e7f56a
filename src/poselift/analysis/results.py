"""The tidy table of all results, `results.csv`: written by one rule, read by all that shows them.

A row is one number: run, architecture, size, variant, input_2d, n_frames, seed, checkpoint, metric,
group, name, value. `variant` is empty for the main runs, else what sets a run apart (`gt2d`, or an entry
of the ablation). `group` says what the number is a mean over, `name` which one is meant: `all` (the
protocol's overall number, no name), `action`, `joint`, `body`, `camera`, `place` (in the clip, from 0;
mpjpe only) or `sequence`, named `<action>/<sequence>.<camera>`. `value` is in mm (mpjpe, p_mpjpe,
n_mpjpe), mm/frame (mpjve) or mm/frame^2 (acceleration); the metric `frames` counts what was evaluated.
The reference rows have a run and no architecture, size, variant and seed.
"""

import argparse
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from poselift.errors import PoseliftError, run
from poselift.evaluation.metrics import METRICS
from poselift.evaluation.report import METRICS as POSE_METRICS
from poselift.evaluation.report import Report, Result, load_reports
from poselift.files import atomic_path

COLUMNS = (
    "run", "architecture", "size", "variant", "input_2d", "n_frames", "seed", "checkpoint", "metric", "group",
    "name", "value",
)  # fmt: skip
REFERENCE_LABELS = {"mean_pose": "Mean pose", "copy_2d": "Copy 2D"}
"""The reference rows, which need no training, as the paper calls them."""

GROUND_TRUTH_REFERENCE_LABELS = {"mean_pose": "Mean pose", "copy_gt2d": "Copy 2D"}
"""The same beside models on ground-truth 2D."""

NUMBERS = {"n_frames": "int64", "seed": "Int64", "value": "float64"}


@dataclass(frozen=True)
class Estimate:
    """A number over seeds: its mean, its sample standard deviation (None for a single seed), the count."""

    mean: float
    std: float | None
    n: int


def _numbers(result: Result) -> Iterator[tuple[str, str, str, float]]:
    """metric, group, name and value of all numbers of one evaluated checkpoint."""
    for metric in POSE_METRICS:
        yield metric, "all", "", getattr(result, metric)
    yield "frames", "all", "", result.frames
    named = {
        "action": result.per_action,
        "joint": result.per_joint,
        "body": result.per_body,
        "camera": result.per_camera,
        "place": {str(place): {"mpjpe": error} for place, error in result.per_place.items()},
        "sequence": {
            f"{sequence.action}/{key}": {"frames": sequence.frames, **sequence.metrics}
            for key, sequence in result.per_sequence.items()
        },
    }
    for group, entries in named.items():
        for name, metrics in entries.items():
            for metric, value in metrics.items():
                yield metric, group, name, value


def collect(reports: Iterable[Report]) -> pd.DataFrame:
    """The tidy table of some evaluations.

    Raises `PoseliftError` if a run occurs twice, has a number that is not finite, or lacks an action, a
    joint, a sequence … that others have: a mean over runs would then compare unlike things.
    """
    rows: list[tuple[Any, ...]] = []
    evaluated_on: dict[str, set[tuple[str, str]]] = {}
    for report in reports:
        if report.run in evaluated_on:
            raise PoseliftError(f"two evaluations of run '{report.run}'; give each run once")
        owner = (
            report.run,
            *(value or "" for value in (report.architecture, report.size, report.variant)),
            *(report.input_2d, report.n_frames, report.seed),
        )
        for checkpoint, result in report.checkpoints.items():
            numbers = list(_numbers(result))
            for metric, group, name, value in numbers:
                if not math.isfinite(value):
                    raise PoseliftError(
                        f"run '{report.run}', {checkpoint}: {metric} of {name or group} is {value}"
                    )
                rows.append((*owner, checkpoint, metric, group, name, value))
            names = {(group, name) for _, group, name, _ in numbers if group != "place"}  # by n_frames
            known = evaluated_on.setdefault(report.run, names)
            _same_names(report.run, checkpoint, names, known)
    everything = set().union(*evaluated_on.values())
    for run_name, names in evaluated_on.items():
        _same_names(run_name, "as others were", names, everything)
    return _typed(pd.DataFrame(rows, columns=COLUMNS))


def _same_names(
    run_name: str, what: str, names: set[tuple[str, str]], expected: set[tuple[str, str]]
) -> None:
    if lacking := expected - names:
        group, name = min(lacking)
        raise PoseliftError(
            f"run '{run_name}', {what}: was not evaluated on {group} '{name}'; evaluate it again"
        )


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    # categories are compared as numbers: a selection is ten times faster than among strings
    text = dict.fromkeys([name for name in COLUMNS if name not in NUMBERS], "category")
    return table.astype({**text, **NUMBERS})


def read(path: Path) -> pd.DataFrame:
    """Read `results.csv`. Raises `PoseliftError` if the file is missing or is no such table."""
    text = dict.fromkeys([name for name in COLUMNS if name not in NUMBERS], "category")
    try:
        # names are names: an action called "NA" is no missing value
        table = pd.read_csv(path, dtype=text, keep_default_na=False, na_values={"seed": [""]})
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file") from None
    except ValueError as error:
        raise PoseliftError(f"{path}: not a table of results: {' '.join(str(error).split())}") from None
    if tuple(table.columns) != COLUMNS:
        raise PoseliftError(f"{path}: not a table of results; expected the columns {', '.join(COLUMNS)}")
    try:
        return table.astype(NUMBERS)
    except (ValueError, TypeError) as error:
        raise PoseliftError(f"{path}: not a whole table of results ({error}); make it anew") from None


def names_in(results: pd.DataFrame, group: str) -> list[str]:
    """The actions, joints, parts of the body, cameras, places or sequences, in the order of the
    evaluation."""
    return list(results.loc[results["group"] == group, "name"].unique())


def metrics_in(results: pd.DataFrame) -> list[str]:
    """The metrics that there are results of, in the order of `poselift.evaluation.metrics`."""
    return [metric for metric in METRICS if metric in set(results["metric"])]


def per_seed(
    results: pd.DataFrame,
    architecture: str,
    size: str,
    metric: str,
    checkpoint: str,
    group: str = "all",
    name: str = "",
    variant: str = "",
) -> pd.Series:
    """The values of one model, indexed by seed; empty where no run is there."""
    rows = results[
        (results["architecture"] == architecture)
        & (results["size"] == size)
        & (results["variant"] == variant)
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
    """The number of a reference row (`mean_pose`, `copy_2d`, …), which has no seeds and so no spread."""
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
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write")
    arguments = parser.parse_args(argv)
    files = [arguments.references, *arguments.evaluations]
    table = collect(report for file in files for report in load_reports(file))
    with atomic_path(arguments.out) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n", float_format="%.9g")


if __name__ == "__main__":
    run(main)
