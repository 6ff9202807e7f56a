"""The frame store: every frame once, normalised, memory-mapped; clips are an index into it.

<store>/frames/{train,test}/inputs.npy     (N, J, 3) float32   x, y, confidence; normalised
                            labels.npy     (N, J, 3) float32   2.5D pose; normalised, not root-relative
                            sequence.npy   (N,) int32          position in sequences.json
                            sequences.json                     name, subject, action, camera, size, extent
<store>/frames/test/        factor.npy     (N,) float32        mm per pixel
                            target_mm.npy  (N, J, 3) float32   2.5D pose, mm, not root-relative
                            valid.npy      (N,) bool           frames that count (MPI-INF-3DHP alone)
<store>/frames/manifest.json                                   sha256 of each array, and of the raw file;
                                                               the protocol, where it is not Human3.6M's
<store>/clips-<n>/{train,test}.npy         (clips, n) int32    frame numbers
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from poselift.data.raw import Sequence
from poselift.errors import PoseliftError


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
    protocol: str = "human36m"
    """how the test split is evaluated: `human36m` or `mpi_inf_3dhp`"""

    def __len__(self) -> int:
        """The number of clips."""
        return len(self.clips)

    @property
    def n_frames(self) -> int:
        """Frames a clip."""
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
    """The sequences of a split, in the order of their frames. Raises `PoseliftError` if there is no store."""
    path = frames_folder(store, split) / "sequences.json"
    try:
        return [Sequence(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file; make the store with `poselift prepare`") from None


def open_split(
    store: Path | str,
    split: str,
    n_frames: int,
    input_2d: Literal["detected", "ground_truth"] = "detected",
) -> Split:
    """Open a split of the store with its index of clips of `n_frames`.

    The inputs are the detector's, or the label's own x and y with confidence 1 (`ground_truth`; then they are
    in memory, not memory-mapped). Raises `PoseliftError` if a file is missing or does not fit the others.
    """
    store = Path(store)
    sequences = read_sequences(store, split)
    folder = frames_folder(store, split)
    end = sequences[-1].first_frame + sequences[-1].length

    def mapped(name: str) -> NDArray[np.float32]:
        return _open_array(folder / name, end)

    test = split == "test"
    labels = mapped("labels.npy")
    return Split(
        name=split,
        inputs=mapped("inputs.npy") if input_2d == "detected" else ground_truth_2d(labels),
        labels=labels,
        sequence=_open_array(folder / "sequence.npy", end),
        factor=mapped("factor.npy") if test else None,
        target_mm=mapped("target_mm.npy") if test else None,
        sequences=sequences,
        clips=_open_array(clips_folder(store, n_frames) / f"{split}.npy", None),
        protocol=_protocol(store),
    )


def ground_truth_2d(labels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Inputs that a perfect detector would give: x and y of the labels (N, J, 3), and confidence 1."""
    inputs = np.array(labels, dtype=np.float32)
    inputs[..., 2] = 1
    return inputs


def _protocol(store: Path) -> str:
    try:
        manifest = json.loads((store / "frames" / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return "human36m"
    return str(manifest.get("protocol", "human36m"))


def _open_array(path: Path, length: int | None) -> NDArray:
    try:
        array = np.load(path, mmap_mode="r")
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file; make it with `poselift prepare`") from None
    except (ValueError, EOFError) as error:
        raise PoseliftError(f"{path}: not a whole array ({error}); delete it and run again") from None
    if length is not None and len(array) != length:
        raise PoseliftError(f"{path}: {len(array)} frames, but sequences.json has {length}; delete the store")
    return array
