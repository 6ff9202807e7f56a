"""What in the folder that people write is a source of the paper: all but what tools leave behind there."""

import re
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from poselift.errors import PoseliftError, one_line

LEFTOVERS = (
    # of systems and editors; what starts with a dot besides: .git, .DS_Store, .#lock, ._x
    "thumbs.db", "desktop.ini", "__macosx", "__pycache__", "*~", "#*#", "*.bak", "*.backup", "*.orig",
    "*.rej", "*.sw[op]", "*.tmp", "*.el",
    # of LaTeX
    "*.aux", "*.bbl", "*.bcf", "*.blg", "*.dvi", "*.fdb_latexmk", "*.fls", "*.idx", "*.ilg", "*.ind",
    "*.lo[fglt]", "*.nav", "*.out", "*.run.xml", "*.snm", "*.synctex*", "*.toc", "*.vrb", "*.xdv",
    "*-blx.bib", "*-eps-converted-to.pdf", "texput.*", "_minted*",
)  # fmt: skip
"""Names of files, or of folders that they lie in, as patterns."""

PRODUCT = "main.pdf"

_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%.*")  # `\\\\%`: after the end of a line, too


def is_source(name: str) -> bool:
    """Whether people wrote the file of this name, the path in the folder of the paper."""
    parts = PurePosixPath(name.lower()).parts
    left = (part.startswith(".") or any(fnmatchcase(part, each) for each in LEFTOVERS) for part in parts)
    return name != PRODUCT and not any(left)


UNREADABLE = "LaTeX reads no file of such a name; rename it"


def latex_reads(name: str) -> bool:
    """Whether LaTeX can take a file of this name."""
    return name.isprintable() and not re.search(r"[{}%#\\]", name)


def sources(folder: Path) -> dict[str, Path]:
    """The sources in `folder` by name, in order. Raises `PoseliftError` for a name that LaTeX cannot take."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    found = {name: path for path in files if is_source(name := path.relative_to(folder).as_posix())}
    for name in found:
        if not latex_reads(name):
            raise PoseliftError(f"{folder}/{one_line(name)}: {UNREADABLE}")
    return found


def utf8(content: bytes, name: object) -> str:
    """A text of the paper. Raises `PoseliftError` with the first line that is not UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PoseliftError(f"{name}, line {line}: not UTF-8; save the file as UTF-8") from None


def without_comments(tex: str) -> str:
    """LaTeX as LaTeX reads it."""
    return _COMMENT.sub(r"\1", tex)
