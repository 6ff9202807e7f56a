"""What a run reports of itself while it trains: the fields of `state/progress.json`."""

from dataclasses import dataclass
from typing import Literal

Phase = Literal["starting", "training", "evaluating", "finished", "failed", "stopped"]


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """The last known state of a run; errors in `unit`, times in seconds, memory in bytes. None is unknown."""

    name: str | None = None
    pid: float | None = None
    host: str | None = None
    started: float | None = None
    updated: float | None = None
    phase: str | None = None
    reason: str | None = None
    epoch: float | None = None
    epochs: float | None = None
    step: float | None = None
    steps: float | None = None
    lr: float | None = None
    loss: float | None = None
    mpjpe: float | None = None
    best_mpjpe: float | None = None
    unit: str | None = None
    clips_per_second: float | None = None
    seconds_left: float | None = None
    device: str | None = None
    processes: float | None = None
    memory_bytes: float | None = None


def duration(seconds: float) -> str:
    """Seconds as h:mm:ss or m:ss; negative ones are 0:00."""
    minutes, second = divmod(round(max(seconds, 0)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
