"""The numbers of clips, where they are known beforehand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poselift.errors import PoseliftError


def require_counts(clips: Path, found: Mapping[str, int], expected: Mapping[Any, int]) -> None:
    """Raise `PoseliftError` if a split in the folder `clips` has another number of clips than expected."""
    for split, number in expected.items():
        if found[split] != number:
            raise PoseliftError(
                f"{clips}: {split}: {found[split]} clips, expected {number}: "
                "not the raw file that data.expected_clips was written for"
            )
