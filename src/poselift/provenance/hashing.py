"""Hashes of files and of JSON values; as a program, those of some files in the form of sha256sum."""

import argparse
import hashlib
import json
from contextlib import suppress
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from poselift.errors import PoseliftError
from poselift.files import write_json, write_text
from poselift.program import run

LARGE = 1_000_000
"""Bytes above which a file from outside is not read again while its size and time are the same."""


def sha256(path: Path) -> str:
    """The sha256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def json_hash(value: Any) -> str:
    """The sha256 of a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def cached_sha256(path: Path, note: Path, keep: bool = True) -> str:
    """As `sha256`, but reads the file only if its size or modification time is not that in the JSON file
    `note`; there the hash is kept if `keep` is true and the folder may be written."""
    status = path.stat()
    seen = {"path": str(path), "size": status.st_size, "mtime_ns": status.st_mtime_ns}
    # a note that cannot be read is none
    with suppress(OSError, ValueError, TypeError, RecursionError):
        noted = json.loads(note.read_text(encoding="utf-8"))
        if noted == {**seen, "sha256": str(noted["sha256"])}:
            return str(noted["sha256"])
    digest = _sha256_at(path.absolute(), status.st_size, status.st_mtime_ns)
    if keep:
        with suppress(OSError):
            write_json(note, {**seen, "sha256": digest})
    return digest


@cache
def _sha256_at(path: Path, size: int, mtime_ns: int) -> str:
    return sha256(path)


def require_recorded(path: Path, digest: str, remedy: str) -> None:
    """Raise `PoseliftError` with the `remedy` unless the file has this sha256, with which it was recorded."""
    if sha256(path) != digest:
        raise PoseliftError(f"{path}: not as it was recorded (damaged, or edited by hand); {remedy}")


def public(path: str) -> str:
    """A path as a record names it: one outside of the project, as the raw file may be, by its last part."""
    return PurePosixPath(path).name if PurePosixPath(path).is_absolute() else path


def file_hash(root: Path, name: str, results: Path, keep: bool = True) -> str:
    """The sha256 of a file; that of a large one is noted below `results` (see `cached_sha256`)."""
    path = root / name
    if path.stat().st_size <= LARGE:
        return sha256(path)
    return cached_sha256(path, results / "hashes" / f"{public(name).replace('/', '_')}.json", keep)


def main(argv: list[str] | None = None) -> None:
    """Write the hashes of some files: small where they are large, so that Snakemake goes by content."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="what is hashed")
    parser.add_argument("--out", type=Path, required=True, metavar="DIGEST", help="file to write")
    arguments = parser.parse_args(argv)
    write_text(arguments.out, "".join(f"{sha256(file)}  {file}\n" for file in arguments.files))


if __name__ == "__main__":
    run(main)
