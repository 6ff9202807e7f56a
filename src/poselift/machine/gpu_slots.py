"""Locks on the GPUs of a machine: one process per GPU, served in the order of requests.

A device's lock is a file in a folder of the user's own, which no TMPDIR moves. The kernel releases it when
its holder dies, however it dies. Jobs of two users never wait for each other: their locks are apart.
"""

import logging
import os
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from poselift.errors import PoseliftError

log = logging.getLogger(__name__)

FOLDER = Path("/tmp", f"poselift-gpus-{os.getuid()}")
POLL_SECONDS = 1.0
TURN_SECONDS = 0.1  # between looks for one's turn, which most take for a moment only
TOUCH_SECONDS = 3600.0
"""Between touches of the locks that are held: machines delete temporary files that are days old."""


@contextmanager
def held_slots(pool: Sequence[str], count: int, origin: str = "this machine") -> Iterator[list[int]]:
    """Hold the locks of `count` devices of the pool, waiting for them if necessary; yields their indices.

    A waiting request holds the turn of every device of its pool, so that smaller ones cannot overtake it for
    ever. Turns are taken in one order and no holder of devices waits for a turn: no deadlock. Raises
    `PoseliftError` if the pool (which comes from `origin`) is too small, or the locks' folder another user's.
    """
    if count > len(pool):
        few = f"{origin} has {len(pool)}; set processes to at most that"
        raise PoseliftError(f"{count} GPUs are requested, but {few}")
    folder = _own_folder()
    with _touched(folder), ExitStack() as held:
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


def _own_folder() -> Path:
    """The folder of the locks, which nobody else may enter; made if it is not there."""
    with suppress(FileExistsError):
        FOLDER.mkdir(mode=0o700)
    found = FOLDER.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PoseliftError(
            f"{FOLDER}: not a folder of yours, so it cannot hold the locks on GPUs; remove it"
        )
    FOLDER.chmod(0o700)
    return FOLDER


@contextmanager
def _touched(folder: Path) -> Iterator[None]:
    """Keep the folder's files young for as long as the block lasts."""
    ended = threading.Event()

    def touch() -> None:
        while not ended.wait(TOUCH_SECONDS):
            with suppress(OSError):
                for path in (folder, *folder.iterdir()):
                    os.utime(path)

    thread = threading.Thread(target=touch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


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
