"""What ends a training early: signals and a lack of memory."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import torch

from poselift.config.run import TrainingSettings
from poselift.errors import PoseliftError


class StopRequest:
    """Whether a signal has asked the run to stop."""

    def __init__(self) -> None:
        self.signum = 0

    def __call__(self, signum: int, _: FrameType | None) -> None:
        self.signum = signum


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Record SIGTERM and Ctrl-C instead of ending at once; the loop checks the request after each step."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():  # which alone gets signals
        yield request
        return
    before = {signum: signal.signal(signum, request) for signum in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield request
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


@contextmanager
def memory_advice(name: str, recipe: TrainingSettings, device: torch.device) -> Iterator[None]:
    """Turn running out of memory into one line that says what to set."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        text = str(error)
        if not (
            isinstance(error, torch.OutOfMemoryError | MemoryError)
            or "DefaultCPUAllocator" in text  # how torch says it on the CPU
            or "not enough memory" in text
        ):
            raise
        parts = 2 * recipe.gradient_accumulation_steps
        advice = [f"--gradient-accumulation-steps {parts} (computes the same batch in {parts} parts)"]
        if recipe.precision == "fp32" and device.type == "cuda":
            advice.append("--precision bf16")
        raise PoseliftError(
            f"{name}: out of memory on {device} with batch_size {recipe.batch_size}; try "
            f"{' or '.join(advice)}, or a smaller batch_size"
        ) from None
