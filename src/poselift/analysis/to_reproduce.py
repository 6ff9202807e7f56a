"""The published numbers that are to be trained again. Light to import: each start of Snakemake does."""

import json
from collections.abc import Sequence
from pathlib import Path

from poselift.analysis.published import Published, comparable, read_published
from poselift.config.experiment import Reproduction
from poselift.config.sections import suggest
from poselift.errors import PoseliftError

METRIC = "mpjpe"


def described(entries: Sequence[Reproduction]) -> str:
    """The entries as JSON, for the command line."""
    return json.dumps([entry.model_dump(mode="json", exclude_defaults=True) for entry in entries])


def published_number(entry: Reproduction, published: Published) -> float:
    """The MPJPE, mm, that an entry is to give again. Raises `PoseliftError` if there is none that is sure, or
    it is not comparable with ours: of other 2D input, or of another number of frames."""
    where = f"reproduction.{entry.name}"
    rows = {row.method: row for row in published.rows}
    if entry.published not in rows:
        raise PoseliftError(
            f"{where}: no published row '{entry.published}'{suggest(entry.published, rows)}; name one that "
            "there is, or take the entry out of `reproduction`"
        )
    row = rows[entry.published]
    if row not in comparable(published.rows).get(published.detector, []):
        raise PoseliftError(
            f"{where}: the published row '{row.method}' is not comparable with ours; it needs `sure` A or B "
            "and the `detector` that the head of the file names"
        )
    number = row.number(METRIC)
    if number is None:
        raise PoseliftError(f"{where}: the published row '{row.method}' has no MPJPE that is sure")
    if row.frames != entry.n_frames:
        raise PoseliftError(
            f"{where}: n_frames is {entry.n_frames}, but '{row.method}' was published at {row.frames}"
        )
    return number


def published_numbers(entries: Sequence[Reproduction], path: Path | None) -> list[float]:
    """The numbers that the entries are to give again, by the file of published results. Raises
    `PoseliftError` as `published_number`, or if the file cannot be read."""
    published = read_published(path) if path and entries else Published(rows=[])
    return [published_number(entry, published) for entry in entries]
