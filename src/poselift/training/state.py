"""The training state of a run: written after each epoch, found again after a kill, never shared by two.

It lies in `<run>/state/<key>/`, which the workflow does not know, so that it outlives what Snakemake deletes
before a rerun. The key is a hash of all that determines the run: state of other settings, code or data has
another key and is not even looked at.
"""

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from poselift.files import atomic_path

log = logging.getLogger(__name__)


@dataclass
class TrainingState:
    """What a run needs to go on after an epoch. Weights and optimiser are state dicts, on the CPU."""

    epoch: int = 0
    """Epochs that are done."""
    last_model: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    best_model: dict[str, Any] = field(default_factory=dict)
    best_epoch: int = -1
    history: dict[str, list[float]] = field(default_factory=dict)
    """One list an epoch for each quantity that is followed."""


def state_key(**determining: Any) -> str:
    """Hash of all that determines a run: its settings, code, data."""
    text = json.dumps(determining, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextmanager
def exclusive(folder: Path) -> Iterator[bool]:
    """Hold the run's lock: an orphaned trainer and its successor never write at once. Waits for it; yields
    whether it had to. The kernel frees it when its holder dies, however it dies."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock")
    waited = False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.warning("another process is training this run; waiting for it (%s)", folder / "lock")
        waited = True
        lock.acquire()
    try:
        yield waited
    finally:
        lock.release()


def save_state(state: TrainingState, path: Path) -> None:
    """Write the state so that after a power cut either the old one or the new one is there, whole."""
    with atomic_path(path) as temporary:
        torch.save(vars(state), temporary)


def load_state(path: Path, device: torch.device) -> TrainingState | None:
    """The state at `path`, None if there is none or it cannot be read (then the run starts over)."""
    try:
        return TrainingState(**torch.load(path, map_location=device, weights_only=True))
    except FileNotFoundError:
        return None
    except Exception as error:  # a damaged file can fail in any way
        log.warning("%s cannot be read (%s); starting over", path, type(error).__name__)
        return None
