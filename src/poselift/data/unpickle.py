"""Reading pickles from outside without running code: numpy arrays and plain containers only."""

import codecs
import pickle
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from types import FunctionType
from typing import IO, Any

from poselift.errors import PoseliftError, one_line, untrusted
from poselift.pickled_arrays import ARRAYS, SCALARS, OtherDType


def _encode_latin1(text: str, encoding: str = "latin1") -> bytes:
    """`codecs.encode` as protocol 2 uses it for bytes; other codecs would import modules by name."""
    if encoding != "latin1":
        raise pickle.UnpicklingError("codecs.encode to something else than latin1")
    return codecs.encode(text, "latin1")


def _no_bytes() -> bytes:
    """`bytes` as protocol 2 uses it for none; with a number it would make as many as the pickle likes."""
    return b""


_ALLOWED: dict[tuple[str, str], Any] = {
    **SCALARS,
    **ARRAYS,
    ("collections", "OrderedDict"): dict,  # whose methods a pickle cannot replace
    ("_codecs", "encode"): _encode_latin1,
    ("__builtin__", "bytes"): _no_bytes,
    # plain values that somebody may have noted beside the frames
    **{(builtins, "complex"): complex for builtins in ("builtins", "__builtin__")},
    **{("datetime", kind.__name__): kind for kind in (date, datetime, time, timedelta, timezone)},
}


class _Forbidden(pickle.UnpicklingError):
    """The pickle names something that is neither an array nor a plain container."""


class _RestrictedUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            found = _ALLOWED[module, name]
        except KeyError:
            raise _Forbidden(f"{module}.{name}") from None
        if isinstance(found, FunctionType):  # a copy, as a pickle may set attributes, the defaults for one
            return FunctionType(found.__code__, found.__globals__, found.__name__, found.__defaults__)
        return found


def load_pickle(path: Path) -> Any:
    """Read a pickle of numpy arrays and plain containers.

    Raises `PoseliftError` if the file is missing, is not a whole pickle, or refers to anything else.
    """
    with untrusted(path, "{}"), path.open("rb") as file:
        return unpickle(file, str(path), path.stat().st_size)
    raise AssertionError  # `untrusted` lets no error pass


def unpickle(file: IO[bytes], source: str, size: int = 2**30) -> Any:
    """Read a pickle of about `size` bytes from an open file, called `source`; raises as `load_pickle`."""
    with untrusted(source, "not a whole pickle ({}); cut short? Copy it again"), bounded_memory(size):
        try:
            return _RestrictedUnpickler(file).load()
        except OtherDType as error:
            raise PoseliftError(
                f"{source}: holds {one_line(error)}; expected are numbers, strings and plain containers only"
            ) from None
        except _Forbidden as error:
            raise PoseliftError(
                f"{source}: refused, as reading it could run code: it refers to {one_line(error)}; "
                "expected are numpy arrays and plain containers only"
            ) from None
    raise AssertionError  # `untrusted` lets no error pass


@contextmanager
def bounded_memory(size: int) -> Iterator[None]:
    """Let the process grow by no more than Python objects made of `size` bytes can need, and a bit: a few
    bytes of a hostile pickle can ask for more than the machine has. More ends in `MemoryError`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    try:
        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    except OSError:  # not Linux: unbounded
        yield
        return
    limit = used + 2**30 + 16 * size  # a byte (None in a list) becomes two pointers
    bounds = [bound for bound in (soft, hard, limit) if bound != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min(bounds), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
