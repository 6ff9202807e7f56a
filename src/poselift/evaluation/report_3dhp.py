"""What an evaluation on MPI-INF-3DHP says, and its form as JSON."""

from pathlib import Path
from typing import Final

from poselift.config.sections import Section, load
from poselift.files import write_json

METRICS_3DHP: Final = ("mpjpe", "pck", "auc")
"""MPJPE in mm; PCK at 150 mm and AUC (0 to 150 mm) in percent."""


class Scores(Section):
    """Mean over frames and joints."""

    mpjpe: float
    pck: float
    auc: float
    frames: int
    """valid frames evaluated"""


class Result3DHP(Scores):
    """The scores of one set of predictions: over all valid frames, and by sequence and joint."""

    per_sequence: dict[str, Scores]
    """by TS1 to TS6"""
    per_joint: dict[str, dict[str, float]]
    """PCK and AUC are there for the joints that they count"""


class Report3DHP(Section):
    """The evaluation of one run."""

    run: str
    architecture: str
    size: str
    seed: int
    n_frames: int
    checkpoints: dict[str, Result3DHP]
    """`best` and `last`"""

    def summary(self) -> str:
        """A table to read: the scores by checkpoint and sequence."""
        rows = []
        for checkpoint, result in self.checkpoints.items():
            rows.append(f"{self.run}, {checkpoint}")
            rows.append(f"{'':10}{'MPJPE (mm)':>12}{'PCK (%)':>12}{'AUC (%)':>12}{'frames':>10}")
            rows += [
                f"{name:10}{scores.mpjpe:12.2f}{scores.pck:12.2f}{scores.auc:12.2f}{scores.frames:10,}"
                for name, scores in (*result.per_sequence.items(), ("all", result))
            ]
        return "\n".join(rows)


def write_report(path: Path, report: Report3DHP) -> None:
    """Write a report as JSON, atomically."""
    write_json(path, report.model_dump())


def load_report(path: Path) -> Report3DHP:
    """Read what `write_report` wrote. Raises `PoseliftError` if it is missing, cut short or another file."""
    return load(path, Report3DHP)  # JSON is YAML
