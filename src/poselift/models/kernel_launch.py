"""How kernels in Triton are launched, or counted without being launched, and cut into blocks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor

Note = Callable[[list[Tensor]], None]

_note: ContextVar[Note | None] = ContextVar("note", default=None)


def launch(
    module: Callable[[], Any], kernel: str, grid: tuple[int, ...], *given: Any, **options: Any
) -> None:
    """Launch a kernel on the device of the tensors that it is given.

    `module` imports the module that has it, hence Triton, which not every machine has.
    """
    tensors = [each for each in given if isinstance(each, Tensor)]
    if note := _note.get():
        note(tensors)
        return
    with torch.cuda.device_of(tensors[0]):
        getattr(module(), kernel)[grid](*given, **options)


@contextmanager
def counted(note: Note) -> Iterator[None]:
    """Launch nothing meanwhile, but tell `note` the tensors that kernels are given."""
    token = _note.set(note)
    try:
        yield
    finally:
        _note.reset(token)


def cdiv(size: int, block: int) -> int:
    """How many blocks cover the size."""
    return -(-size // block)


def power_of_two(size: int, least: int = 1) -> int:
    """The smallest power of two that covers the size, `least` at least."""
    return max(least, 1 << (size - 1).bit_length())
