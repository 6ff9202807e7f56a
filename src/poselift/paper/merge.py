"""What co-authors changed in a paper folder that came back, against what they got and what is here now."""

import difflib
import hashlib
import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from poselift.errors import PoseliftError, one_line
from poselift.files import atomic_path
from poselift.paper.assemble import GENERATED
from poselift.paper.sources import is_source, utf8
from poselift.provenance.crate import METADATA
from poselift.provenance.verify import SUMS, Unreadable, recorded_sums

PROSE = (".tex", ".tikz", ".bib", ".md", ".yaml")
"""Suffixes of texts that have to be UTF-8."""
MADE = ("verify.py", METADATA, SUMS)
"""Files beside the text that the build wrote."""
RUN = ("latexmkrc",)
"""Sources that latexmk runs as programs."""
LIMIT = 500_000_000
"""Bytes of a zip, unpacked."""

_UNSAFE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Change:
    """A file of the text: what is here (None: nothing) and what came back."""

    here: bytes | None
    returned: bytes


@dataclass(frozen=True)
class Returned:
    """What came back, by name: the changes to merge, those of programs, and the files that are not in it."""

    changes: dict[str, Change]
    programs: dict[str, Change]
    missing: list[str]


def compare(returned: Path, into: Path) -> Returned:
    """The text that came back, beside the text in `into`.

    Raises `PoseliftError` that names links, edited generated files, texts that are not UTF-8, or files that
    both sides changed since.
    """
    if not (into / "main.tex").is_file():
        raise PoseliftError(f"{into}: no main.tex; --into is the folder of the project's text")
    with opened(returned) as folder:
        given, content = read_folder(folder, returned)
    edited = sorted(name for name in content if not as_given(content[name], given.get(name)))
    if generated := [one_line(name) for name in edited if name.startswith(f"{GENERATED}/")]:
        raise PoseliftError(
            f"{returned}: generated files were edited: {', '.join(generated)}; the next build "
            "overwrites them, so the change belongs in what makes them; put them back and merge again"
        )
    here = {name: (into / name).read_bytes() for name in edited if (into / name).is_file()}
    new = [name for name in edited if name not in here or unix(here[name]) != unix(content[name])]
    found = {name: Change(here.get(name), content[name]) for name in new}
    for name in found:
        if name.endswith(PROSE):
            utf8(content[name], f"{returned}: {one_line(name)}")
    if conflicts := [one_line(name) for name in found if not as_given(here.get(name), given.get(name))]:
        raise PoseliftError(
            f"{', '.join(conflicts)}: changed in {returned} and, since it was handed over, in {into} too; "
            "nothing was merged; bring these together by hand, remove them from what came back, merge again"
        )
    programs = {name: each for name, each in found.items() if name in RUN}
    text = (name for name in given if is_text(name) and not name.startswith(f"{GENERATED}/"))
    missing = [name for name in text if name not in content and (into / name).is_file()]
    return Returned({name: each for name, each in found.items() if name not in RUN}, programs, missing)


def is_text(name: str) -> bool:
    """Whether a file of a handed-over folder is neither left over by a tool nor made by the build."""
    return is_source(name) and name not in MADE


def read_folder(folder: Path, shown: Path) -> tuple[dict[str, str], dict[str, bytes]]:
    """The recorded hashes of a handed-over folder, and the content of its sources and generated parts.

    Raises `PoseliftError`, which calls it `shown`, if a file is a link or the record is damaged.
    """
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*"))}
    _refuse_links([name for name, path in files.items() if path.is_symlink() and is_source(name)], shown)
    try:
        given = recorded_sums(folder)
    except Unreadable as error:
        raise PoseliftError(str(error)) from None
    text = {name: path for name, path in files.items() if is_text(name) and path.is_file()}
    return given, {name: path.read_bytes() for name, path in text.items()}


