"""What the check of the text (`poselift.paper.prose`) found, as it is kept for the pages."""

from dataclasses import dataclass
from pathlib import Path

from poselift.analysis.stored import read_content

FILE = "prose.json"
"""Where remarks lie below `results/<dataset>`."""


@dataclass(frozen=True)
class Remark:
    """What is wrong at a place of the text."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.text}"


def read_remarks(path: Path) -> list[Remark]:
    """What a check found. Raises `PoseliftError` if the file is missing or another."""
    found: list[Remark] = read_content(path, list[Remark])
    return found


def last_remarks(results: Path) -> list[Remark]:
    """What the last check of the text found; nothing before there was one."""
    return read_remarks(results / FILE) if (results / FILE).is_file() else []
