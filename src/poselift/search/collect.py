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
from poselift.files import atomic_path, write_text
from poselift.program import run
from poselift.search.results import TrialResult, ranked, read_ranking
from poselift.search.settings import MODEL

SHOWN = 5
COLUMNS = [
    "stage", "trial", "status", "reason", "best", "final", "unit", "epochs", "seeds", "gpu_hours",
    "architecture", "size",
]  # fmt: skip
"""The table's columns before those of the searched keys; `best` and `final` are errors in `unit`."""


def table(results: Sequence[TrialResult]) -> pd.DataFrame:
    """One row per trial, sorted by error, and one column per searched key."""
    rows = [asdict(result) | result.searched for result in ranked(results)]
    keys = dict.fromkeys(key for result in results for key in result.searched)
    return pd.DataFrame(rows, columns=[*COLUMNS, *(key for key in keys if key not in COLUMNS)])


def winners(results: Sequence[TrialResult]) -> dict[str, TrialResult]:
    """The winner of each architecture: the best finished trial of the last stage in which it has one.

    The results are in the order of the stages. Errors of stages are not compared: those of an earlier one
    may be of shorter trainings, or of one seed, the lowest of which is low by luck as well.
    """
    found: dict[str, TrialResult] = {}
    for stage in dict.fromkeys(result.stage for result in results):
        finished = [one for one in results if one.stage == stage and one.status == "finished"]
        found |= {one.architecture: one for one in reversed(ranked(finished))}
    return found


def fragment(
    results: Sequence[TrialResult], subject: str, overrides: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """What the winners change, as keys of config.yaml: each has its searched values of the training as the
    last of the `overrides`, and its hyper-parameters under `models`, for its own architecture alone. With it
    goes how they were found, on which training `subject`: the paper says it."""
    own: list[dict[str, Any]] = []
    models: dict[str, Any] = {}
    tuned: dict[str, Any] = {}
    for name, one in winners(results).items():
        searched = {key: value for key, value in one.searched.items() if key not in MODEL}
        training = {key: searched[key] for key in searched if key in TrainingSettings.model_fields}
        own += [{"architectures": [name], "training": training}] if training else []
        models |= {name: model} if (model := {k: searched[k] for k in searched if k not in training}) else {}
        trials = sum(each.architecture == name for each in results)
        how = {"trials": trials, "size": one.size, "seeds": one.seeds, "subject": subject}
        tuned |= {name: {"keys": list(searched), **how}} if searched else {}
    piece = {
        "overrides": [*overrides, *own] if own else [],
        "models": models,
        "search": {"tuned": tuned} if tuned else {},
    }
    return {key: content for key, content in piece.items() if content}


def heading(results: Sequence[TrialResult], subject: str, data: str) -> str:
    """What the search found in a few lines: the data, how many trials, the winner of each architecture."""
    counts = Counter(result.status for result in results).most_common()
    states = ", ".join(f"{count} {status}" for status, count in counts)
    number = f"{len(results)} trial{'s' if len(results) > 1 else ''}"
    lines = [f"{data}: {number} ({states}), MPJPE on train subject {subject} in px"]
    for best in winners(results).values():
        model, error = f"{best.architecture}-{best.size}", f"{best.final:.2f} {best.unit}"
        of = f", mean of {best.seeds} seeds" if best.seeds > 1 else ""
        lines.append(f"winner: {model}, stage {best.stage}, {best.trial}: {error} after the last epoch{of}")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Write the table of all trials and the winners as a piece of configuration; print the best five."""
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
    piece = yaml.safe_dump(fragment(results, given.validation_subject, given.overrides), sort_keys=False)
    write_text(given.winner, f"{textwrap.indent(found, '# ')}\n{piece}")
    print(found)
    shown = trials.head(SHOWN).drop(columns="reason").dropna(axis="columns", how="all")
    print(shown.round({"best": 2, "final": 2, "gpu_hours": 2}).to_string(index=False))
    for result in results:
        if result.status == "failed":
            print(f"failed: {result.stage} {result.trial}: {result.reason}")


if __name__ == "__main__":
    run(main)
