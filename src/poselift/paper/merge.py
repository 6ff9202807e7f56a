"""Bring home what co-authors changed in a paper folder: a merge of each text by three versions of it.

The base is what was handed over, which lies in the folder itself (`generated/handed_over.zip`); onto what is
here now comes what they changed of it. Where both sides changed the same lines, the text has both, marked as
git does.
"""

import difflib
import hashlib
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from unicodedata import normalize

from poselift.analysis.remarks import Remark
from poselift.errors import PoseliftError, one_line
from poselift.files import atomic_path
from poselift.paper.archives import unzipped
from poselift.paper.assemble import GENERATED, HANDED_OVER
from poselift.paper.crate import METADATA
from poselift.paper.prose import check, parts_in
from poselift.paper.sources import UNREADABLE, is_source, latex_reads
from poselift.paper.three_way import conflicts, decoded, is_unicode, merged, plain
from poselift.provenance.verify import SUMS, Unreadable, recorded_sums

MADE = ("verify.py", METADATA, SUMS)
"""Files beside the text that the build wrote."""
RUN = ("latexmkrc",)
"""Sources that latexmk runs as programs."""
LIMIT = 500_000_000
"""Bytes of a zip, unpacked."""

_UNSAFE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Change:
    """A file of the text: what is here (None: nothing) and what it becomes."""

    here: bytes | None
    merged: bytes


@dataclass(frozen=True)
class Returned:
    """What comes of a folder that came back, by name: the changes to write, and programs, which are not."""

    changes: dict[str, Change] = field(default_factory=dict)
    programs: dict[str, Change] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    """files that did not come back, and are here as they were handed over"""
    conflicts: list[str] = field(default_factory=list)
    """what is left to decide: a sentence each"""
    generated: dict[str, bytes] = field(default_factory=dict)
    """the generated parts that came with it"""
    guessed: list[str] = field(default_factory=list)
    """texts that are not Unicode, so that their accents have to be looked at"""


def compare(returned: Path, into: Path) -> Returned:
    """What the text in `into` becomes with what came back.

    Raises `PoseliftError` that names links, edited generated files, or texts in an unknown encoding.
    """
    if not (into / "main.tex").is_file():
        raise PoseliftError(f"{into}: no main.tex; --into is the folder of the project's text")
    with opened(returned) as folder:
        given, content = read_folder(folder, returned)
    edited = sorted(
        name for name in content if not as_given(f"{returned}/{name}", content[name], given.get(name))
    )
    if generated := [one_line(name) for name in edited if name.startswith(f"{GENERATED}/")]:
        raise PoseliftError(
            f"{returned}: generated files were edited: {', '.join(generated)}; the next build "
            "overwrites them, so the change belongs in what makes them; put them back and merge again"
        )
    archive = f"{GENERATED}/{HANDED_OVER}"
    bases = unzipped(content[archive]) if archive in content else {}
    found = Returned(
        generated={name: part for name, part in content.items() if name.startswith(f"{GENERATED}/")}
    )
    for name in edited:
        here = (into / name).read_bytes() if (into / name).is_file() else None
        there = plain(name, content[name])
        if there != content[name] and not is_unicode(content[name]):
            found.guessed.append(name)
        if name in RUN:
            if here is None or plain(name, here) != there:
                found.programs[name] = Change(here, there)
        elif here is None:
            found.changes[name] = Change(None, there)
            if name in given:
                found.conflicts.append(f"{name}: was removed here and changed there; it is back")
        elif as_given(name, here, given.get(name)):
            found.changes[name] = Change(here, there)
        else:
            base = plain(name, bases.get(name, b""))
            _both(name, Change(here, there), base, returned, into, found)
    for name, digest in given.items():
        ours = into / name
        if is_text(name) and not name.startswith(f"{GENERATED}/") and name not in content and ours.is_file():
            if as_given(str(ours), ours.read_bytes(), digest):
                found.missing.append(name)
            else:
                found.conflicts.append(
                    f"{name}: was changed here and did not come back; it stays: remove it if that is meant, "
                    "and if it was renamed, bring the change there"
                )
    return found


