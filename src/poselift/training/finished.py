"""Finished trainings, kept by what determines them: what was trained once is not trained again.

    <kept>/<key>/                   what the training wrote, by the key of its states

A run directory holds the training of the present settings, and Snakemake deletes from it what it does not
trust: what a job left that failed, or whose end it did not see. Here each training stays until
`poselift finished --prune`: as hard links, which take no space of their own.
"""

import argparse
import json
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from poselift.errors import PoseliftError
from poselift.files import atomic_path, reading
from poselift.program import agreed, run
from poselift.provenance.hashing import sha256
from poselift.training.outcome import HISTORY, TRAINED

log = logging.getLogger("poselift.train")

FOLDER = "finished"
"""Where the workflow keeps them below the results of a data set."""


def finished(folder: Path, key: str) -> bool:
    """Whether a folder holds all that the training with this key left, unchanged."""
    try:
        record = json.loads((folder / HISTORY).read_text(encoding="utf-8"))["record"]
    except (FileNotFoundError, ValueError):
        return False
    return record["inputs"]["key"] == key and all(
        (folder / name).exists() and sha256(folder / name) == record["outputs"][name] for name in TRAINED
    )


def keep(out: Path, kept: Path, key: str) -> None:
    """Keep the finished training with this key, whose run directory is `out`."""
    with atomic_path(kept / key) as folder:
        folder.mkdir()
        for name in (*TRAINED, HISTORY):
            _link(out / name, folder / name)


def restore(out: Path, kept: Path, key: str) -> bool:
    """Whether the training with this key is kept; then the run directory `out` gets it."""
    folder = kept / key
    if not folder.is_dir():
        return False
    if not finished(folder, key):
        log.warning("%s: not as the training left it; training again", folder)
        return False
    for name in (*TRAINED, HISTORY):
        with atomic_path(out / name) as temporary:
            _link(folder / name, temporary)
    log.info("trained before; linked from %s (remove that folder to train again)", folder)
    return True


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a disk without links, or with too many of this file
        shutil.copyfile(source, target)
    os.utime(target)  # Snakemake goes by time, too


@dataclass(frozen=True)
class Kept:
    """A training that is kept."""

    folder: Path
    run: str
    bytes: int
    used: bool
    """whether a run directory holds the same training now"""
    gone: bool
    """whether the run directory is not there: a build of its settings takes the training from here"""


def kept_trainings(results: Path) -> Iterator[Kept]:
    """The trainings that are kept below the results of a data set, and of its further data sets."""
    for folder in sorted(results.glob(f"**/{FOLDER}/*/")):
        path = folder / HISTORY
        with reading(path, "as the training left it", "remove its folder"):
            record = json.loads(path.read_text(encoding="utf-8"))["record"]
            settings = record["settings"]
        parts = (settings["architecture"], settings["size"], settings["variant"], f"s{settings['seed']}")
        name = "-".join(filter(None, parts))
        there = folder.parents[1] / "runs" / name / HISTORY
        gone = not there.is_file()
        used = not gone and there.read_bytes() == path.read_bytes()
        size = sum((folder / name).stat().st_size for name in (*TRAINED, HISTORY))
        yield Kept(folder, name, size, used, gone)


def main(argv: list[str] | None = None) -> None:
    """List the finished trainings that are kept, and remove those of no present run."""
    parser = argparse.ArgumentParser(prog="poselift finished", description=main.__doc__)
    parser.add_argument("results", type=Path, nargs="?", default=Path("results"), help="default: %(default)s")
    parser.add_argument("--prune", action="store_true", help="remove those that no run directory holds")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    given = parser.parse_args(argv)
    if not given.results.is_dir():
        raise PoseliftError(f"{given.results}: no such folder; give that of results")
    found = list(kept_trainings(given.results))
    for each in found:
        gone = "its run is gone; a build would take it from here"
        state = "in use" if each.used else gone if each.gone else "of earlier settings, code or data"
        print(f"{each.folder}  {each.run}  {each.bytes / 1e6:,.1f} MB  {state}")
    unused = [each for each in found if not each.used]
    freed = f"{sum(each.bytes for each in unused) / 1e6:,.1f} MB"
    print(f"{len(found)} finished trainings; {len(unused)} of no present run take {freed}")
    if given.prune and unused and (given.yes or agreed(f"Remove these {len(unused)}?")):
        for each in unused:
            shutil.rmtree(each.folder)
        print(f"removed; {freed} are free")


if __name__ == "__main__":
    run(main)
