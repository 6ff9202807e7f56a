"""Locks on the GPUs of a machine: one process per GPU, served in the order of requests.

A device's lock is a file below the machine's temporary folder. The kernel releases it when its holder dies,
however it dies.
"""

import logging
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from poselift.errors import PoseliftError

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
TURN_SECONDS = 0.1  # between looks for one's turn, which most take for a moment only


@contextmanager
def held_slots(pool: Sequence[str], count: int, origin: str = "this machine") -> Iterator[list[int]]:
    """Hold the locks of `count` devices of the pool, waiting for them if necessary; yields their indices.

    A waiting request holds the turn of every device of its pool, so that smaller ones cannot overtake it for
    ever. Turns are taken in one order and no holder of devices waits for a turn: no deadlock. Raises
    `PoseliftError` if the pool (which comes from `origin`) is too small.
    """
    if count > len(pool):
        few = f"{origin} has {len(pool)}; set processes to at most that"
        raise PoseliftError(f"{count} GPUs are requested, but {few}")
    folder = Path(tempfile.gettempdir(), f"poselift-gpus-{os.getuid()}")
    folder.mkdir(exist_ok=True)
    with ExitStack() as held:
        with ExitStack() as turn:
            waiting = False
            for device in sorted(set(pool)):
                lock = FileLock(folder / f"{device}.turn")
                if not _taken(lock):
                    waiting = waiting or _say_waiting(count, origin)
                    lock.acquire(poll_interval=TURN_SECONDS)
                turn.callback(lock.release)
            slots: list[int] = []
            locks = {index: FileLock(folder / f"{device}.lock") for index, device in enumerate(pool)}
            while True:
                for index, lock in locks.items():
                    if len(slots) < count and index not in slots and _taken(lock):
                        held.callback(lock.release)
                        slots.append(index)
                if len(slots) == count:
                    break
                waiting = waiting or _say_waiting(count, origin)
                time.sleep(POLL_SECONDS)
        yield sorted(slots)


def _taken(lock: FileLock) -> bool:
    """Take the lock if it is free; returns whether it was."""
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True


def _say_waiting(count: int, origin: str) -> bool:
    log.info("waiting for %s free %s of %s", count, "GPU" if count == 1 else "GPUs", origin)
    return True
