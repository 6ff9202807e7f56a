"""Snakemake's lock on a folder, explained: who builds there and since when, or that the build was killed."""

import logging
import os
import platform
import sys
import time
from contextlib import suppress
from pathlib import Path

from poselift.files import alive

LOCKS = Path(".snakemake/locks")
HOLDER = LOCKS / "holder"
"""Who has the lock: host and process. Snakemake deletes the folder when it gives its lock back."""


def name_holder() -> None:
    """Note beside the lock that this process has it."""
    LOCKS.mkdir(parents=True, exist_ok=True)
    HOLDER.write_text(f"{platform.node()} {os.getpid()}", encoding="utf-8")


def explain_lock(record: logging.LogRecord) -> bool:
    """A filter of Snakemake's logger: the words of its error on a locked folder become one clear line."""
    if getattr(record, "exception", None) == "LockException":
        record.msg = f"error: {_explanation()}"
    return True


def _explanation() -> str:
    """Who has locked the working folder, since when, and what to do."""
    program = Path(sys.argv[0])
    in_folder = program.name == "snakemake" and program.is_relative_to(
        Path.cwd()
    )  # .venv, perhaps not active
    unlock = f"run `{program.relative_to(Path.cwd()) if in_folder else 'snakemake'} --unlock`"
    taken = min((path.stat().st_mtime for path in LOCKS.glob("*.lock")), default=time.time())
    since = time.strftime("%H:%M on %d %B", time.localtime(taken))
    by = ""
    with suppress(OSError, ValueError):  # the lock was taken a moment ago
        host, process = HOLDER.read_text(encoding="utf-8").split()
        by = f" (process {process} on {host})"
        if host == platform.node() and not alive(int(process)):
            return f"the build of {since} was killed: {unlock}, then give the same command again"
    return f"a build is running here since {since}{by}: wait for it; if it is not running any more, {unlock}"