@contextmanager
def opened(returned: Path) -> Iterator[Path]:
    """The folder that came back, unpacked if it is a zip."""
    if returned.is_dir():
        yield _handed_over(returned, returned)
        return
    if not returned.exists():
        raise PoseliftError(f"{returned}: no such file or folder")
    with tempfile.TemporaryDirectory() as folder:
        try:
            with zipfile.ZipFile(returned) as archive:
                _unpack(archive, Path(folder), returned)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            if not zipfile.is_zipfile(returned):
                raise PoseliftError(f"{returned}: neither a folder nor a zip") from None
            raise PoseliftError(f"{returned}: a damaged zip ({one_line(error)}); get it again") from None
        yield _handed_over(Path(folder), returned)


def _unpack(archive: zipfile.ZipFile, folder: Path, returned: Path) -> None:
    entries = archive.infolist()
    if any(entry.flag_bits & 1 for entry in entries):
        raise PoseliftError(f"{returned}: has a password; get it without one")
    if (size := sum(entry.file_size for entry in entries)) > LIMIT:
        sizes = f"{size / 1e6:,.0f} MB when unpacked, more than {LIMIT / 1e6:.0f} MB"
        raise PoseliftError(f"{returned}: {sizes}; that is no paper")
    _refuse_links([each.filename for each in entries if stat.S_ISLNK(each.external_attr >> 16)], returned)
    archive.extractall(folder)


def _refuse_links(names: list[str], shown: Path) -> None:
    if names:
        listed = ", ".join(map(one_line, names))
        raise PoseliftError(f"{shown}: {listed}: a link, which is not followed; put the file there")


def _handed_over(folder: Path, returned: Path) -> Path:
    folders = (path for path in sorted(folder.iterdir()) if path.is_dir() and not path.is_symlink())
    candidates = [folder, *folders]
    found = next((candidate for candidate in candidates if (candidate / SUMS).is_file()), None)
    if found is None:
        raise PoseliftError(f"{returned}: has no {SUMS}; not a folder that was handed over")
    return found


def unix(content: bytes) -> bytes:
    """A text with the line ends of Unix, whatever an editor or git made of them; other files as they are."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return content
    return content if b"\0" in content else content.replace(b"\r\n", b"\n")


def as_given(content: bytes | None, digest: str | None) -> bool:
    """Whether a file is as it was handed over, but for its line ends; both None: there was and is none."""
    if content is None or digest is None:
        return content is None and digest is None
    lines = content.replace(b"\r\n", b"\n")
    versions = (content, lines, lines.replace(b"\n", b"\r\n"))
    return digest in (hashlib.sha256(each).hexdigest() for each in versions)


def difference(name: str, change: Change) -> str:
    """A change as a unified diff, without what a terminal would obey."""
    before, after = unix(change.here or b""), unix(change.returned)
    try:
        old, new = (each.decode("utf-8").splitlines(keepends=True) for each in (before, after))
    except UnicodeDecodeError:
        action = "added" if change.here is None else "replaced"
        return f"{one_line(name)}: {action} ({len(change.returned)} bytes)\n"
    shown = _UNSAFE.sub(lambda match: ascii(match.group())[1:-1], name)
    lines = difflib.unified_diff(old, new, f"a/{shown}" if change.here else "/dev/null", f"b/{shown}")
    unended = "\n\\ No newline at end of file\n"
    diff = "".join(line if line.endswith("\n") else line + unended for line in lines)
    return _UNSAFE.sub(lambda match: ascii(match.group())[1:-1], diff)


def apply(found: dict[str, Change], into: Path) -> None:
    """Write the changes into the project's text, with the line ends that a file has here."""
    for name, change in found.items():
        content = unix(change.returned)
        if change.here and unix(change.here) != change.here:
            content = content.replace(b"\n", b"\r\n")
        with atomic_path((into / name).resolve()) as temporary:  # where a link of the project's own leads
            temporary.write_bytes(content)
