"""Results of trials, and which trials are promoted (successive halving) or win."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from poselift.files import read_json, write_json

WHERE_FROM = ("what a search writes", "run `snakemake search`")


@dataclass(frozen=True)
class TrialResult:
    """A trial after a rung. Errors are MPJPE on the validation subject, in `unit` (px)."""

    stage: str
    trial: str
    status: Literal["running", "finished", "stopped", "failed"]
    rung: int
    """The last rung that the trial took part in."""
    architecture: str
    size: str
    searched: dict[str, Any]
    """The searched keys with their values, including those inherited from an earlier winner."""
    reason: str = ""
    """Why it stopped or failed."""
    best: float | None = None
    """Of the epoch with the lowest error."""
    final: float | None = None
    """Of the last epoch, by which trials are compared."""
    unit: str = "px"
    epochs: int = 0
    gpu_hours: float | None = None
    seeds: int = 1
    """Seeds that the errors are means over."""


@dataclass(frozen=True)
class Ranking:
    """The trials of a stage after a rung, the best first; and the names of those that are promoted."""

    trials: list[TrialResult]
    promoted: list[str]

    def trial(self, name: str) -> TrialResult:
        """The result of the trial called `name`."""
        return next(result for result in self.trials if result.trial == name)

    @property
    def winner(self) -> TrialResult | None:
        """The best finished trial, None if none finished."""
        return next((result for result in self.trials if result.status == "finished"), None)


def ranked(results: Iterable[TrialResult]) -> list[TrialResult]:
    """Results sorted by the error of the last epoch, then by stage and name; those without one come last."""
    return sorted(
        results, key=lambda one: (math.inf if one.final is None else one.final, one.stage, one.trial)
    )


def promoted(
    results: Iterable[TrialResult], rung: int, keep: float = 1, count: int | None = None
) -> list[str]:
    """Names of the trials that continue after `rung`: the best fraction `keep`, rounded up and with ties, of
    those that took part in it, or the best `count`; failed ones count as the worst."""
    part = [result for result in results if result.rung == rung]
    running = (one for one in ranked(part) if one.status == "running")
    errors = {one.trial: one.final for one in running if one.final is not None}
    if not errors:
        return []
    count = count or math.ceil(round(keep * len(part), 9))  # 0.07 * 100 is a little more than 7
    limit = list(errors.values())[min(count, len(errors)) - 1]
    return [trial for trial, error in errors.items() if error <= limit]


def read_result(path: Path) -> TrialResult:
    """Read the result of a trial. Raises `PoseliftError` if the file is missing or damaged."""
    return read_json(path, TypeAdapter(TrialResult).validate_python, *WHERE_FROM)


def read_ranking(path: Path) -> Ranking:
    """Read a ranking. Raises `PoseliftError` if the file is missing or damaged."""
    return read_json(path, TypeAdapter(Ranking).validate_python, *WHERE_FROM)


def write(path: Path, content: TrialResult | Ranking) -> None:
    """Write a result or a ranking as JSON."""
    write_json(path, asdict(content))
