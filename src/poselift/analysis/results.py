"""The tidy table of all results, `results.csv`: written by one rule, read by all that shows them.

A row is one number: dataset, run, architecture, size, variant, input_2d, n_frames, seed, checkpoint, metric,
group, name, value. `variant` is empty for the main runs, else what sets a run apart (`gt2d`, or an entry of
the ablation). What `metric`, `group` and `name` say is in `poselift.evaluation.report`, units are in
`poselift.evaluation.metrics`. The reference rows have a run and no architecture, size, variant and seed. The
paper's main data set comes first; all functions but `read_all` and `collect` take the rows of a single one.
"""

import argparse
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from poselift.errors import PoseliftError
from poselift.evaluation.metrics import METRICS
from poselift.evaluation.report import Report, load_reports
from poselift.files import atomic_path, reading
from poselift.program import run
from poselift.provenance.hashing import require_recorded

COLUMNS = (
    "dataset", "run", "architecture", "size", "variant", "input_2d", "n_frames", "seed", "checkpoint",
    "metric", "group", "name", "value",
)  # fmt: skip
REFERENCE_LABELS = {"mean_pose": "Mean pose", "copy_2d": "Copy 2D"}
"""The reference rows, which need no training, as the paper calls them."""

GROUND_TRUTH_REFERENCE_LABELS = {"mean_pose": "Mean pose", "copy_gt2d": "Copy 2D"}
"""The same beside models on ground-truth 2D."""

NUMBERS = {"n_frames": "int64", "seed": "Int64", "value": "float64"}
TEXT = {name: "category" for name in COLUMNS if name not in NUMBERS}
"""Categories are compared as numbers: a selection is ten times faster than among strings."""


@dataclass(frozen=True)
class Estimate:
    """A number over seeds: its mean, its sample standard deviation (None for a single seed), the count."""

    mean: float
    std: float | None
    n: int


def collect(reports: Iterable[Report]) -> pd.DataFrame:
    """The tidy table of some evaluations.

    Raises `PoseliftError` if a run occurs twice, has a number that is not finite, or lacks an action, a
    joint, a sequence … that others on its data set have, or was tested on other frames than another of as
    many frames per clip: a mean over runs would then compare unlike things.
    """
    rows: list[tuple[Any, ...]] = []
    names_of: dict[str, dict[str, set[tuple[str, str]]]] = {}
    tested: dict[tuple[str, int], dict[str, dict[str, float]]] = {}
    for report in reports:
        evaluated = names_of.setdefault(report.dataset, {})
        if report.run in evaluated:
            raise PoseliftError(f"two evaluations of run '{report.run}'; give each run once")
        model = (value or "" for value in (report.architecture, report.size, report.variant))
        owner = (report.dataset, report.run, *model, report.input_2d, report.n_frames, report.seed)
        for checkpoint, result in report.checkpoints.items():
            who = f"run '{report.run}', {checkpoint}"
            for metric, group, name, value in result.rows:
                if not math.isfinite(value):
                    raise PoseliftError(f"{who}: {metric} of {name or group} is {value}")
                rows.append((*owner, checkpoint, metric, group, name, value))
            names = {(row.group, row.name) for row in result.rows if row.group != "place"}  # by n_frames
            _same_names(who, names, evaluated.setdefault(report.run, names))
            frames = {row.name: row.value for row in result.rows if row[:2] == ("frames", "sequence")}
            tested.setdefault((report.dataset, report.n_frames), {})[who] = frames
    for evaluated in names_of.values():
        everything = set().union(*evaluated.values())
        for run_name, names in evaluated.items():
            _same_names(f"run '{run_name}', as others were", names, everything)
    for by_run in tested.values():
        first, expected = next(iter(by_run.items()))
        for who, frames in by_run.items():
            if frames != expected:
                raise PoseliftError(
                    f"{who}: was tested on other frames than {first}; evaluate both again on one store"
                )
    return pd.DataFrame(rows, columns=COLUMNS).astype(TEXT | NUMBERS)


