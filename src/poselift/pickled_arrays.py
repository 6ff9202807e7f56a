"""Numpy's arrays, dtypes and scalars out of untrusted pickles.

Numpy's own constructors trust a pickle: a dtype whose state hides that it holds objects makes numpy take raw
bytes for addresses, so that a pickle without any code in it can crash the process or worse. The stand-ins
take what numpy writes, check it, and give numpy's objects; all else ends in an error of some kind.
"""

import math
import re
from pickle import UnpicklingError
from typing import Any

import numpy as np

_PLAIN = re.compile(r"[fiubc]\d{1,2}|[mM]8|[US]\d{1,6}|O8?")
"""Names of dtypes that are numbers, times, strings or objects."""


class OtherDType(UnpicklingError):
    """The pickle holds an array of a dtype that is not read, of records say."""


class DType:
    """Stands for `numpy.dtype` in a pickle: its name and byte order, nothing else of its state."""

    __slots__ = ("dtype",)

    def __init__(self, name: str, align: bool = False, copy: bool = False) -> None:
        if not isinstance(name, str) or not _PLAIN.fullmatch(name):
            raise OtherDType(f"an array of dtype {name}")
        self.dtype: np.dtype = np.dtype(name)

    def __setstate__(self, state: tuple) -> None:
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class Array(np.ndarray):
    """What `array` gives: an array that checks the state which the pickle brings for it."""

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, fortran, data = state
        if self.shape != (0,):  # its memory may be in use
            raise UnpicklingError("array with two states")
        if dtype.dtype.hasobject:
            fits = type(data) is list and len(data) == _size(shape)
        else:
            fits = type(data) is bytes and len(data) == _size(shape) * dtype.dtype.itemsize
        if type(dtype) is not DType or not fits:
            raise UnpicklingError("array whose data do not fit its shape")
        super().__setstate__((1, shape, dtype.dtype, bool(fortran), data))  # type: ignore[arg-type]


def array(kind: object, shape: object, typecode: object) -> np.ndarray:
    """Stands for `numpy._core.multiarray._reconstruct`: an empty array, which gets its state afterwards."""
    return np.ndarray.__new__(Array, (0,), np.int8)


def array_of_buffer(buffer: bytes, dtype: DType, shape: tuple[int, ...], order: str) -> np.ndarray:
    """Stands for `numpy._core.numeric._frombuffer`: an array over bytes."""
    plain = _without_objects(dtype)
    # exactly these types: no other array, whose memory could go away
    if type(buffer) not in (bytes, bytearray) or len(buffer) != _size(shape) * plain.itemsize:
        raise UnpicklingError("array whose data do not fit its shape")
    # frombuffer keeps a view of the buffer: a pickle that makes a bytearray longer later on, which moves it,
    # ends in a BufferError; np.ndarray would go on reading where it was
    values = np.frombuffer(buffer, plain).reshape(shape, order="F" if order == "F" else "C")
    return values.astype(plain.newbyteorder("="), copy=False)  # as pickles of older protocols are read


def scalar(dtype: DType, data: bytes = b"") -> Any:
    """Stands for `numpy._core.multiarray.scalar`."""
    plain = _without_objects(dtype)
    if type(data) is not bytes or len(data) != plain.itemsize:
        raise UnpicklingError("scalar whose data do not fit its dtype")
    return np.ndarray((), plain, data)[()] if data else plain.type()


def _without_objects(dtype: DType) -> np.dtype:
    if type(dtype) is not DType or dtype.dtype.hasobject:
        raise UnpicklingError("expected a dtype of numbers or strings")
    return dtype.dtype


def _size(shape: tuple[int, ...]) -> int:
    if type(shape) is not tuple or not all(type(n) is int and n >= 0 for n in shape):
        raise UnpicklingError("array of no shape")
    return math.prod(shape)


# numpy moved `core` to `_core` in 2.0; a pickle names the module of the version that wrote it
SCALARS: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): DType,
    **{(f"numpy.{core}.multiarray", "scalar"): scalar for core in ("core", "_core")},
}
"""What stands for the names that a pickle of numpy scalars refers to."""

ARRAYS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): None,  # an argument of `array`, which needs none
    **{(f"numpy.{core}.multiarray", "_reconstruct"): array for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): array_of_buffer for core in ("core", "_core")},
}
"""What stands for the further names that a pickle of numpy arrays refers to."""
