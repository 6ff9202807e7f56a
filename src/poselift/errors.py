"""Errors that are meant for the person who reads them."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class PoseliftError(Exception):
    """Something the user can mend: the message says in one line what was wrong, where, and what to do."""


def one_line(text: object, limit: int = 200) -> str:
    """What a file says, fit for a message: in one line, without control characters, not too long."""
    shown = str(text)
    words = "".join(c if c.isprintable() else " " for c in shown[:limit]).split()
    return " ".join(words) + ("…" if len(shown) > limit else "")


@contextmanager
def untrusted(path: Path | str, fault: str, missing: str = "") -> Iterator[None]:
    """Read a file that can be wrong in any way: what fails becomes one line, the `fault`, in which `{}` is
    the reason. A missing file is named (`missing` says what to do); other errors of the system stay."""
    try:
        yield
    except PoseliftError:
        raise
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file{missing}") from None
    except Exception as error:
        # a damaged archive names places that are not in the file: EINVAL
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            error.filename = error.filename or str(path)
            raise
        reason = one_line(error) or type(error).__name__
        raise PoseliftError(f"{path}: {fault.format(reason)}") from None
