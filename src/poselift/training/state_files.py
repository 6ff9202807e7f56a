"""The saved states of a run: written often, found again after a kill, never shared by two processes.

    <run>/state/lock                                   held by the process that trains the run
    <run>/state/<key>/run.json                         all that determines the run, readably
    <run>/state/<key>/state-<epochs>-<steps>.pt        the last few states, each with its key
    <run>/state/<key>/state-….pt.aside-<hex>           a damaged one, or one that was given up

The workflow does not know the folder, so that it outlives what Snakemake deletes before a rerun. The key is a
hash of all that determines the run: a run never resumes from the state of other settings, code or data.
"""

import io
import json
import logging
import secrets
import shutil
import zipfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from poselift.errors import PoseliftError, one_line
from poselift.files import atomic_path, write_json
from poselift.provenance.hashing import json_hash
from poselift.training.interruptions import out_of_memory
from poselift.training.state import TrainingState

log = logging.getLogger(__name__)


def state_key(facts: dict[str, Any]) -> str:
    """Hash of all that determines a run: its settings, code, data."""
    return json_hash(facts)[:16]


def differences(there: dict[str, Any], here: dict[str, Any]) -> str:
    """The facts in which two runs differ, readably: `training.lr (0.001, now 0.0005), code`."""
    old, new = dict(_flat(there)), dict(_flat(here))
    found = []
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            hashed = name == "code" or name.startswith(("data.", "clips."))
            found.append(name if hashed else f"{name} ({old.get(name)}, now {new.get(name)})")
    return ", ".join(found)


def _flat(facts: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from _flat(value, "" if name == "settings" else f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _read_facts(path: Path) -> dict[str, Any]:
    """The facts in a `run.json`; raises `ValueError` where there are none."""
    facts = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(facts, dict):
        raise ValueError("not an object")
    return facts


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


class StateFolder:
    """The states of one run, written by a thread of their own during training."""

    def __init__(self, root: Path, facts: dict[str, Any], keep: int) -> None:
        self.root, self.facts, self.keep = root, facts, keep
        self.folder = root / state_key(facts)
        self._writer = ThreadPoolExecutor(1)
        self._pending: Future[None] | None = None

    def begin(self, state: TrainingState) -> None:
        """Prepare the folder for what follows `state`: remove what a killed process was writing, and set
        later states aside, which are given up."""
        for cut_short in self.folder.glob(".*"):
            cut_short.unlink()
        for path in states(self.folder):
            if path.name > _file_name(state):
                set_aside(path)
        write_json(self.folder / "run.json", self.facts)

    def save(self, state: TrainingState) -> None:
        """Begin to write `state`, which must not change any more, once the previous one is written.

        Raises the error of the previous one: `PoseliftError` if it could not be written.
        """
        self.finish()
        self._pending = self._writer.submit(self._write, state)

    def close(self) -> None:
        """Wait until nothing is being written, whether that succeeds or not."""
        self._writer.shutdown()

    def finish(self) -> None:
        """Wait until the last state is written; raises as `save`."""
        if self._pending:
            pending, self._pending = self._pending, None
            pending.result()

    def _write(self, state: TrainingState) -> None:
        path = self.folder / _file_name(state)
        try:
            save_state(state, path, self.folder.name)
            for old in states(self.folder)[self.keep :]:
                old.unlink()
        except OSError as error:
            kept = states(self.folder)
            raise PoseliftError(
                f"{path}: the training state cannot be written: {error.strerror or error}; free some space "
                f"and start again: it goes on from {kept[0].name if kept else 'the start'}"
            ) from None

    def remove(self) -> None:
        """Delete all states in the run directory: the run is finished."""
        for found in self.root.glob("*/run.json"):
            shutil.rmtree(found.parent)

    def newest(self) -> TrainingState | None:
        """The newest state that is whole; damaged ones are set aside. Raises as `load_state`."""
        for path in states(self.folder):
            if state := load_state(path, self.folder.name):
                return state
            log.warning("%s is set aside; trying the state before it", path)
            set_aside(path)
        return None

    def load_or_fail(self, path: Path | None) -> TrainingState:
        """The state in the file `path`, or the newest one in the run directory (None). Raises `PoseliftError`
        if there is none or if it is another run's, naming what differs."""
        wanted = path or self._latest()
        try:
            there = _read_facts(wanted.parent / "run.json")
        except (FileNotFoundError, ValueError):
            raise PoseliftError(f"--resume: {wanted}: no such state, or no run.json beside it") from None
        if different := differences(there, self.facts):
            raise PoseliftError(f"--resume: {wanted} is the state of another run; these differ: {different}")
        state = load_state(path, self.folder.name) if path else self.newest()
        if state is None:
            raise PoseliftError(f"--resume: {wanted} is damaged; name another, or start over")
        return state

    def _latest(self) -> Path:
        """The state in the run directory that was written last, of whichever run."""
        found = sorted(self.root.glob("*/state-*.pt"), key=lambda file: file.stat().st_mtime_ns)
        if not found:
            raise PoseliftError(f"--resume: {self.root} holds no state to resume from; leave --resume out")
        return found[-1]

    def others(self) -> Iterator[str]:
        """For each other run with a state in the run directory: the facts in which it differs."""
        for path in sorted(self.root.glob("*/run.json")):
            if path.parent != self.folder and states(path.parent):
                with suppress(ValueError):  # damaged, by a power cut say: it cannot be told what differs
                    yield differences(_read_facts(path), self.facts)


def _file_name(state: TrainingState) -> str:
    return f"state-{state.epoch:06d}-{state.step:09d}.pt"


def states(folder: Path) -> list[Path]:
    """The files of states in a folder, the newest first."""
    # not by glob, for which a folder that it may not read is empty
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted((path for path in found if path.match("state-*.pt")), reverse=True)


def set_aside(path: Path) -> None:
    """Rename the file of a state so that it is no state any more, for people to look at."""
    path.rename(path.with_name(f"{path.name}.aside-{secrets.token_hex(4)}"))


def save_state(state: TrainingState, path: Path, key: str) -> None:
    """Write the state of the run with this key atomically, also in view of a power cut. Raises `OSError`."""
    try:
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            torch.save({"key": key, **vars(state)}, file)
    except RuntimeError as error:  # torch's own, raised while it deals with the system's
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def load_state(path: Path, key: str) -> TrainingState | None:
    """The state at `path` of the run with this key; None if it is damaged or another run's. No code in it is
    run. Raises `PoseliftError` if the system cannot read it now, or has too little memory."""
    try:
        content = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:  # torch itself does not look at the checksums
            if broken := archive.testzip():
                raise ValueError(f"checksum of {broken}")
        read = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        if read.pop("key", None) != key:
            raise ValueError("it is the state of another run")
        state = TrainingState(**read)
        lengths = {len(values) for values in state.history.values()} or {0}
        if _file_name(state) != path.name or lengths != {state.epoch}:
            raise ValueError(f"it says epoch {state.epoch}, step {state.step}")
        return state
    except Exception as error:  # a damaged file can fail in any way
        if isinstance(error, OSError) or out_of_memory(error):
            reason = getattr(error, "strerror", None) or "too little memory"
            raise PoseliftError(
                f"{path}: the training state cannot be read now ({reason}); nothing is lost: start again"
            ) from None
        log.warning("%s is damaged (%s)", path, one_line(error))
        return None
