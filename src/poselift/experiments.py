"""Experiments outside the paper: run a named list of them, and rank runs by their errors."""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from poselift.analysis.runs import read_run
from poselift.config.files import read_configuration
from poselift.errors import PoseliftError
from poselift.evaluation.report import load_reports
from poselift.files import read_json
from poselift.program import run

NUMBERS = ["best", "last", "P-MPJPE", "GPU-hours"]
MEASURED_ON = ["unit", "subjects", "input_2d", "data"]
"""Runs that differ in these are not ranked together."""

SAID_BY_OTHERS = ["run", *NUMBERS, *MEASURED_ON, "variant", "depth", "dim"]
"""Columns, and settings that the name or the size of a run already says."""


def candidate(folder: Path) -> dict[str, Any]:
    """The row of a run: MPJPE of the best and the last weights in `unit`, P-MPJPE of the best in mm (None
    before it is evaluated), what they were measured on, and its settings. Raises `PoseliftError`."""
    made, record = read_run(folder), folder / "provenance.json"
    data = read_json(record, lambda found: found["inputs"]["data"], "the record of a run", "train it again")
    best, last, hours = (made.summary.get(key) for key in ("best_mpjpe", "last_mpjpe", "gpu_hours"))
    if not all(isinstance(number, int | float) for number in (best, last, hours)):
        raise PoseliftError(f"{folder / 'metrics.json'}: no error in the summary; train the run again")
    evaluation = folder.parent.parent / "evaluation" / f"{folder.name}.json"
    evaluated = load_reports(evaluation)[0].checkpoints.get("best") if evaluation.exists() else None
    return {
        "run": folder.name,
        **dict(zip(NUMBERS, (best, last, evaluated.p_mpjpe if evaluated else None, hours), strict=True)),
        "unit": str(made.summary.get("unit")),
        "subjects": made.settings.validation_subject or "test subjects",
        "data": json.dumps(data, sort_keys=True),
        **_flat(made.settings.model_dump(mode="json")),
    }


def _flat(nested: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        flat |= _flat(value) if isinstance(value, dict) else {key: value}
    return flat


def runs_in(folder: Path) -> list[Path]:
    """The runs in a folder of runs; the folder itself if it has none."""
    return [path.parent for path in sorted(folder.glob("*/metrics.json"))] or [folder]


def candidates(folders: Sequence[Path]) -> tuple[pd.DataFrame, list[str]]:
    """The rows of the runs in `folders`, and why others have none."""
    rows, broken = [], []
    for folder in folders:
        try:
            rows.append(candidate(folder))
        except PoseliftError as error:
            broken.append(str(error))
    # as objects: a setting that some runs do not have makes no float of the others'
    return pd.DataFrame(rows, columns=None if rows else SAID_BY_OTHERS, dtype=object), broken


def differing(group: pd.DataFrame) -> list[str]:
    """The settings in which runs differ, except those that others say."""
    keys = map(str, group.columns.difference(SAID_BY_OTHERS, sort=False))
    return [key for key in keys if len(set(map(repr, group[key]))) > 1]


def ranking(group: pd.DataFrame) -> Table:
    """A table of runs that can be ranked together; errors first, and whole on any terminal."""
    unit, subjects, input_2d, _ = group.iloc[0][MEASURED_ON]
    table = Table(caption=f"MPJPE on {subjects}, 2D poses: {input_2d}; best epoch and last epoch")
    table.add_column("run", no_wrap=True)
    for column in (f"best ({unit})", f"last ({unit})", "P-MPJPE (mm)", "GPU-hours"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("settings that differ", overflow="fold")
    for _, row in group.iterrows():
        settings = ", ".join(f"{key} {value}" for key, value in row[differing(group)].dropna().items())
        numbers = ("–" if pd.isna(number) else f"{number:.2f}" for number in row[NUMBERS])
        table.add_row(row["run"], *numbers, settings)
    return table


def compare(folders: Sequence[Path], console: Console) -> None:
    """Print rankings of the runs in `folders`, one for each kind of error, and why others have no rank.
    Raises `PoseliftError` if none has one."""
    table, broken = candidates(folders)
    groups = [group.sort_values(["best", "run"]) for _, group in table.groupby(MEASURED_ON, sort=False)]
    if len(groups) > 1:
        apart = "errors in other units, on other subjects, 2D poses or other data are not ranked together"
        console.print(f"{len(groups)} tables: {apart}")
    for group in groups:
        console.print(ranking(group))
    for reason in broken:
        console.print(f"cannot be ranked: {reason}", markup=False, highlight=False, soft_wrap=True)
    if table.empty:
        raise PoseliftError("no run that can be ranked; give folders of finished runs")


def as_csv(folders: Sequence[Path]) -> str:
    """The runs in `folders` as CSV, with all their settings. Raises `PoseliftError` for one without rank."""
    table, broken = candidates(folders)
    if broken:
        raise PoseliftError(broken[0])
    return table.drop(columns="data").to_csv(index=False)


def run_experiments(files: Sequence[Path], options: Sequence[str]) -> None:
    """Let the workflow train and evaluate the `experiments` of `files`, laid over config.yaml, and compare
    them. `options` go to Snakemake. Raises `PoseliftError` if the files or the workflow fail."""
    if not Path("Snakefile").exists():
        raise PoseliftError("no Snakefile here; go to the project's folder")
    config = read_configuration([Path("config.yaml"), *files])
    if not config.experiments:
        raise PoseliftError(f"{', '.join(map(str, files))}: no experiments; list them under `experiments:`")
    command = [sys.executable, "-m", "snakemake", "experiments", *options, "--configfile", *map(str, files)]
    if status := subprocess.run(command, check=False).returncode:
        raise PoseliftError(f"the workflow failed (exit status {status}); see its messages above")
    if not {"-n", "--dry-run", "--dryrun"} & set(options):
        runs = config.variant_runs(config.experiments)
        compare([Path("results", config.dataset, "runs", name) for name in runs], Console())


def main(argv: list[str] | None = None) -> None:
    """Run experiments outside the paper, or compare runs."""
    parser = argparse.ArgumentParser(prog="poselift experiments", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="run | compare")
    what = "train and evaluate the list `experiments` of a file, and compare them"
    start = commands.add_parser("run", help=what, epilog="Other options go to snakemake.")
    start.add_argument("files", type=Path, nargs="+", metavar="FILE.yaml", help="laid over config.yaml")
    start.add_argument("--cores", default="all", help="CPU cores in all (default: all)")
    versus = commands.add_parser("compare", help="rank runs by their error")
    of_runs = "folders of runs, or one with many"
    versus.add_argument("folders", type=Path, nargs="+", metavar="RUN_FOLDER", help=of_runs)
    versus.add_argument("--csv", action="store_true", help="print CSV, with all settings")
    given, others = parser.parse_known_args(argv)
    if given.command == "run":
        run_experiments(given.files, ["--cores", given.cores, *others])
    elif others:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    else:
        folders = [run for folder in given.folders for run in runs_in(folder)]
        if given.csv:
            print(as_csv(folders), end="")
        else:
            compare(folders, Console())


if __name__ == "__main__":
    run(main)
