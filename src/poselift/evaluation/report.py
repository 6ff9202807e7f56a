"""The result of an evaluation and its form as JSON, a tidy table: the one place that defines it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from poselift.config.sections import Section, parse
from poselift.evaluation.metrics import METRICS
from poselift.files import reading, write_json

PUBLISHED_SCALE = "published scale"
"""The group of the numbers over all with predictions in mm as published code has them, where it differs."""

GROUPS = ("all", PUBLISHED_SCALE, "action", "joint", "body", "camera", "place", "sequence")
"""What numbers are means over."""


COUNTS = ("frames", "velocities", "accelerations")
"""How many distinct frames were evaluated, or differences of first and second order: what a mean of a metric
of this order is over."""


class Row(NamedTuple):
    """One number: which metric, and what it is a mean over."""

    metric: str
    """a name of `METRICS` or of `COUNTS`"""
    group: str
    """one of `GROUPS`: `all`, `action`, `joint`, `body` (upper or lower body, the root in neither), `camera`
    (absent where it has not seen every action), `place` (MPJPE by the position of a frame in its clip) or
    `sequence` (one recording seen by one camera; metrics that it is too short for are absent)"""
    name: str
    """which action, joint, ...; a sequence is named `[<action>/]<recording>[.<camera>]`"""
    value: float


@dataclass(frozen=True)
class Result:
    """The errors of one set of predictions; `result.mpjpe` is the number over all of that metric.

    Numbers of the groups `all`, `joint`, `body` and `camera` are unweighted means over actions.
    """

    rows: tuple[Row, ...]

    def by_name(self, group: str) -> dict[str, dict[str, float]]:
        """The numbers of a group: {name: {metric: value}}."""
        found: dict[str, dict[str, float]] = {}
        for row in self.rows:
            if row.group == group:
                found.setdefault(row.name, {})[row.metric] = row.value
        return found

    def overall(self, metric: str) -> float:
        """The number over all."""
        return next(row.value for row in self.rows if row[:2] == (metric, "all"))

    def __getattr__(self, metric: str) -> float:
        if metric not in METRICS:
            raise AttributeError(metric)
        return self.overall(metric)

    @property
    def frames(self) -> int:
        """How many distinct frames were evaluated."""
        return int(self.overall("frames"))

    @property
    def per_action(self) -> dict[str, dict[str, float]]:
        """{action: {metric: value}}."""
        return self.by_name("action")

    @property
    def per_joint(self) -> dict[str, dict[str, float]]:
        """{joint: {metric: value}}."""
        return self.by_name("joint")


class Measured(Section):
    """What differs between two evaluations of the same weights."""

    frames_per_second: float
    """frames per second through the model's forward pass, mirror images counted like any others"""
    device: str
    threads: int
    """CPU threads"""


class Report(Section):
    """The evaluation of one run, or of something else that predicts; fields that do not apply are None."""

    run: str
    dataset: str = "human36m"
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
        lines = []
        for checkpoint, result in self.checkpoints.items():
            groups = {group: result.by_name(group) for group in dict.fromkeys(r.group for r in result.rows)}
            overall = groups["all"][""]
            metrics = [metric for metric in METRICS if metric in overall]
            count = f"{result.frames:,} frames of {len(groups['sequence'])} sequences"
            lines.append(f"{self.run}, {checkpoint}: {count}; 2D: {self.input_2d.replace('_', ' ')}")
            lines.append(" " * 16 + "".join(f"{metric:>14}" for metric in metrics))
            first = groups.get("action") or groups["sequence"]
            shown = (first | {"mean": overall}, *(groups.get(group) for group in ("joint", "body", "camera")))
            for group in filter(None, shown):
                for name, errors in group.items():
                    cells = (f"{errors[each]:14.2f}" if each in errors else f"{'-':>14}" for each in metrics)
                    lines.append(f"{name:16}" + "".join(cells))
                lines.append("")
            if places := {place: errors["mpjpe"] for place, errors in groups.get("place", {}).items()}:
                start, *_, end = places
                lines.append(
                    f"mpjpe by position in the clip: {places[start]:.2f} (frame {start}) to "
                    f"{places[end]:.2f} (frame {end}), lowest {min(places.values()):.2f}"
                )
        if self.volatile:
            speed = self.volatile
            on = f"{speed.device}, {speed.threads} threads" if speed.device == "cpu" else speed.device
            lines.append(f"{speed.frames_per_second:,.0f} frames per second through the model ({on})")
        return "\n".join(lines)


def write_reports(path: Path, reports: Sequence[Report]) -> None:
    """Write reports as JSON, atomically: one as an object, several as a list."""
    values = [report.model_dump() for report in reports]
    write_json(path, values[0] if len(values) == 1 else values)


def load_reports(path: Path) -> list[Report]:
    """Read what `write_reports` wrote. Raises `PoseliftError` if it is missing, cut short or another file."""
    with reading(path, "a whole evaluation", "evaluate the run", "delete it and evaluate again"):
        value = json.loads(path.read_text(encoding="utf-8"))
    return [parse(Report, entry, str(path)) for entry in (value if isinstance(value, list) else [value])]
