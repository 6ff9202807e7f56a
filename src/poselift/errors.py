"""Errors that are meant for the person who reads them, and the one place that prints them."""

import errno
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile


class PoseliftError(Exception):
    """Something the user can mend: the message says in one line what was wrong, where, and what to do."""


def one_line(text: object, limit: int = 200) -> str:
    """What a file says, fit for a message: in one line, without control characters, not too long."""
    shown = str(text)
    words = "".join(c if c.isprintable() else " " for c in shown[:limit]).split()
    return " ".join(words) + ("…" if len(shown) > limit else "")


def visible(text: str) -> str:
    """Text out of a file, fit for a terminal: control characters as escapes, which do nothing there."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@contextmanager
def reading(path: Path, what: str, remedy: str, again: str = "") -> Iterator[None]:
    """Say in one line that a file is missing, or that it is not `what` and why, and what to do (`again`)."""
    try:
        yield
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file; {remedy}") from None
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        EOFError,
        RecursionError,
        BadZipFile,
    ) as error:
        reason = one_line(error if isinstance(error, ValueError) else repr(error), limit=500)
        raise PoseliftError(f"{path}: not {what} ({reason}); {again or remedy}") from None


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


@contextmanager
def reported() -> Iterator[None]:
    """A block in which a mistake of the user's or of the machine ends the process with one line.

    Exit status 1 after such an error, 130 after Ctrl-C. Errors of ours (bugs) keep their traceback.
    """
    try:
        yield
    except PoseliftError as error:
        sys.exit("\n".join(map(visible, f"error: {error}".split("\n"))))
    except OSError as error:  # no space left, permission denied, not a directory ...
        if error.strerror is None:
            raise
        sys.exit(f"error: {visible(str(error.filename or 'writing'))}: {error.strerror}")
    except KeyboardInterrupt:
        sys.exit(130)


def run(main: Callable[[], object]) -> None:
    """Run a stage's `main`, with its errors reported."""
    with reported():
        main()
