"""The two files of MPI-INF-3DHP (P-STMO's preprocessing): read them and check all of it.

An npz each, whose one member `data` is a pickled dict (T frames, J = 17 joints in the order of `JOINTS`):

    data_train_3dhp.npz   {'S1 Seq1': [{'0': {'data_2d', 'data_3d'}, '1': …}, frames per second], …}
    data_test_3dhp.npz    {'TS1': {'data_2d', 'data_3d', 'valid'}, …}

    data_2d  (T, J, 2)  px
    data_3d  (T, J, 3)  mm in the camera's space, not root-relative: x right, y down, z away
    valid    (T,)       1 where the protocol evaluates the frame, else 0

Numpy would unpickle the member without looking (`allow_pickle`); here it may hold arrays and containers only.

The joints are brought into Human3.6M's order when they are read, so that skeleton, mirror image, graphs and
figures hold.

Units. The 2D input is normalised by the own width of the camera, as everywhere. The labels are mm relative to
the root, divided by 1024, half the image width of the training cameras, in both splits: a network learns this
one unit, and a person is not smaller because TS5 and TS6 have images of 1920 pixels. The published code
multiplies its predictions for TS5 and TS6 by 1920 / 2 all the same, which makes them 6.25 % too small; so
that its numbers have their like, results are given in both ways (`Dataset.also_published_scale`).
Here the store's `factor` holds what takes a prediction back to mm by the formula of Human3.6M,
prediction x width / 2 x factor = prediction x 1024: 1 for images of 2048 pixels, 1.0667 for TS5 and TS6.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poselift.data.entries import Entries, kind
from poselift.data.frames import Frames
from poselift.data.sequence import Sequence
from poselift.data.unpickle import unpickle
from poselift.errors import PoseliftError, one_line, untrusted
from poselift.skeleton import N_JOINTS, ROOT

JOINTS = (
    "head top", "neck", "right shoulder", "right elbow", "right wrist", "left shoulder", "left elbow",
    "left wrist", "right hip", "right knee", "right ankle", "left hip", "left knee", "left ankle", "pelvis",
    "spine", "head",
)  # fmt: skip
"""The order of the joints in the files."""

FROM_HUMAN36M = (10, 8, 14, 15, 16, 11, 12, 13, 1, 2, 3, 4, 5, 6, 0, 7, 9)
"""Joint i of the files is joint FROM_HUMAN36M[i] of Human3.6M."""

TO_HUMAN36M = tuple(int(i) for i in np.argsort(FROM_HUMAN36M))
"""Joint j of Human3.6M is joint TO_HUMAN36M[j] of the files."""

SUBJECTS = tuple(f"S{i}" for i in range(1, 9))
SEQUENCES = ("Seq1", "Seq2")
CAMERAS = ("0", "1", "2", "4", "5", "6", "7", "8")
TRAIN_SIZE = (2048, 2048)
"""Image width and height of all training cameras, px."""

TEST_SIZES = {
    **dict.fromkeys(("TS1", "TS2", "TS3", "TS4"), (2048, 2048)),
    **dict.fromkeys(("TS5", "TS6"), (1920, 1080)),
}
"""Image width and height of the test sequences, px; TS5 and TS6 are outdoors, with another camera."""

MAX_BYTES = 8 * 2**30
"""What a file may unpack to; the training file of 509 MB stays far below."""

MM_PER_UNIT = TRAIN_SIZE[0] / 2
"""mm that one unit of a label or prediction stands for."""


@dataclass(frozen=True, kw_only=True)
class RawSplit(Frames):
    """One checked split."""

    target: NDArray[np.floating]
    """(N, J, 3) mm, relative to the root"""

    def labels(self, part: slice) -> NDArray[np.floating]:
        """The poses of some frames, (n, J, 3), in units of `MM_PER_UNIT`."""
        return self.target[part] / MM_PER_UNIT


def read(files: Mapping[str, Path]) -> Mapping[str, Frames]:
    """The checked splits of the files `train` and `test`; raises as `read_train`."""
    return {"train": frames_of(read_train(files["train"])), "test": frames_of(read_test(files["test"]))}


def frames_of(recordings: list["Recording"]) -> RawSplit:
    """The recordings as one split, one after the other."""
    lengths = [len(recording.joint_2d) for recording in recordings]
    starts = np.cumsum([0, *lengths])
    joint_3d = np.concatenate([recording.joint_3d for recording in recordings])
    target = joint_3d - joint_3d[:, ROOT : ROOT + 1]
    flags = [recording.valid for recording in recordings if recording.valid is not None]
    return RawSplit(
        sequences=[
            Sequence(r.name, r.subject, None, r.camera, r.width, r.height, int(start), length)
            for r, start, length in zip(recordings, starts, lengths, strict=False)
        ],
        joint_2d=np.concatenate([recording.joint_2d for recording in recordings]),
        target=target,
        factor=2 * MM_PER_UNIT / np.repeat([r.width for r in recordings], lengths) if flags else None,
        target_mm=target if flags else None,
        valid=np.concatenate(flags) if flags else None,
    )


def read_train(path: Path) -> list["Recording"]:
    """The recordings of the training file, by sequence and camera: 8 subjects x 2 sequences x 8 cameras.

    Raises `PoseliftError`: one line with file, sequence, camera and, where there is one, the first offending
    frame, and what was expected.
    """
    names = [f"{subject} {sequence}" for subject in SUBJECTS for sequence in SEQUENCES]
    content = _dict_of(_read_member(path), names, str(path), "sequence")
    recordings = []
    for name in names:
        entry = content[name]
        if not isinstance(entry, list | tuple) or len(entry) != 2:
            raise PoseliftError(f"{path}: {name}: expected [cameras, frames per second], found {kind(entry)}")
        cameras, fps = entry
        if not isinstance(fps, int | float | np.number) or not fps > 0:
            found = fps if isinstance(fps, int | float) else kind(fps)
            raise PoseliftError(f"{path}: {name}: expected frames per second above 0, found {found}")
        cameras = _dict_of(cameras, list(CAMERAS), f"{path}: {name}", "camera")
        for camera in CAMERAS:
            where, unique = f"{path}: {name}, camera {camera}", f"{name.replace(' ', '_')}_cam_{camera}"
            recordings.append(Recording(where, cameras[camera], unique, name.split()[0], camera, TRAIN_SIZE))
    return recordings


def read_test(path: Path) -> list["Recording"]:
    """The recordings of the test file, TS1 to TS6, with their valid frames. Errors as `read_train`'s."""
    content = _dict_of(_read_member(path), list(TEST_SIZES), str(path), "sequence")
    return [
        Recording(f"{path}: {name}", content[name], name, name, name, size, is_test=True)
        for name, size in TEST_SIZES.items()
    ]


