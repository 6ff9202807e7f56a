"""What co-authors changed in a paper folder that came back, against what they got and what is here now."""

import difflib
import hashlib
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from poselift.errors import PoseliftError
from poselift.files import atomic_path
from poselift.paper.assemble import GENERATED
from poselift.provenance.crate import METADATA
from poselift.provenance.verify import SUMS, Unreadable, recorded_sums

TEXT = (".tex", ".bib", ".md", ".yaml", ".cls", ".sty", ".bst")
WRITTEN = (*TEXT, ".pdf", ".png", ".jpg")
"""Suffixes of files that people add; any other new file was written by LaTeX."""
MADE = ("main.pdf", "verify.py", METADATA, SUMS)
"""Files beside the text that the build wrote."""


@dataclass(frozen=True)
class Change:
    """A file of the text: what is here (None: nothing) and what came back."""

    here: bytes | None
    returned: bytes


def changes(returned: Path, into: Path) -> dict[str, Change]:
    """The changed and added files of the text by name.

    Raises `PoseliftError` that names edited generated files, or files that both sides changed since.
    """
    if not (into / "main.tex").is_file():
        raise PoseliftError(f"{into}: no main.tex; --into is the folder of the project's text")
    with opened(returned) as folder:
        try:
            given = recorded_sums(folder)
        except Unreadable as error:
            raise PoseliftError(str(error)) from None
        names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
        content = {name: _content(folder / name) for name in names}
    edited = {name for name in names if _digest(content[name]) != given.get(name)}
    if generated := sorted(name for name in edited if name.startswith(f"{GENERATED}/")):
        raise PoseliftError(
            f"{returned}: generated files were edited: {', '.join(generated)}; the next build "
            "overwrites them, so the change belongs in what makes them; put them back and merge again"
        )
    text = {
        name
        for name in edited - set(MADE)
        if name in given or (Path(name).suffix in WRITTEN and not Path(name).name.startswith("."))
    }
    here = {name: _content(into / name) for name in sorted(text) if (into / name).is_file()}
    found = {
        name: Change(here.get(name), content[name])
        for name in sorted(text)
        if here.get(name) != content[name]
    }
    digests = {name: _digest(before) for name, before in here.items()}
    if conflicts := [name for name in found if digests.get(name) != given.get(name)]:
        raise PoseliftError(
            f"{', '.join(conflicts)}: changed in {returned} and, since it was handed over, in {into} too; "
            "nothing was merged; bring these together by hand, remove them from what came back, merge again"
        )
    return found


@contextmanager
def opened(returned: Path) -> Iterator[Path]:
    """The folder that came back, unpacked if it is a zip."""
    if returned.is_dir():
        yield _handed_over(returned, returned)
        return
    try:
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(returned) as archive:
            archive.extractall(folder)
            yield _handed_over(Path(folder), returned)
    except FileNotFoundError:
        raise PoseliftError(f"{returned}: no such file or folder") from None
    except zipfile.BadZipFile:
        raise PoseliftError(f"{returned}: neither a folder nor a zip") from None


def _handed_over(folder: Path, returned: Path) -> Path:
    candidates = [folder, *(path for path in sorted(folder.iterdir()) if path.is_dir())]
    found = next((candidate for candidate in candidates if (candidate / SUMS).is_file()), None)
    if found is None:
        raise PoseliftError(f"{returned}: has no {SUMS}; not a folder that was handed over")
    return found


def _content(path: Path) -> bytes:
    """A file's bytes; of text, with the line ends of the project, whatever the editor made of them."""
    content = path.read_bytes()
    return content.replace(b"\r\n", b"\n") if path.suffix in TEXT else content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def difference(name: str, change: Change) -> str:
    """A change as a unified diff."""
    if Path(name).suffix not in TEXT:
        return f"{name}: {'added' if change.here is None else 'replaced'} ({len(change.returned)} bytes)\n"
    before, after = (
        content.decode("utf-8", errors="replace").splitlines(keepends=True)
        for content in (change.here or b"", change.returned)
    )
    lines = difflib.unified_diff(before, after, f"a/{name}" if change.here else "/dev/null", f"b/{name}")
    unended = "\n\\ No newline at end of file\n"
    return "".join(line if line.endswith("\n") else line + unended for line in lines)


def apply(found: dict[str, Change], into: Path) -> None:
    """Write the changes into the project's text."""
    for name, change in found.items():
        with atomic_path(into / name) as temporary:
            temporary.write_bytes(change.returned)
