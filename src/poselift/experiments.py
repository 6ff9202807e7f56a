"""Experiments outside the paper: run a named list of them, and rank runs by their errors."""

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from poselift.analysis.runs import read_run
from poselift.config.files import read_configuration
from poselift.errors import PoseliftError, run
from poselift.evaluation.report import load_reports
from poselift.files import read_json

SAID_BY_OTHERS = ("variant", "depth", "dim")
"""Settings that the name or the size of a run already says."""


@dataclass(frozen=True)
class Candidate:
    """A run to be compared: its errors (MPJPE in `unit`; P-MPJPE of the best weights in mm, None before it is
    evaluated), and its settings, flattened."""

    run: str
    best: float
    last: float
    p_mpjpe: float | None
    gpu_hours: float
    unit: str
    subjects: str
    input_2d: str
    data: str
    settings: dict[str, Any]

    @property
    def measured_on(self) -> tuple[str, ...]:
        """Runs that differ in these are not ranked together."""
        return self.unit, self.subjects, self.input_2d, self.data


def candidate(folder: Path) -> Candidate:
    """Read a run folder, and its evaluation beside `runs/` if there is one. Raises `PoseliftError`."""
    made, record = read_run(folder), folder / "provenance.json"
    data = read_json(record, lambda found: found["inputs"]["data"], "the record of a run", "train it again")
    numbers: list[Any] = [made.summary.get(key) for key in ("best_mpjpe", "last_mpjpe", "gpu_hours")]
    if not all(isinstance(number, int | float) for number in numbers):
        raise PoseliftError(f"{folder / 'metrics.json'}: no error in the summary; train the run again")
    evaluation = folder.parent.parent / "evaluation" / f"{folder.name}.json"
    evaluated = load_reports(evaluation)[0].checkpoints.get("best") if evaluation.exists() else None
    best, last, hours = numbers
    return Candidate(
        folder.name, best, last, evaluated.p_mpjpe if evaluated else None, hours,
        unit=str(made.summary.get("unit")),
        subjects=made.settings.validation_subject or "test subjects",
        input_2d=made.settings.input_2d,
        data=json.dumps(data, sort_keys=True),
        settings=_flat(made.settings.model_dump(mode="json")),
    )  # fmt: skip


def _flat(nested: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        flat |= _flat(value) if isinstance(value, dict) else {key: value}
    return flat


def differing(candidates: Sequence[Candidate]) -> list[str]:
    """The settings in which the runs differ, except those that others say."""
    keys = dict.fromkeys(key for one in candidates for key in one.settings if key not in SAID_BY_OTHERS)
    return [key for key in keys if len({repr(one.settings.get(key)) for one in candidates}) > 1]


def ranked(folders: Sequence[Path]) -> tuple[list[list[Candidate]], list[str]]:
    """The runs in `folders`, those that can be ranked together in a list each, the smallest best error first;
    and why others have no rank."""
    groups: dict[tuple[str, ...], list[Candidate]] = defaultdict(list)
    broken = []
    for folder in folders:
        try:
            one = candidate(folder)
            groups[one.measured_on].append(one)
        except PoseliftError as error:
            broken.append(str(error))
    return [sorted(group, key=lambda one: (one.best, one.run)) for group in groups.values()], broken


def ranking(group: Sequence[Candidate]) -> Table:
    """A table of runs that can be ranked together; errors first, and whole on any terminal."""
    unit, subjects, input_2d, _ = group[0].measured_on
    table = Table(caption=f"MPJPE on {subjects}, 2D poses: {input_2d}; best epoch and last epoch")
    table.add_column("run", no_wrap=True)
    for column in (f"best ({unit})", f"last ({unit})", "P-MPJPE (mm)", "GPU-hours"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("settings that differ", overflow="fold")
    keys = differing(group)
    for one in group:
        numbers = (one.best, one.last, one.p_mpjpe, one.gpu_hours)
        settings = ", ".join(f"{key} {one.settings[key]}" for key in keys if key in one.settings)
        table.add_row(one.run, *("–" if n is None else f"{n:.2f}" for n in numbers), settings)
    return table


def compare(folders: Sequence[Path], console: Console) -> None:
    """Print rankings of the runs in `folders`, one for each kind of error, and why others have no rank."""
    groups, broken = ranked(folders)
    if len(groups) > 1:
        apart = "errors in other units, on other subjects, 2D poses or other data are not ranked together"
        console.print(f"{len(groups)} tables: {apart}")
    for group in groups:
        console.print(ranking(group))
    for reason in broken:
        console.print(f"cannot be ranked: {reason}", markup=False, highlight=False, soft_wrap=True)


def as_csv(folders: Sequence[Path]) -> str:
    """The runs in `folders` as CSV, with all their settings. Raises `PoseliftError` for one without rank."""
    groups, broken = ranked(folders)
    if broken:
        raise PoseliftError(broken[0])
    rows = [asdict(one) | one.settings for group in groups for one in group]
    return pd.DataFrame(rows).drop(columns=["settings", "data"]).to_csv(index=False)


def run_experiments(files: Sequence[Path], options: Sequence[str]) -> None:
    """Let the workflow train and evaluate the `experiments` of `files`, laid over config.yaml, and compare
    them. `options` go to Snakemake. Raises `PoseliftError` if the files or the workflow fail."""
    if not Path("Snakefile").exists():
        raise PoseliftError("no Snakefile here; go to the project's folder")
    config = read_configuration([Path("config.yaml"), *files])
    if not config.experiments:
        raise PoseliftError(f"{', '.join(map(str, files))}: no experiments; list them under `experiments:`")
    command = [sys.executable, "-m", "snakemake", "experiments", *options, "--configfile", *map(str, files)]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    status = subprocess.run(command, env=os.environ | {"PATH": path}).returncode
    if status:
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
    versus.add_argument("folders", type=Path, nargs="+", metavar="RUN_FOLDER", help="folders of runs")
    versus.add_argument("--csv", action="store_true", help="print CSV, with all settings")
    given, others = parser.parse_known_args(argv)
    if given.command == "run":
        run_experiments(given.files, ["--cores", given.cores, *others])
    elif others:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    elif given.csv:
        print(as_csv(given.folders), end="")
    else:
        compare(given.folders, Console())


if __name__ == "__main__":
    run(main)
