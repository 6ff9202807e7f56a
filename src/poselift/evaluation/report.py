"""What an evaluation says, and its form as JSON: the one place that defines it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from poselift.config.sections import Section, parse
from poselift.errors import PoseliftError
from poselift.files import write_json

METRICS: Final = ("mpjpe", "p_mpjpe", "n_mpjpe", "mpjve", "acceleration")
"""MPJPE, P-MPJPE, N-MPJPE in mm, velocity error in mm/frame, acceleration error in mm/frame^2."""


class SequenceResult(Section):
    """The errors of one sequence (one recording seen by one camera)."""

    subject: str
    action: str
    camera: str
    frames: int
    """distinct frames evaluated"""
    metrics: dict[str, float]
    """mean over the frames and joints; a metric is absent where the sequence is too short for it"""


class Result(Section):
    """The errors of one set of predictions. The figures over all are the unweighted mean over actions."""

    mpjpe: float
    p_mpjpe: float
    n_mpjpe: float
    mpjve: float
    acceleration: float
    frames: int
    """distinct frames evaluated"""
    per_action: dict[str, dict[str, float]]
    per_joint: dict[str, dict[str, float]]
    """unweighted mean over actions, like the figures over all, which are the mean over joints of these"""
    per_sequence: dict[str, SequenceResult]
    """by `<name>.<camera>`"""


class Report(Section):
    """The evaluation of one run, or of something else that predicts: then what it has not is None."""

    run: str
    architecture: str | None = None
    size: str | None = None
    seed: int | None = None
    n_frames: int
    checkpoints: dict[str, Result]
    """`best` and `last` of a run, `published` of a published checkpoint, `reference` of a reference row"""

    def summary(self) -> str:
        """A table to read: the errors by checkpoint, and by action."""
        rows = []
        for checkpoint, result in self.checkpoints.items():
            count = f"{result.frames:,} frames of {len(result.per_sequence)} sequences"
            rows.append(f"{self.run}, {checkpoint}: {count}")
            rows.append(" " * 16 + "".join(f"{metric:>14}" for metric in METRICS))
            errors = {**result.per_action, "mean": {metric: getattr(result, metric) for metric in METRICS}}
            rows += [
                f"{action:16}" + "".join(f"{of_action[metric]:14.2f}" for metric in METRICS)
                for action, of_action in errors.items()
            ]
        return "\n".join(rows)


def write_reports(path: Path, reports: Sequence[Report]) -> None:
    """Write reports as JSON, atomically: one as an object, several as a list."""
    values = [report.model_dump() for report in reports]
    write_json(path, values[0] if len(values) == 1 else values)


def load_reports(path: Path) -> list[Report]:
    """Read what `write_reports` wrote. Raises `PoseliftError` if it is missing, cut short or another file."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file") from None
    except ValueError as error:
        raise PoseliftError(
            f"{path}: not a whole evaluation ({error}); delete it and evaluate again"
        ) from None
    return [parse(Report, entry, str(path)) for entry in (value if isinstance(value, list) else [value])]
