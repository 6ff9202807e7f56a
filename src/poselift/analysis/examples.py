"""The clips with the median and with the largest error, as the evaluation chose and wrote them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poselift.analysis.view import View
from poselift.errors import PoseliftError
from poselift.files import reading
from poselift.skeleton import N_JOINTS

Array = NDArray[np.floating[Any]]

POSITIONS = {"input_2d": 2, "prediction": 3, "target": 3}
"""The arrays of positions, with their channels."""


@dataclass(frozen=True)
class Example:
    """One clip. Positions: pixels (T, J, 2); mm, root-relative (T, J, 3), x right, y down, z away."""

    rule: str
    """how the evaluation chose its clips"""
    kind: str
    action: str
    mpjpe: float
    input_2d: Array
    prediction: Array
    target: Array

    @property
    def title(self) -> str:
        """Which clip it is, with its error."""
        return f"{self.kind} clip: {self.action}, {self.mpjpe:.1f} mm"


def read_examples(path: Path) -> list[Example]:
    """Read what the evaluation wrote, one or more clips.

    Raises `PoseliftError` if the file is missing, is something else, or holds positions of unlike shapes or
    that are not finite.
    """
    with reading(path, "the examples of an evaluation", "evaluate the run"), np.load(path) as arrays:
        rule, names = str(arrays["rule"]), ("clip_kind", "action", "mpjpe", *POSITIONS)
        examples = [
            Example(rule, str(kind), str(action), float(mpjpe), *positions)
            for kind, action, mpjpe, *positions in zip(*(arrays[name] for name in names), strict=True)
        ]
    if not examples:
        raise PoseliftError(f"{path}: holds no clip; evaluate the run again")
    for example in examples:
        for name, channels in POSITIONS.items():
            array: Array = getattr(example, name)
            shape, fault = (len(example.target), N_JOINTS, channels), ""
            if array.shape != shape:
                fault = f"has shape {array.shape}, expected {shape}"
            elif not (finite := np.isfinite(array).all(axis=(1, 2))).all():
                fault = f"is not finite in frame {np.argmin(finite)}"
            if fault:
                which = f"{name} of the {example.kind} clip"
                raise PoseliftError(f"{path}: {which} {fault}; evaluate the run again")
    return examples


def read_models(paths: Iterable[Path]) -> dict[str, list[Example]]:
    """The examples of some runs by the run's name, from files `<run>-examples.npz`."""
    return {path.stem.removesuffix("-examples"): read_examples(path) for path in paths}


def model_label(run: str, view: View) -> str:
    """What the paper calls the model of a run: `Full, base, seed 0`; another name stays as it is."""
    if found := re.fullmatch(r"(\w+)-(\w+?)(?:-(\w+))?-s(\d+)", run):
        parts = (view.label(found[1]), found[2], found[3], f"seed {found[4]}")
        return ", ".join(part for part in parts if part)
    return run


def evenly_spaced(n_frames: int, n: int) -> NDArray[np.intp]:
    """At most `n` frames of a clip, the first and the last among them, as evenly spaced as can be."""
    return np.unique(np.linspace(0, n_frames - 1, n).round().astype(np.intp))
