"""Runs that no configuration has any more: of entries that were removed or renamed."""

import argparse
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from poselift.config.experiment import Config
from poselift.config.files import read_configuration
from poselift.monitoring.run_status import ACTIVE, read_run
from poselift.program import agreed, run, visible

OF_RUN = (
    "runs/{}",
    "evaluation/{}.json",
    "evaluation/{}-examples.npz",
    *(f"receipts/{rule}/{{}}.json" for rule in ("train", "outcome", "evaluate")),
)
"""What there is of a run below the folder of its data set."""


def leftovers(config: Config, results: Path) -> Iterator[Path]:
    """The folders of runs below `results` that belong to the data sets of `config` and not to its runs. Those
    that are being trained are none."""
    for dataset, runs in config.runs_by_folder().items():
        for folder in sorted((results / dataset / "runs").glob("*/")):
            if folder.name not in runs and read_run(folder, "", time.time()).state not in ACTIVE.values():
                yield folder


def parts(run_folder: Path) -> list[Path]:
    """The files and folders that there are of a run: its folder, its evaluation, its receipts."""
    dataset = run_folder.parents[1]
    return [path for part in OF_RUN if (path := dataset / part.format(run_folder.name)).exists()]


def size(paths: list[Path]) -> int:
    """Bytes of files and of what is in folders."""
    files = (file for path in paths for file in ([path] if path.is_file() else path.rglob("*")))
    return sum(file.stat().st_size for file in files if file.is_file())


def main(argv: list[str] | None = None) -> None:
    """List the runs that the configuration does not have any more; with --remove, ask and remove them."""
    parser = argparse.ArgumentParser(prog="poselift leftovers", description=main.__doc__)
    several = "the configuration, all files that Snakemake is given (default: config.yaml)"
    parser.add_argument("--config", type=Path, nargs="+", default=[Path("config.yaml")], help=several)
    parser.add_argument("--remove", action="store_true", help="remove them, after a question")
    given = parser.parse_args(argv)
    found = [parts(folder) for folder in leftovers(read_configuration(given.config), Path("results"))]
    for paths in found:
        print(visible(f"{paths[0]}  {size(paths) / 1e6:,.1f} MB"))
    print(f"{len(found)} run{'s' * (len(found) != 1)} that {', '.join(map(str, given.config))} does not have")
    if found and given.remove and agreed(f"Remove these {len(found)}, with their evaluations?"):
        for path in (path for paths in found for path in paths):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        print("removed; what `poselift finished` keeps of their trainings is left")


if __name__ == "__main__":
    run(main)
