"""Results of the search: a table of all trials, and the winner as a piece of configuration."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from poselift.config.run import TrainingSettings
from poselift.errors import run
from poselift.files import atomic_path, write_text
from poselift.search.results import TrialResult, ranked, read_ranking
from poselift.search.settings import MODEL

SHOWN = 5
COLUMNS = [
    "stage", "trial", "status", "reason", "best", "final", "unit", "epochs", "gpu_hours",
    "architecture", "size",
]  # fmt: skip
"""The table's columns before those of the searched keys; `best` and `final` are errors in `unit`."""


def table(results: Sequence[TrialResult]) -> pd.DataFrame:
    """One row per trial, sorted by error, and one column per searched key."""
    rows = [
        {column: getattr(result, column) for column in COLUMNS} | result.searched
        for result in ranked(results)
    ]
    keys = dict.fromkeys(key for result in results for key in result.searched)
    return pd.DataFrame(rows, columns=[*COLUMNS, *(key for key in keys if key not in COLUMNS)])


def best_finished(results: Sequence[TrialResult]) -> list[TrialResult]:
    """The finished trials, the best first."""
    return [result for result in ranked(results) if result.status == "finished"]


def fragment(results: Sequence[TrialResult], overrides: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """What the winner changes, as keys of config.yaml: `training` has the searched values of the best
    finished trial, `models` for each architecture the hyper-parameters of its best one.

    `overrides` are those of the configuration. Where there are some, the training goes into another one after
    them, for all models, because they would win over `training`.
    """
    finished = best_finished(results)
    found = finished[0].searched if finished else {}
    training = {key: value for key, value in found.items() if key in TrainingSettings.model_fields}
    models: dict[str, Any] = {}
    others = (*MODEL, *TrainingSettings.model_fields)
    for result in finished:
        values = {key: value for key, value in result.searched.items() if key not in others}
        if values:
            models.setdefault(result.architecture, values)
    piece: dict[str, Any] = {}
    if training:
        piece = {"overrides": [*overrides, {"training": training}]} if overrides else {"training": training}
    return piece | ({"models": models} if models else {})


def heading(results: Sequence[TrialResult], subject: str, data: str) -> str:
    """What the search found in a few lines: the data, how many trials, the best of them."""
    counts = pd.Series([result.status for result in results]).value_counts()
    states = ", ".join(f"{count} {status}" for status, count in counts.items())
    number = f"{len(results)} trial{'s' if len(results) > 1 else ''}"
    lines = [f"{data}: {number} ({states}), MPJPE on train subject {subject} in px"]
    for result in best_finished(results)[:1]:
        lines.append(
            f"winner: {result.architecture}-{result.size}, stage {result.stage}, {result.trial}: "
            f"{result.best:.2f} {result.unit}"
        )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Write the table of all trials and the winner as a piece of configuration; print the best five."""
    parser = argparse.ArgumentParser(prog="poselift.search.collect", description=main.__doc__)
    parser.add_argument("--rankings", type=Path, nargs="+", required=True, help="last ranking of each stage")
    parser.add_argument(
        "--overrides", type=json.loads, default=[], help="JSON: the configuration's overrides"
    )
    parser.add_argument("--validation-subject", required=True, help="train subject the errors are of")
    parser.add_argument("--dataset-title", required=True, help="how the paper calls the data")
    parser.add_argument("--synthetic", action="store_true", help="say that the data are synthetic")
    parser.add_argument("--out", type=Path, required=True, help="table to write (CSV)")
    parser.add_argument("--winner", type=Path, required=True, help="piece of configuration to write (YAML)")
    given = parser.parse_args(argv)
    results = [result for path in given.rankings for result in read_ranking(path).trials]
    data = f"{'SYNTHETIC DATA, ' if given.synthetic else ''}{given.dataset_title}"
    found = heading(results, given.validation_subject, data)
    trials = table(results)
    with atomic_path(given.out) as temporary:
        trials.to_csv(temporary, index=False)
    comment = "".join(f"# {line}\n" for line in found.splitlines())
    piece = yaml.safe_dump(fragment(results, given.overrides), sort_keys=False)
    write_text(given.winner, comment + piece)
    print(found)
    shown = trials.head(SHOWN).drop(columns="reason").dropna(axis="columns", how="all")
    print(shown.round({"best": 2, "final": 2, "gpu_hours": 2}).to_string(index=False))
    for result in results:
        if result.status == "failed":
            print(f"failed: {result.stage} {result.trial}: {result.reason}")


if __name__ == "__main__":
    run(main)
