"""How a program speaks to its user: the one place that prints errors, and a question."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from poselift.errors import PoseliftError


def visible(text: str) -> str:
    """Text out of a file, fit for a terminal: control characters as escapes, which do nothing there."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def agreed(question: str) -> bool:
    """Whether the user says yes to a question; where nobody can be asked it is no."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


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
