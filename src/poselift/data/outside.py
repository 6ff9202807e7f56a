"""Files from outside of the project, as the raw file is: it counts what they hold, not where they lie."""

import json
from collections.abc import Mapping
from pathlib import Path

from poselift.provenance.hashing import file_hash
from poselift.provenance.receipts import receipt_path


def contents(files: Mapping[str, Path], results: Path, keep: bool = False) -> dict[str, Path]:
    """The files by what they hold, `KEY@sha256:DIGEST`, which is a parameter of the rules that read them.

    A file that is not there counts as the one that the frames below `results` were made from, so that who
    does not have it can make all that comes after them. `keep` notes the hashes of large files there.
    """
    held = {each.partition("@")[0]: each for each in used(results)}
    for key, path in files.items():
        if path.is_file():
            held[key] = f"{key}@sha256:{file_hash(Path(), str(path), results, keep)}"
    return {held.get(key, f"{key}@missing:{path.name}"): path for key, path in files.items()}


def used(results: Path) -> list[str]:
    """What the frames below `results` were made from, as the keys of `contents`, by their job's receipt."""
    receipt = receipt_path(f"{results}/logs/frames.log")
    if not receipt.is_file():
        return []
    return str(json.loads(receipt.read_text(encoding="utf-8"))["params"].get("content", "")).split()
