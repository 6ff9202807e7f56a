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
    per_body: dict[str, dict[str, float]]
    """mean over the joints of the upper and of the lower body, the root in neither"""
    per_camera: dict[str, dict[str, float]]
    """unweighted mean over actions of one camera's frames; absent where it has not seen every action"""
    per_place: dict[int, float]
    """MPJPE by the place of a frame in its clip, from 0: mean over the clips; absent where all clips repeat
    a frame there"""
    per_sequence: dict[str, SequenceResult]
    """by `<name>.<camera>`"""


class Measured(Section):
    """What differs between two evaluations of the same weights."""

    frames_per_second: float
    """frames a second through the model's forward pass, mirror images counted like any others"""
    device: str
    threads: int
    """CPU threads"""


class Report(Section):
    """The evaluation of one run, or of something else that predicts: then what it has not is None."""

    run: str
    architecture: str | None = None
    size: str | None = None
    variant: str | None = None
    input_2d: str = "detected"
    seed: int | None = None
    n_frames: int
    checkpoints: dict[str, Result]
    """`best` and `last` of a run, `published` of a published checkpoint, `reference` of a reference row"""
    volatile: Measured | None = None

    def summary(self) -> str:
        """A table to read: the errors by checkpoint, and by action, joint, part of the body and camera."""
        rows = []
        for checkpoint, result in self.checkpoints.items():
            count = f"{result.frames:,} frames of {len(result.per_sequence)} sequences"
            rows.append(f"{self.run}, {checkpoint}: {count}; 2D: {self.input_2d.replace('_', ' ')}")
            rows.append(" " * 16 + "".join(f"{metric:>14}" for metric in METRICS))
            overall = {"mean": {metric: getattr(result, metric) for metric in METRICS}}
            groups = (result.per_action | overall, result.per_joint, result.per_body, result.per_camera)
            for group in filter(None, groups):
                rows += [f"{name:16}" + _cells(errors) for name, errors in group.items()]
                rows.append("")
            first, *_, last = result.per_place
            rows.append(
                f"mpjpe by place in the clip: {result.per_place[first]:.2f} (frame {first}) to "
                f"{result.per_place[last]:.2f} (frame {last}), lowest {min(result.per_place.values()):.2f}"
            )
        if self.volatile:
            speed = self.volatile
            on = f"{speed.device}, {speed.threads} threads" if speed.device == "cpu" else speed.device
            rows.append(f"{speed.frames_per_second:,.0f} frames a second through the model ({on})")
        return "\n".join(rows)


def _cells(errors: dict[str, float]) -> str:
    return "".join(f"{errors[metric]:14.2f}" if metric in errors else f"{'-':>14}" for metric in METRICS)


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
