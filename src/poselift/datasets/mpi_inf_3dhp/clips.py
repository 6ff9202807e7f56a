"""Clips of MPI-INF-3DHP: overlapping windows to train on, a window around each valid frame to test on."""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poselift.data.clips import window_index
from poselift.data.sequence import SPLITS, Sequence
from poselift.data.store import clips_folder, frames_folder, open_array, read_sequences
from poselift.errors import PoseliftError, run
from poselift.files import atomic_path, write_json

STRIDE = 9
"""Frames between the starts of two training windows, whatever their length (as published)."""


def centre(n_frames: int) -> int:
    """The place of the frame that a test window of `n_frames` is for."""
    return n_frames // 2


def centred_windows(sequences: list[Sequence], valid: NDArray[np.bool_], n_frames: int) -> NDArray[np.int32]:
    """A window of `n_frames` around each valid frame, (valid frames, n_frames) frame numbers.

    `valid` (N,) flags the frames of all sequences. Where a window reaches beyond its sequence, the sequence's
    first or last frame is repeated. Frames that are not valid are not tested, but seen around those that are.
    """
    offsets = np.arange(n_frames) - centre(n_frames)
    windows = []
    for sequence in sequences:
        first, last = sequence.first_frame, sequence.first_frame + sequence.length - 1
        centres = first + np.flatnonzero(valid[first : last + 1])
        windows.append(np.clip(centres[:, None] + offsets, first, last))
    return np.concatenate(windows).astype(np.int32)


def make_clips(store: Path, n_frames: int) -> dict[str, int]:
    """Write the index of clips of both splits; the numbers of clips by split.

    Training windows lie within a sequence. The published reader adds those that its end cuts off, stretched
    in time to n frames; nothing is stretched here. Raises `PoseliftError` if no training sequence has
    n frames, or a test sequence no valid frame.
    """
    counts = {}
    with atomic_path(clips_folder(store, n_frames)) as folder:
        folder.mkdir()
        for split in SPLITS:
            sequences = read_sequences(store, split)
            if split == "train":
                longest = max(s.length for s in sequences)
                if longest < n_frames:
                    raise PoseliftError(
                        f"{store}: train: no sequence has n_frames = {n_frames} frames, "
                        f"the longest has {longest}; set n_frames to at most that"
                    )
                index = window_index(sequences, n_frames, STRIDE)
            else:
                index = centred_windows(sequences, _valid(store, sequences), n_frames)
            np.save(folder / f"{split}.npy", index)
            counts[split] = len(index)
        write_json(folder / "manifest.json", {"n_frames": n_frames, "clips": counts})
    return counts


def _valid(store: Path, sequences: list[Sequence]) -> NDArray[np.bool_]:
    path = frames_folder(store, "test") / "valid.npy"
    if not path.exists():
        raise PoseliftError(f"{path}: no such file; it is not a store of MPI-INF-3DHP")
    valid = open_array(path, np.bool_, (sequences[-1].first_frame + sequences[-1].length,))
    for sequence in sequences:
        if not valid[sequence.first_frame : sequence.first_frame + sequence.length].any():
            raise PoseliftError(f"{path}: sequence {sequence.name} has no valid frame")
    return valid


def main(argv: list[str] | None = None) -> None:
    """Index the clips of a frame store of MPI-INF-3DHP."""
    parser = argparse.ArgumentParser(prog="poselift.datasets.mpi_inf_3dhp.clips", description=main.__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder that holds frames/")
    parser.add_argument("--n-frames", type=int, required=True, help="frames a clip")
    given = parser.parse_args(argv)
    if given.n_frames < 2:
        raise PoseliftError(f"--n-frames: expected at least 2, found {given.n_frames}")
    counts = make_clips(given.store, given.n_frames)
    print(f"clips of {given.n_frames} frames: {counts['train']:,} train, {counts['test']:,} test")


if __name__ == "__main__":
    run(main)
