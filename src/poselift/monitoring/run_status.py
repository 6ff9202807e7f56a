"""What can be known of a run from outside: how far it is, how good, and whether it still moves.

Runs tell of themselves in `state/progress.json`, finished ones in `metrics.json`. Whether a process is there
is asked of the system: the run's lock and, on its own host, its number. Nothing is ever written, and any file
may be missing, cut short or nonsense.
"""

import fcntl
import json
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from poselift.errors import one_line

QUIET_SECONDS = {"starting": 600.0, "training": 60.0, "evaluating": 600.0}
"""How long a run may say nothing in each phase until it counts as stalled."""

QUIET_STEPS = 5
"""As many steps may also pass in silence, where they take longer."""

ACTIVE = {"starting": "waiting", "training": "running", "evaluating": "evaluating"}
"""The state of a run by its phase, as long as its process lives and moves."""


@dataclass(frozen=True)
class Record:
    """A JSON object of which nothing is certain: it may be cut short, missing, or hold something else."""

    values: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Record":
        try:
            return cls.of(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError):
            return cls()

    @classmethod
    def of(cls, value: Any) -> "Record":
        return cls(value if isinstance(value, dict) else {})

    def part(self, key: str) -> "Record":
        return Record.of(self.values.get(key))

    def number(self, key: str) -> float | None:
        return _number(self.values.get(key))

    def numbers(self, key: str) -> list[float | None]:
        """A list, with None where something is no number."""
        value = self.values.get(key)
        return [_number(entry) for entry in value] if isinstance(value, list) else []

    def text(self, key: str) -> str | None:
        value = self.values.get(key)
        return one_line(value) if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e18:
        return None
    return float(value)


@dataclass(frozen=True)
class Run:
    """What is known of a run; errors in `unit`, times in seconds, memory in bytes. None is unknown."""

    name: str
    state: str
    note: str | None
    epoch: float | None
    epochs: float | None
    mpjpe: float | None
    best_mpjpe: float | None
    unit: str
    lr: float | None
    clips_per_second: float | None
    seconds_left: float | None
    seconds: float
    device: str | None
    processes: float
    memory_bytes: float | None
    pid: int | None
    """Of its process, if that lives on this host."""

    @property
    def active(self) -> bool:
        return self.state in ACTIVE.values()

    @property
    def on_gpu(self) -> bool:
        return self.device not in (None, "cpu")

    @property
    def device_seconds(self) -> float:
        return self.seconds * self.processes


def find_runs(folder: Path) -> list[Path]:
    """The run directories at and below a folder; what cannot be read is passed over."""
    found = []
    for place, folders, files in os.walk(folder):
        if "state" in folders or "metrics.json" in files:
            found.append(Path(place))
            folders.clear()
        folders[:] = [name for name in folders if not name.startswith(".")]
    return found


def read_run(folder: Path, name: str, now: float) -> Run:
    """The run in a directory as of `now` (unix time)."""
    progress = Record.read(folder / "state" / "progress.json")
    metrics = Record.read(folder / "metrics.json")
    state, note = _state(folder, progress, metrics, now)
    if state == "dead":  # it may just have ended: what it wrote last counts
        progress = Record.read(folder / "state" / "progress.json")
        state, note = _state(folder, progress, metrics, now)
    summary, epochs = metrics.part("summary"), metrics.part("epochs")
    errors = epochs.numbers("mpjpe")
    known = [error for error in errors if error is not None]
    done = sum(filter(None, epochs.numbers("seconds")))
    updated, started = progress.number("updated"), progress.number("started")
    active = state in ACTIVE.values()
    return Run(
        name=one_line(name),
        state=state,
        note=note,
        epoch=_first(progress.number("epoch"), len(errors) or None),
        epochs=_first(progress.number("epochs"), len(errors) if summary.values else None),
        mpjpe=_first(progress.number("mpjpe"), summary.number("last_mpjpe"), known[-1] if known else None),
        best_mpjpe=_first(
            progress.number("best_mpjpe"), summary.number("best_mpjpe"), min(known, default=None)
        ),
        unit=progress.text("unit") or summary.text("unit") or "mm",
        lr=_first(progress.number("lr"), *reversed(epochs.numbers("lr"))),
        clips_per_second=progress.number("clips_per_second") if active else None,
        seconds_left=progress.number("seconds_left") if active else None,
        seconds=_first(summary.number("seconds"), max(done, (updated or 0) - (started or updated or 0))) or 0,
        device=progress.text("device") or summary.text("device"),
        processes=_first(progress.number("processes"), summary.number("processes")) or 1,
        memory_bytes=progress.number("memory_bytes"),
        pid=_pid(progress) if active else None,
    )


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _state(folder: Path, progress: Record, metrics: Record, now: float) -> tuple[str, str | None]:
    """The state of a run, and in words what is wrong with it."""
    phase, reason = progress.text("phase"), progress.text("reason")
    held = _held(folder / "state" / "lock")
    if phase in ("finished", "failed", "stopped"):
        return phase, None if phase == "finished" else reason
    if phase not in ACTIVE:
        if metrics.part("summary").values:
            return "finished", None
        if held:
            return "running", None
        return ("stopped", "started once; start it again to go on") if metrics.values else ("waiting", None)
    silent = max(now - (progress.number("updated") or now), 0.0)
    limit = _quiet_seconds(phase, progress)
    pid, host = _pid(progress), progress.text("host")
    gone = pid is not None and not _exists(pid)
    if host == platform.node():
        dead = not held and (held is not None or gone)
    else:  # a lock of another host can look free from here
        dead = held is False and silent > limit
    if dead:
        if metrics.part("summary").values:
            return "finished", None
        who = f"process {progress.values.get('pid')} on {host}"
        return "dead", f"{who} is gone, last heard of {clock(silent)} ago; start the run again"
    if silent > limit:
        return "stalled", f"nothing heard for {clock(silent)}, more than {clock(limit)} while {phase}"
    return ACTIVE[phase], None


def _quiet_seconds(phase: str, progress: Record) -> float:
    """How long a run in this phase may say nothing."""
    epoch, epochs, step, steps = map(progress.number, ("epoch", "epochs", "step", "steps"))
    left = progress.number("seconds_left")
    if phase != "training":
        return QUIET_SECONDS[phase]
    if not step or left is None or None in (epoch, epochs, steps):  # the first step may compile the model
        return QUIET_SECONDS["starting"]
    steps_left = ((epochs or 0) - (epoch or 0)) * (steps or 0) + (steps or 0) - step
    return max(QUIET_SECONDS["training"], QUIET_STEPS * left / max(steps_left, 1))


def _held(lock: Path) -> bool | None:
    """Whether a process holds the lock; None if that cannot be told."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:
        return None


def _pid(progress: Record) -> int | None:
    """The number of the run's process if it is one of this host."""
    pid = progress.number("pid")
    if progress.text("host") != platform.node() or pid is None or not 0 < pid < 2**31:
        return None
    return int(pid)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss or m:ss."""
    minutes, second = divmod(round(max(seconds, 0)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
