"""A view for tests, two architectures in two sizes with three seeds; command lines that say it; its runs."""

import shlex
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from poselift.analysis.plan import Catalogue, options_of
from poselift.analysis.view import DataNotice, Grid, View
from poselift.config.architectures import find, known
from poselift.config.experiment import Statistics
from poselift.config.run import RunSettings, TrainingSettings

GRID = Grid(("baseline", "full"), ("xsmall", "base"), (0, 1, 2))
REAL = DataNotice("measured motion", synthetic=False)
SYNTHETIC = DataNotice("made-up motion", synthetic=True)


def view(grid: Grid = GRID, notice: DataNotice = REAL, **others: Any) -> View:
    """A view of a grid; `others` are its further parts."""
    usual = {
        "per_action_size": "base",
        "decimals": 1,
        "statistics": Statistics(resamples=500),
        "cards": {name: one.card for name, one in known({}).items()},
    }
    return View(grid=grid, notice=notice, **usual | others)


def command(package: str, name: str, view: View | None, out: Path, **files: Path | list[Path]) -> list[str]:
    """The command line of a table or figure, as the workflow has it: of `files` those that it needs."""
    wildcards = SimpleNamespace(name=name)
    _, its, dataset = Catalogue(package).about[name]
    published = {dataset: Path("published.yaml")} if "published" in files else {}
    catalogue = Catalogue(package, {dataset: view} if view else {}, published)
    words = [*shlex.split(catalogue.options(wildcards)), "--out", str(out)]
    if package == "figures":
        words += shlex.split(catalogue.caption(wildcards))
    for need in set(its["NEEDS"]) & set(files):
        paths = files[need] if isinstance(files[need], list) else [files[need]]
        words += [f"--{need.replace('_', '-')}", *map(str, paths)]
    return words


def told(module: ModuleType, view: View) -> list[str]:
    """The options by which the workflow tells a program its parts of the view."""
    return shlex.split(options_of(module.__name__, view))


def run_settings(architecture: str, size: str, seed: int, epochs: int) -> RunSettings:
    """The settings of a run of this length; what else they say is the same for all."""
    return RunSettings(
        architecture=architecture,
        size=size,
        depth=4,
        dim=32,
        n_frames=27,
        seed=seed,
        model=find(architecture).settings(),
        training=TrainingSettings(epochs=epochs),
    )
