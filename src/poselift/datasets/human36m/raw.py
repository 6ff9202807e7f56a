"""The raw pickle of Human3.6M (MotionBERT's preprocessing): read it and check all of it.

Two splits, a dict of equally long entries each (N frames, J = 17 joints):

    joint_2d          (N, J, 2)             detected joints, px
    confidence        (N, J, 1) or (N, J)   of the detector, about 0..1; absent: 1
    joint3d_image     (N, J, 3)             projected joints, px; z relative to the root in the same scale
    camera_name       N str                 one of `CAMERAS`
    source            N str                 name of the sequence, see `SEQUENCE_NAME`
    joints_2.5d_image (N, J, 3)  test only  joint3d_image in mm
    2.5d_factor       (N,)       test only  mm per pixel
    action            N str      test only  as the protocol groups them

Names do not tell sequences apart: the two recordings of an action by a train subject share one. A sequence
is therefore a contiguous run of frames of one name and camera. Where two runs of one name touch, nothing
parts them, and they count as one, as in the published reader.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poselift.data.entries import Entries, kind
from poselift.data.frames import Frames, named
from poselift.data.normalise import normalise
from poselift.data.sequence import SPLITS, Sequence
from poselift.data.unpickle import bounded_memory, load_pickle
from poselift.errors import PoseliftError, one_line
from poselift.skeleton import N_JOINTS

# image width and height in pixels
CAMERAS = {
    "54138969": (1000, 1002),
    "55011271": (1000, 1000),
    "58860488": (1000, 1000),
    "60457274": (1000, 1002),
}

SEQUENCE_NAME = re.compile(r"s_(?P<subject>[0-9]{1,6})_act_[0-9]{1,6}(_subact_[0-9]{1,6})?_cam?_[0-9]{1,6}")

BLOCKED = ("s_09_act_05_subact_02", "s_09_act_10_subact_02", "s_09_act_13_subact_01")
"""Sequences of faulty ground truth, in all cameras."""


@dataclass(frozen=True, kw_only=True)
class RawSplit(Frames):
    """One checked split; arrays as they lie in the pickle (float32 or float64), None where absent."""

    joint3d_image: NDArray[np.floating]

    def labels(self, part: slice) -> NDArray[np.floating]:
        """Joints and depths of some frames, (n, J, 3), normalised."""
        return normalise(self.joint3d_image[part], *self.image_size(part))


def read(files: Mapping[str, Path]) -> Mapping[str, Frames]:
    """The checked splits of the file `raw`; raises as `read_raw`."""
    return read_raw(files["raw"])


def read_raw(path: Path) -> dict[str, RawSplit]:
    """Read and check the raw pickle; both splits by name.

    Raises `PoseliftError`: one line with file, split, key and, where there is one, the first offending
    sequence and frame, and what was expected.
    """
    content = load_pickle(path)
    if not isinstance(content, dict):
        raise PoseliftError(f"{path}: expected a dict of the splits train and test, found {kind(content)}")
    splits = {
        split: _Checker(f"{path}: {split}", content.get(split)).check(split == "test") for split in SPLITS
    }
    trained_on = {(sequence.name, sequence.camera) for sequence in splits["train"].sequences}
    for sequence in splits["test"].sequences:
        if (sequence.name, sequence.camera) in trained_on:
            shared = f"sequence {sequence.name}{_at(sequence.first_frame)}, is in train as well"
            raise PoseliftError(f"{path}: test: source: {shared}")
    return splits


class _Checker(Entries):
    """Checks the entries of one split; the sequences are found first, so that faults can name them."""

    def __init__(self, where: str, entries: Any) -> None:
        if not isinstance(entries, dict):
            raise PoseliftError(f"{where}: expected a dict of frames, found {kind(entries)}")
        super().__init__(where, entries)
        self.n_frames = 0
        self.sequences: list[Sequence] = []

    def named(self, frame: int) -> str:
        return named(self.sequences, frame)

    def check(self, is_test: bool) -> RawSplit:
        of_test = ("joints_2.5d_image", "2.5d_factor", "action") if is_test else ()
        for key in ("joint_2d", "joint3d_image", "camera_name", "source", *of_test):
            if key not in self.entries:
                raise self.fault(key, "the key is missing")
        self.n_frames = self.length("joint_2d")
        if self.n_frames == 0:
            raise self.fault("joint_2d", "the split is empty, expected at least one frame")
        self.sequences = self.find_sequences(is_test)
        confidence = factor = target_mm = counted = None
        if "confidence" in self.entries:
            confidence = self.floats("confidence", (N_JOINTS, 1), (N_JOINTS,)).reshape(-1, N_JOINTS)
        if is_test:
            factor = self.floats("2.5d_factor", (), (1,)).reshape(-1)
            if (bad := np.flatnonzero(factor <= 0)).size:
                found = f"expected mm per pixel above 0, found {factor[bad[0]]}"
                raise self.fault("2.5d_factor", found, bad[0])
            target_mm = self.floats("joints_2.5d_image", (N_JOINTS, 3))
            lengths = [sequence.length for sequence in self.sequences]
            counted = np.repeat([not sequence.excluded for sequence in self.sequences], lengths)
        return RawSplit(
            sequences=self.sequences,
            joint_2d=self.floats("joint_2d", (N_JOINTS, 2)),
            confidence=confidence,
            joint3d_image=self.floats("joint3d_image", (N_JOINTS, 3)),
            factor=factor,
            target_mm=target_mm,
            valid=counted,
        )

    def length(self, key: str) -> int:
        try:
            return len(self.entries[key])
        except TypeError:
            raise self.fault(key, f"expected an entry per frame, found {kind(self.entries[key])}") from None

    def as_array(self, key: str, size: int, fault: str, dtype: type | None = None) -> NDArray[Any]:
        """The entry as an array of N values of `size` bytes each; `fault` says why it is none."""
        if (length := self.length(key)) != self.n_frames:
            raise self.fault(key, f"{length} frames, but joint_2d has {self.n_frames}")
        value = self.entries[key]
        try:
            with bounded_memory(size * self.n_frames):
                return value if isinstance(value, np.ndarray) else np.array(value, dtype=dtype)
        except (ValueError, TypeError, OverflowError, RecursionError, MemoryError):
            raise self.fault(key, fault) from None

    def floats(self, key: str, *shapes: tuple[int, ...]) -> NDArray[np.floating]:
        """The entry as an array (N, *shape) of finite float32 or float64, `shape` one of `shapes`."""
        fault = "the frames differ in shape, or are not numbers"
        array = self.as_array(key, 8 * math.prod(shapes[0]), fault)
        return self.numbers(key, array, *(("N", *shape) for shape in shapes))

    def strings(self, key: str) -> NDArray[Any]:
        """The entry as an array of N strings."""
        array = self.as_array(key, 8, "expected a string per frame, found something else", object)
        if array.ndim != 1:
            raise self.fault(key, f"expected a string per frame, found an array of shape {array.shape}")
        if array.dtype == object:
            kinds = {kind for kind in set(map(type, array)) if not issubclass(kind, str)}
            if kinds:
                raise self.fault(key, f"expected strings, found {sorted(kind.__name__ for kind in kinds)[0]}")
        elif array.dtype.kind != "U":
            raise self.fault(key, f"expected strings, found {array.dtype}")
        return array

    def find_sequences(self, is_test: bool) -> list[Sequence]:
        source, camera = self.strings("source"), self.strings("camera_name")
        starts = _starts((source[1:] != source[:-1]) | (camera[1:] != camera[:-1]))
        lengths = np.diff(starts, append=self.n_frames)
        action = self.strings("action") if is_test else None
        changes = starts if action is None else _starts(action[1:] != action[:-1])
        if (inside := np.setdiff1d(changes, starts)).size:
            name = one_line(source[inside[0]])
            raise self.fault("action", f"changes within sequence {name}{_at(inside[0])}")
        return [
            self.sequence(
                int(start), int(length), str(source[start]), str(camera[start]),
                None if action is None else str(action[start]),
            )
            for start, length in zip(starts, lengths, strict=True)
        ]  # fmt: skip

    def sequence(self, start: int, length: int, name: str, camera: str, action: str | None) -> Sequence:
        match = SEQUENCE_NAME.fullmatch(name)
        if match is None:
            expected = "expected names like s_09_act_02_subact_01_ca_01, found"
            raise self.fault("source", f"{expected} {one_line(repr(name))}{_at(start)}")
        if camera not in CAMERAS:
            found = f"unknown camera {one_line(repr(camera))} in sequence {name}{_at(start)}"
            raise self.fault("camera_name", f"{found} (known: {', '.join(CAMERAS)})")
        if action is not None and not (action.isprintable() and 0 < len(action) <= 100):
            found = f"found {one_line(repr(action))} in sequence {name}{_at(start)}"
            raise self.fault("action", f"expected printable names of at most 100 characters, {found}")
        subject, excluded = f"S{int(match['subject'])}", name.startswith(BLOCKED)
        return Sequence(name, subject, action, camera, *CAMERAS[camera], start, length, excluded)


def _starts(changes: Any) -> NDArray[np.intp]:
    """Where runs begin, given for each frame but the first whether it differs from the one before."""
    return np.concatenate([[0], np.flatnonzero(changes) + 1])


def _at(frame: int) -> str:
    return f", at frame {frame} of the split"
