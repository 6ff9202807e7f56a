"""Published results, from a file that people keep (`paper/published.yaml`)."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from poselift.config.sections import Section
from poselift.config.yaml_files import load

Number = Literal["parameters", "macs", "mpjpe", "p_mpjpe", "mpjpe_ground_truth_2d", "pck", "auc"]


class Row(Section):
    """One published result. A number that is not given, or unsure, is shown as a dash."""

    method: str = Field(description="name, with what tells it from the authors' other results")
    cite: str | None = Field(None, description="key in refs.bib")
    detector: str | None = Field(None, description="where the 2D input comes from; null: not confirmed")
    frames: int = Field(ge=1, description="frames per clip")
    parameters: float | None = Field(None, gt=0, description="millions")
    macs: float | None = Field(None, gt=0, description="10^9 multiply-accumulates, as published")
    mpjpe: float | None = Field(None, gt=0, description="mm")
    p_mpjpe: float | None = Field(None, gt=0, description="mm")
    mpjpe_ground_truth_2d: float | None = Field(None, gt=0, description="mm, with ground-truth 2D input")
    pck: float | None = Field(None, gt=0, le=100, description="percent, at 150 mm")
    auc: float | None = Field(None, gt=0, le=100, description="percent, 0 to 150 mm")
    sure: Literal["A", "B", "C"] = Field(
        description="A: read in the authors' repository or paper; B: in a third text; C: remembered"
    )
    unsure: list[Number] = Field([], description="numbers of this row that are only C")
    source: str = Field(description="where it was read")

    def number(self, name: str) -> float | None:
        """A number that is given and sure enough to be printed, else None."""
        value: float | None = None if name in self.unsure else getattr(self, name, None)
        return value


class Published(Section):
    """The file of published results."""

    detector: str = Field("", description="where our 2D input comes from, if rows differ in it")
    note: str = Field("", description="what who compares our results with these must know, in the caption")
    rows: list[Row]

    @model_validator(mode="after")
    def _rows_belong_together(self) -> Self:
        if not self.detector and any(row.detector for row in self.rows):
            raise ValueError("detector: say where our 2D input comes from, as the rows do")
        rows = [(row.method, row.frames, row.detector) for row in self.rows]
        if again := next((row for row in rows if rows.count(row) > 1), None):
            raise ValueError(f"rows: '{again[0]}' with {again[1]} frames is there twice; tell them apart")
        return self


def read_published(path: Path) -> Published:
    """Read the file. Raises `PoseliftError` if it is missing or something else."""
    return load(path, Published)


def comparable(rows: list[Row]) -> dict[str, list[Row]]:
    """The rows sure enough to be shown (A and B, detector known), by detector, in the order of the file."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row.sure != "C" and row.detector is not None:
            groups.setdefault(row.detector, []).append(row)
    return groups
