"""What became of trials, and which of them go on (successive halving) or win."""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from poselift.errors import PoseliftError
from poselift.files import write_json


@dataclass(frozen=True)
class Outcome:
    """A trial as it stands after a rung. Errors are MPJPE on the validation subject, in `unit` (px)."""

    stage: str
    trial: str
    status: Literal["running", "finished", "stopped", "failed"]
    rung: int
    """The last rung that the trial took part in."""
    architecture: str
    size: str
    searched: dict[str, Any]
    """The searched keys with their values, those it has from an earlier winner included."""
    reason: str = ""
    """Why it stopped or failed."""
    best: float | None = None
    final: float | None = None
    unit: str = "px"
    epochs: int = 0
    gpu_hours: float | None = None


@dataclass(frozen=True)
class Ranking:
    """The trials of a stage after a rung, the best first; and the names of those that go on to the next."""

    trials: list[Outcome]
    going_on: list[str]

    def trial(self, name: str) -> Outcome:
        """The outcome of the trial called `name`."""
        return next(outcome for outcome in self.trials if outcome.trial == name)

    @property
    def winner(self) -> Outcome | None:
        """The best finished trial, None if none finished."""
        return next((outcome for outcome in self.trials if outcome.status == "finished"), None)


def ranked(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The best first, by best error; equal ones by stage and name; without an error last."""
    return sorted(outcomes, key=lambda o: (math.inf if o.best is None else o.best, o.stage, o.trial))


def going_on(outcomes: Iterable[Outcome], rung: int, keep: float) -> list[str]:
    """The trials that go on after `rung`: of those that took part in it (failed ones are the worst) the best
    fraction `keep`, rounded up; all that tie with the last of them as well."""
    part = [outcome for outcome in outcomes if outcome.rung == rung]
    errors = {o.trial: o.best for o in ranked(part) if o.status == "running" and o.best is not None}
    if not errors:
        return []
    count = math.ceil(round(keep * len(part), 9))  # 0.07 * 100 is a little more than 7
    limit = list(errors.values())[min(count, len(errors)) - 1]
    return [trial for trial, error in errors.items() if error <= limit]


def write_outcome(path: Path, outcome: Outcome) -> None:
    """Write one outcome as JSON."""
    write_json(path, asdict(outcome))


def read_outcome(path: Path) -> Outcome:
    """Read one outcome. Raises `PoseliftError` if the file is missing or damaged."""
    return _read(path, lambda content: Outcome(**content))


def write_ranking(path: Path, ranking: Ranking) -> None:
    """Write a ranking as JSON."""
    write_json(path, asdict(ranking))


def read_ranking(path: Path) -> Ranking:
    """Read a ranking. Raises `PoseliftError` if the file is missing or damaged."""
    return _read(
        path,
        lambda content: Ranking([Outcome(**trial) for trial in content["trials"]], content["going_on"]),
    )


Content = TypeVar("Content")


def _read(path: Path, build: Callable[[Any], Content]) -> Content:
    try:
        return build(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file; run `snakemake search`") from None
    except (ValueError, KeyError, TypeError) as error:
        raise PoseliftError(
            f"{path}: not what a search writes ({error!r}); delete it and run again"
        ) from None
