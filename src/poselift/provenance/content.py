"""Content hashes of files. As a program it writes those of some files, in the form of sha256sum:
`python -m poselift.provenance.content FILE ... --out DIGEST`.
"""

import argparse
import hashlib
import json
from pathlib import Path

from poselift.errors import run
from poselift.files import write_json, write_text


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


def main(argv: list[str] | None = None) -> None:
    """Write the hashes of some files: small where they are large, so that Snakemake goes by content."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="what is hashed")
    parser.add_argument("--out", type=Path, required=True, metavar="DIGEST", help="file to write")
    arguments = parser.parse_args(argv)
    write_text(arguments.out, "".join(f"{sha256(file)}  {file}\n" for file in arguments.files))


if __name__ == "__main__":
    run(main)
