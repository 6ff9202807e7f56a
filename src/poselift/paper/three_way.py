"""Merging two edits of a text, by `git merge-file`, and what is an edit of a text at all.

How a system or an editor writes a text is none: its line ends, a byte order mark, its encoding.
"""

import codecs
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from poselift.errors import PoseliftError, one_line

PROSE = (".tex", ".tikz", ".sty", ".cls", ".bib", ".bst", ".md", ".yaml", ".txt")
"""Suffixes of texts, whatever their encoding."""
PICTURES = (".pdf", ".eps", ".ps", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".zip")
"""Suffixes of files that are never merged line by line, though some of them are text."""

OLD_ENCODING = "windows-1252"
"""What a text that is not Unicode is read as: Latin-1 and the typographic signs of Windows."""

UNREADABLE = 255
"""Exit status of `git merge-file` after an error; up to 127 it is the number of conflicts."""

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MARKER = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)


def decoded(name: str, content: bytes) -> str | None:
    """The file of this name or path as text; None if it is none. Raises `PoseliftError` if a text is in no
    known encoding."""
    suffix = PurePosixPath(name.lower()).suffix
    if suffix in PROSE and content.startswith(_UTF16):
        return content.decode("utf-16")
    if suffix in PICTURES or b"\0" in content:
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        if suffix not in PROSE:
            return None
    try:
        return content.decode(OLD_ENCODING)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PoseliftError(
            f"{one_line(name)}, line {line}: in no known encoding; save it as UTF-8"
        ) from None


def is_unicode(content: bytes) -> bool:
    """Whether a text says its encoding by itself; another is read as `OLD_ENCODING`."""
    try:
        return content.startswith(_UTF16) or content.decode("utf-8") is not None
    except UnicodeDecodeError:
        return False


def plain(name: str, content: bytes) -> bytes:
    """A text in UTF-8 without byte order mark, with the line ends of Unix; another file as it is."""
    text = decoded(name, content)
    return content if text is None else text.replace("\r\n", "\n").encode()


def conflicts(text: bytes) -> list[int]:
    """The lines at which conflicts begin or end."""
    shown = text.decode("utf-8", errors="replace")
    return [shown.count("\n", 0, found.start()) + 1 for found in _MARKER.finditer(shown)]


def merged(base: bytes, here: bytes, returned: bytes, names: Sequence[str]) -> bytes:
    """`here` with the edits that led from `base` to `returned`; what both edited otherwise is marked, as git
    does, with the `names` of here, base and returned. Raises `PoseliftError` without git."""
    if here == returned or returned == base:
        return here
    if here == base:
        return returned
    with TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("here", "base", "returned")]
        for file, content in zip(files, (here, base, returned), strict=True):
            file.write_bytes(content)
        labels = [word for name in names for word in ("-L", name)]
        command = ["git", "merge-file", "-p", *labels, *map(str, files)]
        try:
            answer = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        except FileNotFoundError:
            raise PoseliftError("git is not installed, and two edits of one text need it") from None
    if answer.returncode >= UNREADABLE or answer.returncode < 0:
        raise PoseliftError(f"git merge-file: {answer.stderr.decode(errors='replace').strip()}")
    return answer.stdout
