"""Reading run folders: what a run was told (`config.yaml`) and how it went (`metrics.json`)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poselift.config.run import RunSettings
from poselift.config.yaml_files import load
from poselift.files import reading


@dataclass(frozen=True)
class Run:
    """A finished run: its settings, its lists by epoch, its summary."""

    settings: RunSettings
    epochs: dict[str, list[float]]
    summary: dict[str, Any]


def read_run(folder: Path) -> Run:
    """Read a run folder. Raises `PoseliftError` if a file is missing, cut short or without its parts."""
    path = folder / "metrics.json"
    with reading(path, "the metrics of a finished run", "train the run first", "train it again"):
        metrics = json.loads(path.read_text(encoding="utf-8"))
        epochs, summary = metrics["epochs"], metrics["summary"]
        if len({len(values) for values in epochs.values()}) != 1:
            raise ValueError("the lists by epoch differ in length")
    return Run(load(folder / "config.yaml", RunSettings), epochs, summary)


def read_runs(metrics: Iterable[Path]) -> list[Run]:
    """The runs of some `metrics.json`. Raises `PoseliftError` as `read_run`."""
    return [read_run(path.parent) for path in metrics]
