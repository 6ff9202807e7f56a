"""Compare a folder with what is recorded of it: which files were edited, cut short, removed or added.

Two kinds of folders are known: a paper folder, by its SHA256SUMS, and `results/<dataset>`, by the receipts of
its jobs. Every byte is read again. This file needs nothing but Python's standard library: a copy of it
travels in the paper folder (`python3 verify.py`).
"""

import argparse
import hashlib
import json
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

SUMS = "SHA256SUMS"
GENERATED = "generated"
RECEIPTS = "receipts"
RECORDS = ("provenance.json", "report_provenance.json")

_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading a file raises that holds something else than it should."""


class Unreadable(Exception):
    """There is no record to compare with."""


def sha256(path: Path) -> str:
    """The sha256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def receipts(folder: Path) -> list[Path]:
    """The receipts below `results/<dataset>`; hidden ones are being written."""
    return sorted((folder / RECEIPTS).rglob("[!.]*.json"))


def recorded_sums(folder: Path) -> dict[str, str]:
    """sha256 by file name, from SHA256SUMS."""
    sums = {}
    text = (folder / SUMS).read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        found = _LINE.fullmatch(line)
        if found is None:
            raise Unreadable(f"{folder / SUMS}, line {number}: damaged; get the folder again")
        sums[found[2]] = found[1]
    return sums


def recorded_sizes(folder: Path) -> dict[str, int]:
    """Sizes by file name from the crate's metadata, if it can be read: they tell what was cut short."""
    try:
        graph = _json(folder / "ro-crate-metadata.json")["@graph"]
        return {entity["name"]: int(entity["contentSize"]) for entity in graph if "contentSize" in entity}
    except DAMAGED:
        return {}


def recorded_outputs(folder: Path) -> list[str]:
    """The files that the records of the paper and of the report list; none before there are records."""
    names: dict[str, None] = {}
    for record in RECORDS:
        with suppress(*DAMAGED):
            names |= dict.fromkeys(_json(folder / record)["outputs"])
    return list(names)


def difference(path: Path, digest: str, size: int | None) -> str | None:
    """What is wrong with a file; None if nothing is."""
    try:
        if not path.is_file():
            return "missing"
        if size is not None and (there := path.stat().st_size) < size:
            return f"cut short or edited ({there} of {size} bytes)"
        return None if sha256(path) == digest else "edited"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def verify_paper(folder: Path) -> list[str]:
    """The files of a paper folder that differ, and what was added among its generated parts."""
    sums, sizes = recorded_sums(folder), recorded_sizes(folder)
    faults = {name: difference(folder / name, digest, sizes.get(name)) for name, digest in sums.items()}
    there = sorted(path for path in (folder / GENERATED).rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in there]
    faults |= {name: "added, no build made it" for name in names if name not in sums}
    return [f"{name}: {fault}" for name, fault in faults.items() if fault]


def verify_results(folder: Path) -> list[str]:
    """The files below `results/<dataset>` that are not as their jobs left them."""
    made: dict[str, tuple[str, str, int]] = {}
    found = []
    for path in receipts(folder):
        try:
            receipt = _json(path)
            seal = receipt.pop("seal")
            if seal != hashlib.sha256(json.dumps(receipt, sort_keys=True).encode()).hexdigest():
                raise ValueError
            for name, output in receipt["outputs"].items():
                entry = (str(receipt["volatile"]["ended"]), str(output["sha256"]), int(output["size"]))
                made[name] = max(made.get(name, entry), entry)  # the later of two jobs made it
        except DAMAGED:
            found.append(f"{path}: damaged receipt")
    lost = [name for name in recorded_outputs(folder) if name not in made]
    found += [f"{name}: the receipt of its job is missing" for name in lost]
    # not resolved: `results` may be a link to another disk
    root = Path(os.path.abspath(folder)).parent.parent  # noqa: PTH100
    faults = {name: difference(root / name, digest, size) for name, (_, digest, size) in made.items()}
    return found + [f"{name}: {fault}" for name, fault in faults.items() if fault]


def notes(folder: Path) -> list[str]:
    """What is no damage, but has to be known: parts whose jobs ran with unlike or with other versions."""
    found: dict[str, None] = {}
    for path in (folder / GENERATED / RECORDS[0], *(folder / name for name in RECORDS)):
        with suppress(*DAMAGED):
            record = _json(path)
            for kind, words in (("mixed", "mixed environments:"), ("unpinned", "made with")):
                found |= dict.fromkeys(f"{part}: {words} {said}" for part, said in record[kind].items())
    return list(found)


def verify(folder: Path) -> tuple[list[str], int]:
    """What differs in `folder`, a sentence each, and how many files are recorded. Raises `Unreadable`."""
    if (folder / SUMS).is_file():
        return verify_paper(folder), len(recorded_sums(folder))
    if (folder / RECEIPTS).is_dir():
        return verify_results(folder), len(receipts(folder))
    raise Unreadable(f"{folder}: has neither {SUMS} (a paper folder) nor {RECEIPTS}/ (results of a workflow)")


def _visible(text: str) -> str:
    """Text out of a record, fit for a terminal: control characters as escapes, which do nothing there."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def main(argv: list[str] | None = None) -> None:
    """Name every file of a folder that is no longer what was recorded; exit status 1 if there is one."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="paper folder, or results/<dataset>")
    here = Path(__file__).parent
    folder = parser.parse_args(argv).folder or (here if (here / SUMS).is_file() else None)
    if folder is None:
        parser.error("which folder? a paper folder, or results/<dataset>")
    try:
        found, count = verify(folder)
    except Unreadable as error:
        sys.exit(f"error: {_visible(str(error))}")
    for fault in found:
        print(_visible(fault))
    for note in notes(folder):
        print(_visible(f"note: {note}"))
    if found:
        differ = "1 differs" if len(found) == 1 else f"{len(found)} differ"
        sys.exit(f"error: {folder}: {differ} from what was recorded")
    kind = "files" if (folder / SUMS).is_file() else "jobs' outputs"
    print(f"{folder}: {count} {kind} as recorded")


if __name__ == "__main__":
    main()
