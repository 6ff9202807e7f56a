"""Checking what somebody else's file holds: errors name the file, the key and the frame."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from poselift.data.frames import chunks
from poselift.errors import PoseliftError
from poselift.skeleton import N_JOINTS


def kind(value: Any) -> str:
    """The type of a value, for an error message."""
    return "nothing" if value is None else type(value).__name__


class Entries:
    """The entries of a split or recording by key; `where` names the file and the part of it.

    All methods raise `PoseliftError` for an entry that is not as they say.
    """

    def __init__(self, where: str, entries: Any) -> None:
        self.where, self.entries = where, entries

    def fault(self, key: str, what: str, frame: int | None = None) -> PoseliftError:
        """The error to raise: `what` was wrong with `key`, first at `frame`."""
        named = "" if frame is None else self.named(frame)
        return PoseliftError(f"{self.where}: {key}: {what}{named}")

    def named(self, frame: int) -> str:
        """The end of an error at this frame."""
        return f" in frame {frame}"

    def numbers(self, key: str, array: NDArray[Any], *shapes: tuple[Any, ...]) -> NDArray[np.floating]:
        """`array`, if its numbers are finite, float32 or float64, and its shape is one of `shapes`, of which
        the first length may be any."""
        if array.shape[1:] not in [shape[1:] for shape in shapes] or not array.ndim:
            expected = " or ".join(f"({', '.join(map(str, shape))})" for shape in shapes)
            joints = array.shape[1:2] if array.ndim == len(shapes[0]) else (N_JOINTS,)
            hint = "" if joints == (N_JOINTS,) or not joints else f": {joints[0]} joints, not {N_JOINTS}"
            raise self.fault(key, f"expected shape {expected}, found {array.shape}{hint}")
        if array.dtype not in (np.float32, np.float64):
            raise self.fault(key, f"expected float32 or float64, found {array.dtype}")
        for part in chunks(len(array)):
            finite = np.isfinite(array[part]).reshape(part.stop - part.start, -1).all(axis=1)
            if not finite.all():
                frame = part.start + int(np.argmin(finite))
                raise self.fault(key, "expected finite numbers, found NaN or infinity", frame)
        return array