def _same_names(who: str, names: set[tuple[str, str]], expected: set[tuple[str, str]]) -> None:
    if lacking := expected - names:
        group, name = min(lacking)
        raise PoseliftError(f"{who}: was not evaluated on {group} '{name}'; evaluate it again")


def read(path: Path, dataset: str | None = None) -> pd.DataFrame:
    """The results on one data set of `results.csv`, by default the paper's main one, which comes first.

    Raises `PoseliftError` if the file is missing or is no such table.
    """
    return of_dataset(read_all(path), dataset)


def of_dataset(results: pd.DataFrame, dataset: str | None = None) -> pd.DataFrame:
    """The rows of one data set, by default of the first."""
    if dataset is None:
        dataset = str(results["dataset"].iloc[0]) if len(results) else ""
    return results[results["dataset"] == dataset]


def read_all(path: Path) -> pd.DataFrame:
    """The whole of `results.csv`, which has to have the hash in `results.sha256` if that is there; raises as
    `read`."""
    with reading(path, "a table of results", "build it with snakemake"):
        if (digest := path.with_suffix(".sha256")).exists():
            recorded = digest.read_text(encoding="utf-8").split()[0]
            require_recorded(path, recorded, "remove it and run snakemake again: it makes it again")
        # names are names: an action called "NA" is no missing value
        table = pd.read_csv(path, dtype=TEXT, keep_default_na=False, na_values={"seed": [""]})
        if tuple(table.columns) != COLUMNS:
            raise ValueError(f"expected the columns {', '.join(COLUMNS)}")
        return table.astype(NUMBERS)


def names_in(results: pd.DataFrame, group: str) -> list[str]:
    """The actions, joints, parts of the body ... of a group, in the order of the evaluation."""
    return list(results.loc[results["group"] == group, "name"].unique())


def metrics_in(results: pd.DataFrame) -> list[str]:
    """The metrics that there are results of, in the order of `poselift.evaluation.metrics`."""
    return [metric for metric in METRICS if metric in set(results["metric"])]


def per_seed(
    results: pd.DataFrame, architecture: str, size: str, metric: str, checkpoint: str,
    group: str = "all", name: str = "", variant: str = "",
) -> pd.Series:  # fmt: skip
    """The values of one model, indexed by seed; empty where no run is there."""
    wanted = {
        "architecture": architecture, "size": size, "variant": variant,
        "metric": metric, "checkpoint": checkpoint, "group": group, "name": name,
    }  # fmt: skip
    for column, value in wanted.items():
        results = results[results[column] == value]
    return results.set_index("seed")["value"].sort_index()


def summarise(values: pd.Series) -> Estimate | None:
    """Mean, sample standard deviation (n - 1) and count over seeds; None without a value."""
    if values.empty:
        return None
    std = float(values.std(ddof=1)) if len(values) > 1 else None
    return Estimate(float(values.mean()), std, len(values))


def reference(results: pd.DataFrame, run: str, metric: str) -> Estimate | None:
    """The number of a reference row (`mean_pose`, `copy_2d`, …), which has no seeds and so no spread."""
    rows = results[(results["run"] == run) & (results["metric"] == metric) & (results["group"] == "all")]
    return Estimate(float(rows["value"].iloc[0]), None, 1) if len(rows) else None


def main(argv: list[str] | None = None) -> None:
    """Gather evaluations into one CSV."""
    parser = argparse.ArgumentParser(description="Gather evaluations into one tidy table.")
    parser.add_argument(
        "--evaluations", type=Path, nargs="+", required=True, metavar="JSON",
        help="of the runs, those on the paper's main data set first",
    )  # fmt: skip
    parser.add_argument("--references", type=Path, required=True, metavar="JSON", help="mean pose, copy 2D")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write")
    arguments = parser.parse_args(argv)
    files = [arguments.references, *arguments.evaluations]
    table = collect(report for file in files for report in load_reports(file))
    with atomic_path(arguments.out) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n", float_format="%.9g")


if __name__ == "__main__":
    run(main)
