"""Progress reporting: a log, a small file for `poselift monitor`, TensorBoard."""

import json
import logging
import os
import platform
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from poselift.errors import PoseliftError
from poselift.monitoring.run_progress import Phase, RunProgress

PERIOD = 2.0
"""Seconds between writes of the file while the phase is the same."""


class ProgressFile:
    """The file `progress.json`, rewritten at most every `PERIOD` seconds and whenever the phase changes;
    without a path there is none."""

    def __init__(self, path: Path | None, progress: RunProgress, memory_bytes: Callable[[], int]) -> None:
        self._path, self._memory_bytes, self._written = path, memory_bytes, 0.0
        self._progress = replace(progress, pid=os.getpid(), host=platform.node(), started=time.time())

    def update(self, phase: Phase, **values: Any) -> None:
        """Take over `values`, fields of `RunProgress`, and write the file if it is time to."""
        now, changed = time.time(), phase != self._progress.phase
        self._progress = replace(self._progress, **values, phase=phase, updated=now)
        if self._path and (changed or now - self._written >= PERIOD):
            self._written = now
            self._progress = replace(self._progress, memory_bytes=self._memory_bytes())
            self._write(self._path)

    def _write(self, path: Path) -> None:
        # not flushed to the disk: progress need not survive a power cut
        temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.json")
        try:
            temporary.write_text(json.dumps(asdict(self._progress), indent=1), encoding="utf-8")
            temporary.replace(path)
        except OSError:  # a full disk must not end a run for want of this file
            temporary.unlink(missing_ok=True)


class Events:
    """TensorBoard events in `folder`, or none."""

    def __init__(self, folder: Path | None) -> None:
        self._writer: Any = None
        if folder is None:
            return
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            remedy = "install it (pip install '.[tensorboard]') or leave --tensorboard out"
            raise PoseliftError(f"--tensorboard: the package tensorboard is missing; {remedy}") from None
        self._writer = SummaryWriter(str(folder), purge_step=0)

    def add(self, values: Mapping[str, float | None], step: int) -> None:
        """Write the values that are known."""
        if self._writer:
            for name, value in values.items():
                if value is not None:
                    self._writer.add_scalar(name, value, step)
            self._writer.flush()


class _LogFile(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """Ignore the error: a full disk is reported once, where a state cannot be written."""


@contextmanager
def log_file(path: Path) -> Iterator[Path]:
    """Append what is logged to the file as well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = _LogFile(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.getLogger("poselift")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield path
    finally:
        logger.removeHandler(handler)
        handler.close()
