"""Experiments outside the paper: run a named list of them, and rank runs by their errors."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from poselift.analysis.runs import Run, read_run
from poselift.config.files import read_configuration
from poselift.errors import PoseliftError, run
from poselift.evaluation.report import load_reports
from poselift.files import read_json

IN_COLUMNS = ("architecture", "size", "variant", "depth", "dim")
"""Settings that the name, the architecture or the size of a run already says."""


@dataclass(frozen=True)
class Candidate:
    """A run to be compared, with its settings flattened."""

    folder: Path
    run: Run
    settings: dict[str, Any]
    p_mpjpe: float | None
    """P-MPJPE (mm) of the best weights, if the run has been evaluated."""
    measured_on: tuple[str, str, str]
    """Unit, subjects and data of the error: runs that differ in these are not ranked together."""


def candidate(folder: Path) -> Candidate:
    """Read a run folder, and its evaluation beside `runs/` if there is one. Raises `PoseliftError`."""
    made, record = read_run(folder), folder / "provenance.json"
    data = read_json(record, lambda found: found["inputs"]["data"], "the record of a run", "train it again")
    numbers = (made.summary.get(key) for key in ("best_mpjpe", "last_mpjpe", "gpu_hours"))
    if not all(isinstance(number, int | float) for number in numbers):
        raise PoseliftError(f"{folder / 'metrics.json'}: no error in the summary; train the run again")
    evaluation = folder.parent.parent / "evaluation" / f"{folder.name}.json"
    evaluated = load_reports(evaluation)[0].checkpoints.get("best") if evaluation.exists() else None
    subjects = made.settings.validation_subject or "test subjects"
    return Candidate(
        folder=folder,
        run=made,
        settings=_flat(made.settings.model_dump(mode="json")),
        p_mpjpe=evaluated.p_mpjpe if evaluated else None,
        measured_on=(str(made.summary.get("unit")), subjects, json.dumps(data, sort_keys=True)),
    )


def _flat(nested: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        flat |= _flat(value) if isinstance(value, dict) else {key: value}
    return flat


def differing(candidates: Sequence[Candidate]) -> list[str]:
    """The settings in which the runs differ, except those that have a column anyway."""
    keys = dict.fromkeys(key for one in candidates for key in one.settings if key not in IN_COLUMNS)
    return [key for key in keys if len({repr(one.settings.get(key)) for one in candidates}) > 1]


def ranking(candidates: Sequence[Candidate], title: str) -> Table:
    """A table of runs that can be ranked together, the smallest best error first."""
    unit, subjects, _ = candidates[0].measured_on
    keys = differing(candidates)
    table = Table(title=title, caption=f"MPJPE on {subjects}; best epoch and last epoch")
    for column in ("run", "architecture", "size", *keys):
        table.add_column(column, overflow="fold")
    for column in (f"best ({unit})", f"last ({unit})", "P-MPJPE (mm)", "GPU-hours"):
        table.add_column(column, justify="right")
    for one in sorted(candidates, key=lambda c: (c.run.summary["best_mpjpe"], c.folder.name)):
        settings, summary = one.run.settings, one.run.summary
        values = [str(one.settings.get(key, "–")) for key in keys]
        table.add_row(
            one.folder.name, settings.architecture, settings.size, *values,
            f"{summary['best_mpjpe']:.2f}", f"{summary['last_mpjpe']:.2f}",
            "–" if one.p_mpjpe is None else f"{one.p_mpjpe:.2f}", f"{summary['gpu_hours']:.2f}",
        )  # fmt: skip
    return table


def compare(folders: Sequence[Path], console: Console) -> None:
    """Print rankings of the runs in `folders`, one for each kind of error, and why others have no rank."""
    groups: dict[tuple[str, str, str], list[Candidate]] = {}
    broken = Table("run", "reason", title="cannot be ranked")
    for folder in folders:
        try:
            one = candidate(folder)
            groups.setdefault(one.measured_on, []).append(one)
        except PoseliftError as error:
            broken.add_row(str(folder), str(error))
    if len(groups) > 1:
        apart = "errors in other units, on other subjects or other data are not ranked together"
        console.print(f"{len(groups)} tables: {apart}")
    for number, candidates in enumerate(groups.values(), 1):
        console.print(ranking(candidates, f"runs {number} of {len(groups)}" if len(groups) > 1 else "runs"))
    if broken.row_count:
        console.print(broken)


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
        compare([Path("results", config.dataset, "runs", name) for name in runs], terminal())


def terminal() -> Console:
    """Standard output; wide where it is no terminal, so that nothing is cut off."""
    return Console(width=None if sys.stdout.isatty() else 240)


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
    given, others = parser.parse_known_args(argv)
    if given.command == "run":
        run_experiments(given.files, ["--cores", given.cores, *others])
    elif others:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    else:
        compare(given.folders, terminal())


if __name__ == "__main__":
    run(main)
