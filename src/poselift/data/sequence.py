"""What a sequence is, and the splits that data sets come in."""

from dataclasses import dataclass
from typing import Final

SPLITS: Final = ("train", "test")


@dataclass(frozen=True)
class Sequence:
    """A contiguous run of frames of one recording seen by one camera."""

    name: str
    subject: str
    action: str | None
    camera: str
    width: int
    height: int
    first_frame: int
    length: int
    excluded: bool = False
    """its ground truth is faulty: no protocol counts it"""
