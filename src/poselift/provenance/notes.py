"""Where Snakemake's notes of how it made each file lie: with the results, which then take them along.

Snakemake keeps them in the hidden folder `.snakemake` of the checkout. Results that are copied into another
checkout without it would be judged by their times alone: files copied in another order would be made anew,
and a change of the code would go unnoticed.
"""

import os
from contextlib import suppress
from pathlib import Path

FOLDER = ".snakemake"
KINDS = ("metadata", "incomplete")


def keep_with(results: Path) -> None:
    """Let Snakemake's notes lie in `results`/.snakemake, and links in `.snakemake` lead there.

    Notes that already lie in `.snakemake` itself stay there.
    """
    for kind in KINDS:
        notes, link = results / FOLDER / kind, Path(FOLDER, kind)
        notes.mkdir(parents=True, exist_ok=True)
        link.parent.mkdir(exist_ok=True)
        if link.is_symlink() and not (link.exists() and link.samefile(notes)):
            link.unlink()  # the results were moved
        if not link.exists():
            with suppress(FileExistsError):  # a job that starts at the same time was faster
                link.symlink_to(os.path.relpath(notes.resolve(), link.parent.resolve()))