def _both(name: str, change: Change, base: bytes, returned: Path, into: Path, found: Returned) -> None:
    """Add to `found` what comes of a file that both sides changed: `change` has what is here and there."""
    assert change.here is not None
    here, there = plain(f"{into}/{name}", change.here), change.merged
    if here == there:
        return
    if decoded(name, change.here) is None or decoded(name, there) is None:
        path = PurePosixPath(name)
        digest = hashlib.sha256(there).hexdigest()[:8]
        beside = str(path.with_name(f"{path.stem}-returned-{digest}{path.suffix}"))
        if not (into / beside).is_file():
            found.changes[beside] = Change(None, there)
        found.conflicts.append(f"{name}: replaced on both sides; theirs is {beside}")
    elif at := conflicts(here):
        found.conflicts.append(
            f"{name}, line {at[0]}: has a conflict still; not merged: resolve it and merge again"
        )
    else:
        names = (into.name or "here", "handed over", returned.name or "returned")
        both = merged(base, here, there, names)
        if both != here:
            found.changes[name] = Change(change.here, both)
        lines = conflicts(both)
        found.conflicts.extend(
            f"{name}, lines {first} to {last}: changed on both sides"
            for first, last in zip(lines[::2], lines[1::2], strict=False)
        )


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
    # macOS writes accents of names as marks of their own
    ours = {normalize("NFC", name): name for name in given}
    files = {ours.get(name := normalize("NFC", there), name): path for there, path in files.items()}
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


def as_given(name: str, content: bytes, digest: str | None) -> bool:
    """Whether the file of this name or path is as it was handed over, but for its line ends and encoding."""
    lines = plain(name, content)
    marked = b"\xef\xbb\xbf" + lines
    versions = (content, lines, lines.replace(b"\n", b"\r\n"), marked, marked.replace(b"\n", b"\r\n"))
    return digest in [hashlib.sha256(each).hexdigest() for each in versions]


def difference(name: str, change: Change) -> str:
    """A change as a unified diff, without what a terminal would obey."""
    shown = _UNSAFE.sub(lambda match: ascii(match.group())[1:-1], name)
    old, new = decoded(name, change.here or b""), decoded(name, change.merged)
    if old is None or new is None:
        action = "added" if change.here is None else "replaced"
        return f"{one_line(name)}: {action} ({len(change.merged)} bytes)\n"
    before, after = (text.replace("\r\n", "\n").splitlines(keepends=True) for text in (old, new))
    lines = difflib.unified_diff(before, after, f"a/{shown}" if change.here else "/dev/null", f"b/{shown}")
    unended = "\n\\ No newline at end of file\n"
    diff = "".join(line if line.endswith("\n") else line + unended for line in lines)
    return _UNSAFE.sub(lambda match: ascii(match.group())[1:-1], diff)


def remarks_on(found: Returned, into: Path) -> list[Remark]:
    """What would be wrong with the text in `into` with the changes, beside the parts that came back."""
    with tempfile.TemporaryDirectory() as name:
        text, parts = Path(name, "text"), Path(name, "parts")
        shutil.copytree(into, text, ignore=lambda folder, names: {each for each in names if each[0] == "."})
        apply({name: change for name, change in found.changes.items() if latex_reads(name)}, text)
        for part, content in found.generated.items():
            (parts / part).parent.mkdir(parents=True, exist_ok=True)
            (parts / part).write_bytes(content)
        unreadable = [Remark(name, 1, UNREADABLE) for name in found.changes if not latex_reads(name)]
        return unreadable + check(text, parts_in(parts))


def apply(found: dict[str, Change], into: Path) -> None:
    """Write the changes into the project's text, with the line ends that a file has here."""
    for name, change in found.items():
        content, here = change.merged, change.here
        if here and b"\r\n" in here and decoded(name, here) is not None:
            content = content.replace(b"\n", b"\r\n")
        with atomic_path((into / name).resolve()) as temporary:  # where a link of the project's own leads
            temporary.write_bytes(content)
