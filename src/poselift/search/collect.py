"""Results of the search: a table of all trials, and the winner as a piece of configuration."""

import argparse
import json
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
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
    rows = [asdict(result) | result.searched for result in ranked(results)]
    keys = dict.fromkeys(key for result in results for key in result.searched)
    return pd.DataFrame(rows, columns=[*COLUMNS, *(key for key in keys if key not in COLUMNS)])


def best_finished(results: Sequence[TrialResult]) -> list[TrialResult]:
    """The finished trials, the best first."""
    return [result for result in ranked(results) if result.status == "finished"]


def fragment(results: Sequence[TrialResult], overrides: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """What the winner changes, as keys of config.yaml: `training` has the searched values of the best
    finished trial, `models` for each architecture the hyper-parameters of its best one.

    The configuration's `overrides` would win over `training`, so there it becomes the last of them.
    """
    finished = best_finished(results)
    found = finished[0].searched if finished else {}
    of_training = TrainingSettings.model_fields
    training = {key: value for key, value in found.items() if key in of_training}
    models: dict[str, Any] = {}
    for result in finished:
        values = {key: value for key, value in result.searched.items() if key not in (*MODEL, *of_training)}
        if values:
            models.setdefault(result.architecture, values)
    piece: dict[str, Any] = {"training": training, "models": models}
    if training and overrides:
        piece = {"overrides": [*overrides, {"training": training}], "models": models}
    return {key: content for key, content in piece.items() if content}


def heading(results: Sequence[TrialResult], subject: str, data: str) -> str:
    """What the search found in a few lines: the data, how many trials, the best of them."""
    counts = Counter(result.status for result in results).most_common()
    states = ", ".join(f"{count} {status}" for status, count in counts)
    number = f"{len(results)} trial{'s' if len(results) > 1 else ''}"
    lines = [f"{data}: {number} ({states}), MPJPE on train subject {subject} in px"]
    for best in best_finished(results)[:1]:
        model, error = f"{best.architecture}-{best.size}", f"{best.best:.2f} {best.unit}"
        lines.append(f"winner: {model}, stage {best.stage}, {best.trial}: {error}")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Write the table of all trials and the winner as a piece of configuration; print the best five."""
    parser = argparse.ArgumentParser(prog="poselift.search.collect", description=main.__doc__)
    parser.add_argument("--rankings", type=Path, nargs="+", required=True, help="last ranking of each stage")
    parser.add_argument("--overrides", type=json.loads, default=[], help="JSON: those of the configuration")
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
    piece = yaml.safe_dump(fragment(results, given.overrides), sort_keys=False)
    write_text(given.winner, f"{textwrap.indent(found, '# ')}\n{piece}")
    print(found)
    shown = trials.head(SHOWN).drop(columns="reason").dropna(axis="columns", how="all")
    print(shown.round({"best": 2, "final": 2, "gpu_hours": 2}).to_string(index=False))
    for result in results:
        if result.status == "failed":
            print(f"failed: {result.stage} {result.trial}: {result.reason}")


if __name__ == "__main__":
    run(main)
