"""The status of a run as seen from outside: its progress, its errors, and whether it is alive.

Runs write `state/progress.json`, finished ones `metrics.json`; any may be missing, cut short or nonsense.
Whether the process lives is told by the run's lock and, on its own host, by its number.
"""

import fcntl
import json
import os
import platform
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from poselift.errors import one_line
from poselift.files import alive
from poselift.monitoring.run_progress import RunProgress, duration

Object = dict[str, Any]

QUIET_SECONDS = {"starting": 600.0, "training": 60.0, "evaluating": 600.0}
"""How long a run may be silent in each phase before it counts as stalled."""

QUIET_STEPS = 5
"""As many steps may also pass in silence, where they take longer."""

ACTIVE = {"starting": "waiting", "training": "running", "evaluating": "evaluating"}
"""The state of a run by its phase, as long as its process lives and moves."""


@dataclass(frozen=True, kw_only=True)
class Run(RunProgress):
    """What is known of a run; `note` says what is wrong with it, `pid` is of a process on this host."""

    name: str
    state: str
    note: str | None
    seconds: float


def find_runs(folder: Path) -> list[Path]:
    """The run directories at and below a folder; what cannot be read is passed over."""
    found = []
    for path, folders, files in os.walk(folder):
        if "state" in folders or "metrics.json" in files:
            found.append(Path(path))
            folders.clear()
        folders[:] = [name for name in folders if not name.startswith(".")]
    return found


def read_run(folder: Path, name: str, now: float) -> Run:
    """The run in a directory as of `now` (unix time)."""
    metrics = _read(folder / "metrics.json")
    summary, epochs = _object(metrics.get("summary")), _object(metrics.get("epochs"))
    for _ in range(2):  # one that looks dead may just have ended: what it wrote last counts
        progress = _fields(_read(folder / "state" / "progress.json"))
        state, note = _state(folder, progress, metrics, now)
        if state != "dead":
            break
    errors, rates, seconds = (
        [_number(value) for value in values] if isinstance(values := epochs.get(key), list) else []
        for key in ("mpjpe", "lr", "seconds")
    )
    known = [error for error in errors if error is not None]
    started, updated = progress.started or progress.updated or 0, progress.updated or 0
    from_epochs = RunProgress(
        epoch=len(errors) or None,
        epochs=len(errors) if summary else None,
        lr=_first(*reversed(rates)),
        mpjpe=_first(*reversed(known)),
        best_mpjpe=min(known, default=None),
        unit="mm",
    )
    from_summary = replace(_fields(summary), mpjpe=_number(summary.get("last_mpjpe")))
    sources = [asdict(source) for source in (progress, from_summary, from_epochs)]
    values = {key: _first(*(source[key] for source in sources)) for key in sources[0]}
    values |= {"name": one_line(name), "pid": _pid(progress)}
    if state not in ACTIVE.values():
        values |= {"pid": None, "clips_per_second": None, "seconds_left": None}
    elapsed = _first(_number(summary.get("seconds")), max(sum(filter(None, seconds)), updated - started))
    return Run(**values, state=state, note=note, seconds=elapsed or 0)


def _read(path: Path) -> Object:
    """A JSON object; empty if the file is missing, cut short or holds something else."""
    try:
        return _object(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return {}


def _object(value: Any) -> Object:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e18:
        return None
    return float(value)


def _text(value: Any) -> str | None:
    return (one_line(value) or None) if isinstance(value, str) else None


def _fields(values: Object) -> RunProgress:
    """The fields that a JSON object has; one of another type is unknown."""
    read = {field.name: _number if field.type == float | None else _text for field in fields(RunProgress)}
    return RunProgress(**{name: kind(values.get(name)) for name, kind in read.items()})  # type: ignore[arg-type]


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _state(folder: Path, progress: RunProgress, metrics: Object, now: float) -> tuple[str, str | None]:
    """The state of a run, and a note on what is wrong with it."""
    phase, finished = progress.phase, bool(_object(metrics.get("summary")))
    held = _held(folder / "state" / "lock")
    if phase in ("finished", "failed", "stopped"):
        return phase, None if phase == "finished" else progress.reason
    if phase not in ACTIVE:
        if finished:
            return "finished", None
        if held or not metrics:
            return "running" if held else "waiting", None
        return "stopped", "started once; start it again to go on"
    silent = max(now - _first(progress.updated, now), 0.0)
    limit = _quiet_seconds(phase, progress)
    pid = _pid(progress)
    if progress.host == platform.node():
        dead = not held and (held is not None or (pid is not None and not alive(pid)))
    else:  # a lock of another host can look free from here
        dead = held is False and silent > limit
    if dead and finished:
        return "finished", None
    if dead:
        who = f"process {int(progress.pid or 0)} on {progress.host}"
        return "dead", f"{who} is gone, last heard of {duration(silent)} ago; start the run again"
    if silent > limit:
        return "stalled", f"nothing heard for {duration(silent)}, more than {duration(limit)} while {phase}"
    return ACTIVE[phase], None


def _quiet_seconds(phase: str, progress: RunProgress) -> float:
    """How long a run in this phase may be silent."""
    if phase != "training":
        return QUIET_SECONDS[phase]
    if not progress.step or None in (progress.seconds_left, progress.epoch, progress.epochs, progress.steps):
        return QUIET_SECONDS["starting"]  # the first step may compile the model
    epochs_left = (progress.epochs or 0) - (progress.epoch or 0) + 1
    steps_left = epochs_left * (progress.steps or 0) - progress.step
    return max(QUIET_SECONDS["training"], QUIET_STEPS * (progress.seconds_left or 0) / max(steps_left, 1))


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


def _pid(progress: RunProgress) -> int | None:
    """The number of the run's process if it is one of this host."""
    if progress.host != platform.node() or progress.pid is None or not 0 < progress.pid < 2**31:
        return None
    return int(progress.pid)
