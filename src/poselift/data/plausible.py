"""What the frames of a data set cannot be, or hardly are, though each entry is well formed.

A size is the distance of the joint that is farthest from the root. The bounds are wide: what lies outside is
in another unit, normalised already, or damaged.
"""

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poselift.data.frames import Frames, chunks, named
from poselift.data.sequence import Sequence
from poselift.errors import PoseliftError
from poselift.skeleton import ROOT

SIZES = {
    "2D poses": ("px", 3.0, 1e5),
    "3D poses": ("half image widths", 0.01, 20.0),
    "3D poses in mm": ("mm", 50.0, 2e4),
}
"""Unit, and the least and largest size that most poses of a split have."""

FAR = 100.0
"""Half image widths from the image's middle to a 2D joint; largest sizes that a single pose may have."""

FRAMES = {"mpjve": 2, "acceleration": 3}
"""Successive frames that a metric compares; the others compare single ones."""

TOLERANCE = 0.05
"""Part of its size by which a pose in mm may differ from the pose in the image times the mm per pixel."""


def check(where: Mapping[str, str], splits: Mapping[str, Frames], metrics: Collection[str] = ()) -> list[str]:
    """A line for each thing that is odd about the splits. `where` names the file and the split in it;
    `metrics` are those that the test split is evaluated by.

    Raises `PoseliftError`, with the first sequence and frame, for what is surely wrong: an impossible size or
    place, poses in mm that are not those in the image times the mm per pixel, a sequence that is in both
    splits, confidences in one of them alone, an action that is too short for a metric.
    """
    _check_lengths(where["test"], splits["test"], metrics)
    lacking = [name for name, split in splits.items() if split.confidence is None]
    if 0 < len(lacking) < len(splits):
        raise PoseliftError(
            f"{where[lacking[0]]}: the confidence is missing, but the other split has it; what learns from "
            "confidences cannot be tested without: give it to both or to neither"
        )
    odd = [line for name, split in splits.items() for line in _check_split(where[name], split)]
    constant = [
        name
        for name, split in splits.items()
        if split.confidence is not None and not np.ptp(split.confidence)
    ]
    if len(constant) == 1:
        odd.append(f"{where[constant[0]]}: every confidence is the same, those of the other split differ")
    subjects = [{sequence.subject for sequence in split.sequences} for split in splits.values()]
    odd += [
        f"{where['test']}: {one} is a subject of train as well" for one in sorted(set.intersection(*subjects))
    ]
    seen: dict[bytes, str] = {}
    for name, split in splits.items():
        for sequence in split.sequences:
            poses = split.joint_2d[sequence.first_frame : sequence.first_frame + sequence.length]
            other = seen.setdefault(hashlib.sha256(np.ascontiguousarray(poses).data).digest(), name)
            if other != name:
                at = named(split.sequences, sequence.first_frame)
                raise PoseliftError(f"{where[name]}: the same 2D poses as in {other}{at}")
    return odd


def _check_lengths(where: str, split: Frames, metrics: Collection[str]) -> None:
    longest: dict[str | None, Sequence] = {}
    for sequence in split.sequences:
        other = longest.get(sequence.action)
        if not sequence.excluded and (other is None or other.length < sequence.length):
            longest[sequence.action] = sequence
    for action, sequence in longest.items():
        for metric in metrics:
            if sequence.length < FRAMES.get(metric, 1):
                what = f"no sequence of action {action}" if action else "no sequence"
                raise PoseliftError(
                    f"{where}: {what} has the {FRAMES[metric]} frames that {metric} compares; leave it out"
                    f"{named(split.sequences, sequence.first_frame)}"
                )


def _check_split(where: str, split: Frames) -> list[str]:
    measured = [_measure(split, part) for part in chunks(len(split))]
    of = {name: np.concatenate([each[name] for each in measured]) for name in measured[0]}

    def at(wrong: NDArray[np.bool_]) -> str:
        return named(split.sequences, int(np.argmax(wrong)))

    def refuse(wrong: NDArray[np.bool_], what: str, values: NDArray) -> None:
        if wrong.any():
            raise PoseliftError(f"{where}: {what.format(values[np.argmax(wrong)])}{at(wrong)}")

    reach = of["reach"]
    refuse(~(reach < FAR), "a 2D joint lies {:.3g} half image widths from the image's middle", reach)
    for what, (unit, least, most) in SIZES.items():
        if what in of:
            size = of[what]
            refuse(~(size < FAR * most), f"{what}: a joint lies {{:.3g}} {unit} from the root", size)
            if not least <= np.median(size) <= most:
                expected = f"expected {least:g} to {most:g}: another unit, or normalised already?"
                refuse((size < least) | (size > most), f"{what}: a size of {{:.3g}} {unit}, {expected}", size)
    odd = []
    if "apart" in of and (apart := ~(of["apart"] <= TOLERANCE)).any():
        line = f"{where}: poses in mm that are not those in the image times the mm per pixel"
        if apart.mean() > 0.1:
            raise PoseliftError(f"{line}: is the factor inverted?{at(apart)}")
        odd.append(f"{line}: {apart.sum():,} frames{at(apart)}")
    if (outside := of["outside"]).any():
        odd.append(f"{where}: confidence outside of 0 to 1: {outside.sum():,} frames{at(outside)}")
    return odd


def _measure(split: Frames, part: slice) -> dict[str, NDArray]:
    """What is checked of each of some frames, (n,)."""
    with np.errstate(over="ignore", invalid="ignore"):  # what float32 cannot hold is infinite
        inputs, half = split.inputs(part), split.image_size(part)[0] / 2
        poses = {"2D poses": split.joint_2d[part], "3D poses": split.labels(part)}
        if split.target_mm is not None:
            poses["3D poses in mm"] = split.target_mm[part]
        relative = {what: pose - pose[:, ROOT : ROOT + 1] for what, pose in poses.items()}
        found: dict[str, Any] = {what: _farthest(pose) for what, pose in relative.items()}
        found["reach"] = np.abs(inputs[..., :2]).max(axis=(1, 2))
        found["outside"] = ((inputs[..., 2] < 0) | (inputs[..., 2] > 1)).any(axis=1)
        if split.target_mm is not None and split.factor is not None:
            in_mm = relative["3D poses"] * (half * split.factor[part, None])[..., None]
            found["apart"] = _farthest(in_mm - relative["3D poses in mm"]) / found["3D poses in mm"]
    return found


def _farthest(poses: NDArray) -> NDArray:
    """The distance of the farthest joint from the origin, (n, J, 2 or 3) -> (n,), as float32 has it."""
    distance: NDArray = np.linalg.norm(poses.astype(np.float32), axis=-1).max(axis=1)
    return distance
