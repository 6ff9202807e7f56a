"""What Snakemake itself costs as a search grows.

    python tests/benchmarks/scale_search.py [--trials 100 300 1000] [--gpus 64] [--seconds 0]

A copy of the project searches so many trials, on as many (made-up) GPUs as `--gpus` says; its trials do
nothing but give an outcome after `--seconds`. Measured are the dry run before, the search with each of
Snakemake's schedulers, and the dry run after. A row a command goes to docs/scale-search.csv. `own_cpu` is
Snakemake's own computing time, without that of the jobs.
"""

import argparse
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from measured import Cost, cost
from scale import DOCS, add

sys.path.insert(0, str(Path(__file__).parents[1]))
from project import Project

VERIFY = ("-m", "poselift.provenance.verify", "results/tiny")

TRIAL = '''"""Stands for a trial: no training, an outcome after a while."""

import json
import os
import random
import sys
import time

option = {name: value for name, value in zip(sys.argv, sys.argv[1:]) if name.startswith("--")}
time.sleep(float(os.environ["TRIAL_SECONDS"]))
error = random.Random(option["--trial"]).uniform(40, 50)
outcome = {
    "stage": "wide", "trial": option["--trial"], "status": "finished", "rung": 0, "architecture": "baseline",
    "size": "pico", "searched": json.loads(option["--values"]), "best": error, "final": error, "epochs": 1,
}
with open(option["--out"], "w") as file:
    json.dump(outcome, file)
'''

SEARCH = """
search:
  stages:
    - name: wide
      architecture: baseline
      size: pico
      random:
        samples: {trials}
        space:
          lr: {{low: 1.0e-5, high: 1.0e-3, log: true}}
          batch_size: [32, 64, 96]
          weight_decay: {{low: 1.0e-5, high: 1.0e-1, log: true}}
          lr_decay: {{low: 0.9, high: 0.999}}
"""


def measure(trials: int, gpus: int, seconds: float, schedulers: list[str], folder: Path, out: Path) -> None:
    """Add a row for every command."""
    project = Project.copied(folder / "project")
    (project.folder / "src/poselift/search/trial.py").write_text(TRIAL)
    (project.folder / "changes.yaml").write_text(SEARCH.format(trials=trials))
    environment = {"PYTHONPATH": str(project.folder / "src"), "TRIAL_SECONDS": str(seconds)}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def snakemake(*arguments: str) -> Cost:
        options = f"--configfile tiny.yaml changes.yaml --cores {gpus} --resources gpu={gpus} --quiet all"
        command = [sys.executable, "-m", "snakemake", *arguments, *options.split()]
        return cost(command, folder / "log", project.folder, environment)

    def row(what: str, *arguments: str) -> None:
        add_row(what, snakemake(*arguments))

    def add_row(what: str, found: Cost) -> None:
        costs = {name: round(value, 2) for name, value in asdict(found).items() if name != "anonymous"}
        add(out, {"trials": trials, "gpus": gpus, "trial_seconds": seconds, "what": what} | costs)

    snakemake("results/tiny/data/clips-9/manifest.json")
    row("dry run, nothing made", "search", "--dry-run")
    for scheduler in schedulers:
        row(f"search, {scheduler}", "search", "--forcerun", "trial", "--scheduler", scheduler)
    row("dry run, all made", "search", "--dry-run")
    results = project.folder / "results/tiny"
    add_row("verify", cost([sys.executable, *VERIFY], folder / "log", project.folder, environment))
    sizes = [path.stat().st_size for path in (results / "receipts").rglob("*.json")]
    print(f"{len(sizes)} receipts, {sum(sizes) / 1e6:.2f} MB")


def main() -> None:
    """Measure searches of all sizes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, nargs="+", default=(100, 300, 1000))
    parser.add_argument("--gpus", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=0, help="that a trial takes")
    parser.add_argument("--schedulers", nargs="+", default=["greedy", "ilp"])
    parser.add_argument("--table", type=Path, default=DOCS / "scale-search.csv")
    given = parser.parse_args()
    for trials in given.trials:
        with tempfile.TemporaryDirectory() as folder:
            measure(trials, given.gpus, given.seconds, given.schedulers, Path(folder), given.table)


if __name__ == "__main__":
    main()
