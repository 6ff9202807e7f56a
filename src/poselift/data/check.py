"""Checking the files of a data set, before anything is made from them."""

from pathlib import Path
from typing import Any

from poselift.data.prepare import files_of, parser_of, read
from poselift.files import write_json
from poselift.program import run
from poselift.provenance.hashing import sha256


def main(argv: list[str] | None = None) -> None:
    """Check the files of a data set and say what is in them."""
    parser, source = parser_of(argv, "poselift check", main.__doc__ or "")
    parser.add_argument("--out", type=Path, help="write what was found as JSON")
    given = parser.parse_args(argv)
    files = files_of(given, source)
    splits = read(source, files)
    digests = {key: sha256(path) for key, path in files.items()}
    found: dict[str, Any] = {"sha256": digests if len(digests) > 1 else next(iter(digests.values()))}
    for name, split in splits.items():
        found[name] = {"frames": len(split), "sequences": len(split.sequences)}
        print(f"{name}: {len(split):,} frames in {len(split.sequences):,} sequences")
    if given.out:
        write_json(given.out, found)


if __name__ == "__main__":
    run(main)
