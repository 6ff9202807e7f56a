"""Content hashes of files."""

import hashlib
import json
from pathlib import Path

from poselift.files import write_json


def sha256(path: Path) -> str:
    """The sha256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cached_sha256(path: Path, cache: Path) -> str:
    """As `sha256`; reads the file only if its size or modification time is not the one noted in `cache`."""
    status = path.stat()
    stamp = {"path": str(path), "size": status.st_size, "mtime_ns": status.st_mtime_ns}
    if cache.exists():
        noted = json.loads(cache.read_text(encoding="utf-8"))
        if {key: noted.get(key) for key in stamp} == stamp:
            return str(noted["sha256"])
    digest = sha256(path)
    write_json(cache, {**stamp, "sha256": digest})
    return digest