def _read_member(path: Path) -> Any:
    """The pickled object in the member `data` of an npz."""
    cut_short = "not a whole npz ({}); is it cut short? Copy it again"
    with untrusted(path, cut_short), zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if "data.npy" not in names:
            found = one_line(", ".join(names)) or "none"
            raise PoseliftError(f"{path}: expected the one array 'data', found {found}")
        unpacked = archive.getinfo("data.npy").file_size
        if unpacked > MAX_BYTES:
            raise PoseliftError(
                f"{path}: data unpacks to {unpacked / 2**30:.0f} GiB, expected at most "
                f"{MAX_BYTES // 2**30}; this is not the file it should be"
            )
        where = f"{path}: data"
        with archive.open("data.npy") as member:
            with untrusted(where, "not an array of numpy ({}); copy it again"):
                read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
                shape, _, dtype = read[np.lib.format.read_magic(member)[0]](member)
            if not dtype.hasobject or shape != ():
                raise PoseliftError(f"{where}: expected one pickled dict, found {dtype} of shape {shape}")
            array = unpickle(member, where, unpacked)
    return array.item() if isinstance(array, np.ndarray) and array.shape == () else array


def _dict_of(value: Any, keys: list[str], where: str, what: str) -> dict[str, Any]:
    """`value`, checked to be a dict with exactly these keys."""
    if not isinstance(value, dict):
        raise PoseliftError(f"{where}: expected a dict by {what}, found {kind(value)}")
    if missing := [key for key in keys if key not in value]:
        raise PoseliftError(f"{where}: {what} {missing[0]} is missing; expected {', '.join(keys)}")
    if unknown := [key for key in value if key not in keys]:
        raise PoseliftError(f"{where}: unknown {what} {one_line(unknown[0])}; expected {', '.join(keys)}")
    return value


class Recording(Entries):
    """One recording seen by one camera, its entries checked: `joint_2d` (T, J, 2) and `joint_3d` (T, J, 3) in
    Human3.6M's order, `valid` (T,) or, for training, None. `where` names file, sequence and camera."""

    def __init__(
        self,
        where: str,
        entries: Any,
        name: str,
        subject: str,
        camera: str,
        size: tuple[int, int],
        is_test: bool = False,
    ) -> None:
        super().__init__(where, entries)
        self.name, self.subject, self.camera, (self.width, self.height) = name, subject, camera, size
        order = list(TO_HUMAN36M)
        joint_2d, joint_3d = (
            self.numbers(key, self.array(key), ("T", N_JOINTS, channels))
            for key, channels in (("data_2d", 2), ("data_3d", 3))
        )
        if not len(joint_2d):
            raise self.fault("data_2d", "no frames, expected at least one")
        if len(joint_3d) != len(joint_2d):
            raise self.fault("data_3d", f"{len(joint_3d)} frames, but data_2d has {len(joint_2d)}")
        self.joint_2d, self.joint_3d = joint_2d[:, order], joint_3d[:, order]
        self.valid = self.flags("valid", len(joint_2d)) if is_test else None

    def flags(self, key: str, n_frames: int) -> NDArray[np.bool_]:
        """0 or 1 for each frame, not all 0."""
        flags = self.array(key)
        if flags.shape != (n_frames,):
            raise self.fault(key, f"expected shape ({n_frames},), found {flags.shape}")
        if flags.dtype.kind not in "biuf":
            raise self.fault(key, f"expected 0 or 1 per frame, found {flags.dtype}")
        if (wrong := np.flatnonzero(~np.isin(flags, (0, 1)))).size:
            raise self.fault(key, f"expected 0 or 1, found {flags[wrong[0]]}", wrong[0])
        if not flags.any():
            raise self.fault(key, "no frame is valid, so there is nothing to evaluate")
        return flags.astype(bool)

    def array(self, key: str) -> NDArray[Any]:
        if not isinstance(self.entries, dict) or key not in self.entries:
            raise PoseliftError(f"{self.where}: {key} is missing")
        value = self.entries[key]
        if not isinstance(value, np.ndarray):
            raise self.fault(key, f"expected an array, found {kind(value)}")
        return value
