"""Writing files so that a reader sees the old one or the whole new one, never half; reading with
errors that name the file."""

import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from poselift.errors import PoseliftError, untrusted

Content = TypeVar("Content")

DAY = 24 * 3600

_HOST = hashlib.sha256(platform.node().encode()).hexdigest()[:4]

MARK = ".made-by-poselift"
"""A file in each folder that `own_folder` made."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds, else remove it.

    The block may make a file or a folder. A file is flushed to disk before the rename; an existing file is
    replaced in one step, an existing folder is moved aside first and then removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    clear_leftovers(path)
    # keeps the ending, which numpy and matplotlib look at
    temporary = path.with_name(f".{path.stem}.{_HOST}{os.getpid():06x}{secrets.token_hex(2)}{path.suffix}")
    try:
        yield temporary
        if temporary.is_dir():
            retired = temporary.with_name(temporary.name + ".old")
            if path.exists():
                path.rename(retired)
            temporary.rename(path)
            shutil.rmtree(retired, ignore_errors=True)
        else:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


def require_own(path: Path) -> None:
    """Raise `PoseliftError` if something is at `path` that no call of `own_folder` made.

    Empty folders, which Snakemake makes before a job starts, are nobody's.
    """
    ours = not path.exists() or (path / MARK).is_file()
    if not ours and any(not each.is_dir() for each in (path, *path.rglob("*"))):
        raise PoseliftError(
            f"{path}: is there already and poselift did not make it; move it away or give another place"
        )


def clear_leftovers(path: Path) -> None:
    """Remove what processes that died while they wrote `path` have left beside it.

    The temporary name tells the host and the process. What one of another host has left is removed once it is
    a day old. A folder that was moved aside and not replaced any more comes back.
    """
    name = rf"\.{re.escape(path.stem)}\.(\w{{4}})(\w{{6}})\w{{4}}{re.escape(path.suffix)}(\.old)?"
    for left in list(path.parent.iterdir()):
        match = re.fullmatch(name, left.name)
        if not match or (alive(int(match[2], 16)) if match[1] == _HOST else _age(left) < DAY):
            continue
        if match[3] and not path.exists():
            left.rename(path)
        elif left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def alive(pid: int) -> bool:
    """Whether a process of this machine runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        pass
    return True


def _age(path: Path) -> float:
    """Seconds since a file or folder was changed; 0 if it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


@contextmanager
def own_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `path` if the block succeeds, as `atomic_path` does.

    Raises `PoseliftError` if something is there that no earlier call made: nobody's files are replaced.
    """
    require_own(path)
    with atomic_path(path) as temporary:
        temporary.mkdir()
        (temporary / MARK).write_text("poselift made this folder; the command that did replaces it.\n")
        yield temporary


def copy_file(source: Path, path: Path) -> None:
    """Copy the content of a file to `path`, atomically."""
    with atomic_path(path) as temporary:
        shutil.copyfile(source, temporary)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically, in UTF-8."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` as indented JSON, atomically; NaN and infinity are refused (JSON has none)."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


@contextmanager
def reading(path: Path, what: str, remedy: str, again: str = "") -> Iterator[None]:
    """Say in one line that a file is missing, or that it is not `what` and why, and what to do (`again`)."""
    with untrusted(path, f"not {what} ({{}}); {again or remedy}", f"; {remedy}"):
        try:
            yield
        except LookupError as error:  # whose words are the key alone
            raise ValueError(repr(error)) from None


def read_json(path: Path, take: Callable[[Any], Content], what: str, remedy: str) -> Content:
    """What `take` makes of a JSON file. Raises `PoseliftError` with the `remedy` if that is not `what`."""
    with reading(path, what, remedy, f"remove it and {remedy}"):
        return take(json.loads(path.read_text(encoding="utf-8")))
    raise AssertionError  # `reading` lets no error pass
