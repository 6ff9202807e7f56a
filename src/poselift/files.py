"""Writing files so that a reader sees the old one or the whole new one, never half; reading with
errors that name the file."""

import errno
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
"""A file in each folder that `own_folder` made: by which command, and the files that it wrote."""


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
        elif path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "a folder, and a file is to be written", str(path))
        else:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


def require_own(path: Path, maker: str) -> None:
    """Raise `PoseliftError` if something is at `path` that no earlier call of `own_folder` by the command
    `maker` wrote: another command's folder, or somebody's own file in one.

    Empty folders, which Snakemake makes before a job starts, are nobody's.
    """
    if Path.cwd().is_relative_to(path.resolve()):
        raise PoseliftError(f"{path}: the folder that you are in; give the name of one that is to be made")
    files = [each for each in (path, *path.rglob("*")) if each.is_symlink() or each.is_file()]
    if path.is_dir() and path.is_symlink():
        files.remove(path)
    if not files:
        return
    made = _mark(path)
    theirs = None if made is None else made.get("files")
    if made is None:
        found = "is there already and poselift did not make it"
    elif made.get("command", maker) != maker:
        found = f"is there already, made by poselift {made['command']}"
    elif theirs is not None and (others := [each for each in files if _below(path, each) not in theirs]):
        found = f"holds {_below(path, others[0])}, which poselift did not make"
    else:
        return
    raise PoseliftError(f"{path}: {found}; move it away or give another place")


def _mark(folder: Path) -> dict[str, Any] | None:
    """What the mark in a folder says; {} of an earlier version's, None if there is none."""
    try:
        text = (folder / MARK).read_text(encoding="utf-8")
    except OSError:
        return None
    try:
        made = json.loads(text)
    except ValueError:
        return {}
    return made if isinstance(made, dict) else {}


def _below(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


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
def own_folder(path: Path, maker: str, shared: bool = False) -> Iterator[Path]:
    """Yield an empty folder that becomes `path` if the block succeeds, as `atomic_path` does; of a link to a
    folder, that folder. `maker` is the command that makes it. Into a `shared` one others write as well.

    Raises `PoseliftError` if something is there that no earlier call made: nobody's files are replaced.
    """
    require_own(path, maker)
    with atomic_path(path.resolve() if path.is_dir() else path) as temporary:
        temporary.mkdir()
        yield temporary
        made = [MARK, *(_below(temporary, each) for each in temporary.rglob("*") if not each.is_dir())]
        about = {"command": maker} if shared else {"command": maker, "files": sorted(made)}
        (temporary / MARK).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


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
