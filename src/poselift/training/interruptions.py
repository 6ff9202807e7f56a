"""What ends a training early: signals and a lack of memory."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import torch

from poselift.config.run import RunSettings
from poselift.errors import PoseliftError
from poselift.training.memory import advice


@contextmanager
def stop_requests() -> Iterator[Callable[[], int]]:
    """Note SIGTERM and Ctrl-C instead of ending at once; yields what tells the last one, 0 before any."""
    received = [0]

    def note(signum: int, _: FrameType | None) -> None:
        received.append(signum)

    if threading.current_thread() is not threading.main_thread():  # which alone gets signals
        yield lambda: 0
        return
    before = {signum: signal.signal(signum, note) for signum in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: received[-1]
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


SAID_WITHOUT_MEMORY = (
    "DefaultCPUAllocator", "not enough memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED", "Cuda failure 2 'out of memory'",
)  # fmt: skip
"""What the CPU's allocator, CUDA, its libraries and NCCL say in a `RuntimeError`."""


@contextmanager
def memory_advice(settings: RunSettings, again: bool, device: torch.device) -> Iterator[None]:
    """Turn running out of memory into one line that says what to set; `again` is whether the run computes
    parts of its model again."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise PoseliftError(
            f"{settings.name}: out of memory on {device} with batch_size {settings.training.batch_size}; try "
            f"{advice(settings, again, device)}"
        ) from None


def out_of_memory(error: Exception) -> bool:
    """Whether an error says that there is too little memory, in whatever way torch says it."""
    said = any(words in str(error) for words in SAID_WITHOUT_MEMORY)
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or said
