"""Reading pickles from outside without running code: numpy arrays and plain containers only."""

import codecs
import pickle
from collections import OrderedDict
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from poselift.errors import PoseliftError


def _encode_latin1(text: str, encoding: str = "latin1") -> bytes:
    """`codecs.encode` as protocol 2 uses it for bytes; other codecs would import modules by name."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"codecs.encode to {encoding!r}")
    return codecs.encode(text, "latin1")


# numpy moved `core` to `_core` in 2.0; a pickle names the module of the version that wrote it
_multiarray, _numeric = (import_module(f"numpy._core.{name}") for name in ("multiarray", "numeric"))
_ALLOWED: dict[tuple[str, str], Any] = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _multiarray._reconstruct for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _multiarray.scalar for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _numeric._frombuffer for core in ("core", "_core")},
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("collections", "OrderedDict"): OrderedDict,
    ("_codecs", "encode"): _encode_latin1,
}


class _Forbidden(pickle.UnpicklingError):
    """The pickle names something that is neither an array nor a plain container."""


class _RestrictedUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise _Forbidden(f"{module}.{name}") from None


def load_pickle(path: Path) -> Any:
    """Read a pickle of numpy arrays and plain containers.

    Raises `PoseliftError` if the file is missing, is not a whole pickle, or refers to anything else.
    """
    try:
        with path.open("rb") as file:
            return _RestrictedUnpickler(file).load()
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file") from None
    except _Forbidden as error:
        raise PoseliftError(
            f"{path}: refused, as reading it could run code: it refers to {error}; "
            "expected are numpy arrays and plain containers only"
        ) from None
    except OSError:
        raise
    except Exception as error:  # a malformed pickle can fail in any way
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PoseliftError(
            f"{path}: not a whole pickle ({reason}); is it cut short? Copy it again"
        ) from None
