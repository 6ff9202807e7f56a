"""Progress reporting: a log, a small file for `poselift monitor`, TensorBoard."""

import json
import logging
import os
import platform
import resource
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from poselift.errors import PoseliftError
from poselift.monitoring.run_progress import Phase, RunProgress

PERIOD = 2.0
"""Seconds between writes of the file while the phase is the same."""


class Progress:
    """The file `progress.json`: the last known state of a run, rewritten whole, at most every `PERIOD`
    seconds and whenever the phase changes. What is unknown is null. Without a path nothing is written."""

    def __init__(
        self, path: Path | None, name: str, device: torch.device, epochs: int, unit: str, processes: int = 1
    ) -> None:
        self._path, self._device, self._written = path, device, 0.0
        self._values = RunProgress(
            name=name, pid=os.getpid(), host=platform.node(), started=time.time(), phase="starting",
            epochs=epochs, unit=unit, device=device_name(device), processes=processes,
        )  # fmt: skip

    def update(self, phase: Phase, **values: Any) -> None:
        """Note `values`, and write the file if it is time to."""
        now = time.time()
        changed = phase != self._values.phase
        self._values = replace(self._values, **values, phase=phase, updated=now)
        if self._path and (changed or now - self._written >= PERIOD):
            self._written = now
            self._values = replace(self._values, memory_bytes=memory_bytes(self._device))
            self._write(self._path)

    def _write(self, path: Path) -> None:
        # not flushed to the disk: after a power cut nobody asks how far the run had got
        temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.json")
        try:
            temporary.write_text(json.dumps(asdict(self._values), indent=1), encoding="utf-8")
            temporary.replace(path)
        except OSError:  # a full disk must not end a run for want of this file
            temporary.unlink(missing_ok=True)


class Events:
    """TensorBoard events in `folder`, or none."""

    def __init__(self, folder: Path | None, first_step: int = 0) -> None:
        self._writer: Any = None
        if folder is None:
            return
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise PoseliftError(
                "--tensorboard: the package tensorboard is missing; install it "
                "(pip install '.[tensorboard]') or leave --tensorboard out"
            ) from None
        self._writer = SummaryWriter(str(folder), purge_step=first_step)

    def add(self, values: Mapping[str, float | None], step: int) -> None:
        """Write the values that there are."""
        if self._writer:
            for name, value in values.items():
                if value is not None:
                    self._writer.add_scalar(name, value, step)
            self._writer.flush()


class _LogFile(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing: a full disk is reported once, where a state cannot be written."""


@contextmanager
def log_file(path: Path) -> Iterator[Path]:
    """Let what is logged also go to the file, at its end."""
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


def memory_bytes(device: torch.device, peak: bool = False) -> int:
    """The memory that the process holds on the device, or has held at most; on the CPU always the latter."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device) if peak else torch.cuda.memory_reserved(device)
    in_units = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return in_units if platform.system() == "Darwin" else 1024 * in_units


def device_name(device: torch.device) -> str:
    """The device as people call it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
