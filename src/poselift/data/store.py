"""The frame store: every frame once, normalised, memory-mapped; clips are an index into it.

<store>/frames/{train,test}/inputs.npy     (N, J, 3) float32   x, y, confidence; normalised
                            labels.npy     (N, J, 3) float32   2.5D pose; normalised, not root-relative
                            sequence.npy   (N,) int32          position in sequences.json
                            sequences.json                     name, subject, action, camera, size, extent,
                                                               whether it is excluded from evaluation
<store>/frames/test/        factor.npy     (N,) float32        mm per pixel
                            target_mm.npy  (N, J, 3) float32   2.5D pose, mm, not root-relative
                            valid.npy      (N,) bool           frames that are evaluated
<store>/frames/manifest.json                                   sha256 of each array, and of the raw file;
                                                               which frames of a clip are evaluated
<store>/clips-<n>/{train,test}.npy         (clips, n) int32    frame numbers
"""

import hashlib
import json
import mmap
from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from poselift.data.sequence import Sequence
from poselift.errors import PoseliftError, untrusted
from poselift.skeleton import N_JOINTS

Evaluates = Literal["every frame", "centre frame"]
"""Which frames of a test clip are evaluated."""


@dataclass(frozen=True)
class Split:
    """One split of the store, opened: arrays are memory-mapped and read-only. `factor` and `target_mm` are
    None for train."""

    name: str
    inputs: NDArray[np.float32]
    labels: NDArray[np.float32]
    sequence: NDArray[np.int32]
    factor: NDArray[np.float32] | None
    target_mm: NDArray[np.float32] | None
    sequences: list[Sequence]
    clips: NDArray[np.int32]
    evaluates: Evaluates = "every frame"

    def __len__(self) -> int:
        """The number of clips."""
        return len(self.clips)

    @property
    def n_frames(self) -> int:
        """Frames per clip."""
        return self.clips.shape[1]

    def subjects(self) -> list[str]:
        """The subjects of the clips, sorted."""
        return sorted({self.sequences[i].subject for i in np.unique(self.sequence[self.clips[:, 0]])})

    def only(self, subjects: Collection[str]) -> "Split":
        """The split with the clips of these subjects alone; its frames stay whole."""
        wanted = np.array([sequence.subject in subjects for sequence in self.sequences])
        return replace(self, clips=self.clips[wanted[self.sequence[self.clips[:, 0]]]])

    def clip(self, i: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Inputs and labels of clip `i`, (T, J, 3) each, normalised."""
        frames = self.clips[i]
        return self.inputs[frames], self.labels[frames]


def frames_folder(store: Path, split: str) -> Path:
    """Where the frames of a split lie."""
    return store / "frames" / split


def clips_folder(store: Path, n_frames: int) -> Path:
    """Where the index of clips of `n_frames` lies."""
    return store / f"clips-{n_frames}"


def read_sequences(store: Path, split: str) -> list[Sequence]:
    """The sequences of a split, in the order of their frames. Raises `PoseliftError` if there is no store or
    its list is damaged."""
    path = frames_folder(store, split) / "sequences.json"
    with _reading(path):
        sequences = [Sequence(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
        if not sequences:
            raise ValueError("it is empty")
    return sequences


def open_split(
    store: Path | str, split: str, n_frames: int, input_2d: Literal["detected", "ground_truth"] = "detected"
) -> Split:
    """Open a split of the store with its index of clips of `n_frames`.

    The inputs are the detector's, or the label's own x and y with confidence 1 (`ground_truth`; then they are
    in memory, not memory-mapped). Raises `PoseliftError` if a file is missing, does not fit the others or has
    not the hash that the manifest says.
    """
    store = Path(store)
    sequences = read_sequences(store, split)
    _check_index(store, n_frames)
    folder = frames_folder(store, split)
    end = sequences[-1].first_frame + sequences[-1].length
    manifest = read_manifest(store)

    def poses(name: str) -> NDArray[np.float32]:
        return open_array(folder / name, np.float32, (end, N_JOINTS, 3))

    test = split == "test"
    labels = poses("labels.npy")
    opened = Split(
        name=split,
        inputs=poses("inputs.npy") if input_2d == "detected" else ground_truth_2d(labels),
        labels=labels,
        sequence=open_array(folder / "sequence.npy", np.int32, (end,)),
        factor=open_array(folder / "factor.npy", np.float32, (end,)) if test else None,
        target_mm=poses("target_mm.npy") if test else None,
        sequences=sequences,
        clips=open_array(clips_folder(store, n_frames) / f"{split}.npy", np.int32, (None, n_frames)),
        evaluates=manifest["evaluates"],
    )
    for name, digest in manifest["arrays"].items():
        if name.startswith(f"{split}/"):
            path = store / "frames" / name
            with _reading(path), path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                    raise ValueError("its hash is not the one in manifest.json")
    return opened


def _check_index(store: Path, n_frames: int) -> None:
    """Raise `PoseliftError` if clips of this length are not indexed, with the lengths that are."""
    if not clips_folder(store, n_frames).exists():
        lengths = sorted(int(path.name.removeprefix("clips-")) for path in store.glob("clips-*"))
        indexed = f"indexed: {', '.join(map(str, lengths))}; use --n-frames, or " if lengths else ""
        remedy = f"{indexed}index them with `poselift prepare --n-frames {n_frames}`"
        raise PoseliftError(f"{clips_folder(store, n_frames)}: no such folder; {remedy}")


def _reading(path: Path) -> AbstractContextManager[None]:
    """A block that reads a file of the store; what fails becomes one line."""
    return untrusted(
        path,
        "not as it was written ({}); delete it and run again",
        "; say where the store is (--store), or make it with `poselift prepare`",
    )


def windows(array: NDArray[Any], frames: NDArray[np.int32]) -> NDArray[Any]:
    """`array[frames]` for windows `frames` (B, T) of an array of the store, (B, T, ...), in memory.

    Where the array is mapped the system would read ahead around each position that is touched, by what the
    disk is set to: often megabytes for a window of a tenth of one. It is told what is needed and no more.
    """
    memory: Any = getattr(array, "_mmap", None)
    if hasattr(memory, "madvise"):  # mapped, and on a system that takes advice
        memory.madvise(mmap.MADV_RANDOM)
        start, row = array.offset % mmap.ALLOCATIONGRANULARITY, array.strides[0]  # type: ignore[attr-defined]
        for first, last in zip(frames.min(axis=1).tolist(), frames.max(axis=1).tolist(), strict=True):
            page = (start + first * row) // mmap.PAGESIZE * mmap.PAGESIZE
            memory.madvise(mmap.MADV_WILLNEED, page, start + (last + 1) * row - page)
    return np.asarray(array[frames])


def ground_truth_2d(labels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Inputs that a perfect detector would give: x and y of the labels (N, J, 3), and confidence 1."""
    inputs = np.array(labels, dtype=np.float32)
    inputs[..., 2] = 1
    return inputs


def read_manifest(store: Path) -> dict[str, Any]:
    """The manifest of a store.

    Raises `PoseliftError` if it is missing or damaged, or of an older version, whose sequences do not say
    which are excluded either.
    """
    path = store / "frames" / "manifest.json"
    with _reading(path):
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found, _ = manifest.get("evaluates"), manifest.setdefault("arrays", {}).items()
    if found not in get_args(Evaluates):
        raise PoseliftError(f"{path}: of another version of poselift; delete {store} and prepare it again")
    return manifest


def open_array(path: Path, dtype: type, shape: tuple[int | None, ...]) -> NDArray:
    """Map an array of this shape, in which None stands for any length, read-only.

    Raises `PoseliftError` in one line if the file is missing, damaged in whatever way, or another array.
    """
    with _reading(path):
        array = np.lib.format.open_memmap(path, mode="r")
        if array.dtype != dtype or array.ndim != len(shape) or array.shape[1:] != shape[1:]:
            expected = f"{np.dtype(dtype)} of shape ({', '.join(map(str, ('N', *shape[1:])))})"
            raise ValueError(f"expected {expected}, found {array.dtype} of shape {array.shape}")
    if shape[0] is not None and len(array) != shape[0]:
        raise PoseliftError(f"{path}: {len(array)} frames, but sequences.json has {shape[0]}; delete it")
    return array
