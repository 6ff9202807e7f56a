"""Clips: windows of n frames over each sequence, as an index of frame numbers.

The store's manifest says how they are cut: training clips at a stride of its own or of a third of their
length, test clips one after the other or, where the centre frame is evaluated, around each valid frame.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from poselift.data.clip_counts import require_counts
from poselift.data.sequence import SPLITS, Sequence
from poselift.data.store import clips_folder, frames_folder, open_array, read_manifest, read_sequences
from poselift.errors import PoseliftError
from poselift.files import atomic_path, write_json
from poselift.program import run


def window_index(sequences: list[Sequence], n_frames: int, stride: int) -> NDArray[np.int32]:
    """Windows of `n_frames` at `stride` over each sequence, (clips, n_frames) frame numbers.

    The tail that does not fill a window is dropped. A sequence shorter than a window gives one window in
    which frames repeat evenly (frame floor(i * length / n) at position i), unless its name has given one
    before. The published reader draws such frames at random and loses a short last sequence; here they are
    deterministic and none is lost.
    """
    first = np.array([s.first_frame for s in sequences])
    length = np.array([s.length for s in sequences])
    counts = np.where(length >= n_frames, (length - n_frames) // stride + 1, 0)
    seen: set[str] = set()
    for i, sequence in enumerate(sequences):
        if counts[i] == 0 and sequence.name not in seen:
            counts[i] = 1
        if counts[i]:
            seen.add(sequence.name)
    nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    start = np.repeat(first, counts) + stride * nth
    # in 32 bits from here on: these are as large as the index
    used = np.repeat(np.minimum(length, n_frames), counts).astype(np.int32)
    offsets = used[:, None] * np.arange(n_frames, dtype=np.int32) // n_frames
    return start.astype(np.int32)[:, None] + offsets


def centred_windows(sequences: list[Sequence], valid: NDArray[np.bool_], n_frames: int) -> NDArray[np.int32]:
    """A window of `n_frames` around each valid frame, (valid frames, n_frames) frame numbers.

    `valid` (N,) flags the frames of all sequences. Where a window reaches beyond its sequence, the sequence's
    first or last frame is repeated. Frames that are not valid are not tested, but seen around those that are.
    """
    offsets = np.arange(n_frames) - n_frames // 2
    windows = []
    for sequence in sequences:
        first, last = sequence.first_frame, sequence.first_frame + sequence.length - 1
        centres = first + np.flatnonzero(valid[first : last + 1])
        windows.append(np.clip(centres[:, None] + offsets, first, last))
    return np.concatenate(windows).astype(np.int32)


def make_clips(
    store: Path, n_frames: int, expected: Mapping[str, int] = MappingProxyType({})
) -> dict[str, int]:
    """Write the index of clips of both splits; the numbers of clips by split.

    Raises `PoseliftError` if no sequence of a split is long enough for one window, if a sequence has no valid
    frame, or if the counts are not the expected ones.
    """
    counts = {}
    manifest = read_manifest(store)
    if n_frames < 2:
        raise PoseliftError(f"--n-frames: expected at least 2, found {n_frames}")
    stride = manifest.get("stride") or max(n_frames // 3, 1)
    with atomic_path(clips_folder(store, n_frames)) as folder:
        folder.mkdir()
        for split in SPLITS:
            sequences = read_sequences(store, split)
            if split == "test" and manifest["evaluates"] == "centre frame":
                index = centred_windows(sequences, _valid(store, sequences), n_frames)
            else:
                longest = max(s.length for s in sequences)
                if longest < n_frames:
                    raise PoseliftError(
                        f"{store}: {split}: no sequence has n_frames = {n_frames} frames, "
                        f"the longest has {longest}; set n_frames to at most that"
                    )
                index = window_index(sequences, n_frames, stride if split == "train" else n_frames)
            counts[split] = len(index)
            np.save(folder / f"{split}.npy", index)
        require_counts(clips_folder(store, n_frames), counts, expected)
        write_json(folder / "manifest.json", {"n_frames": n_frames, "clips": counts})
    return counts


def _valid(store: Path, sequences: list[Sequence]) -> NDArray[np.bool_]:
    path = frames_folder(store, "test") / "valid.npy"
    valid = open_array(path, np.bool_, (sequences[-1].first_frame + sequences[-1].length,))
    for sequence in sequences:
        if not valid[sequence.first_frame : sequence.first_frame + sequence.length].any():
            raise PoseliftError(f"{path}: sequence {sequence.name} has no valid frame")
    return valid


def main(argv: list[str] | None = None) -> None:
    """Index the clips of a frame store."""
    parser = argparse.ArgumentParser(prog="poselift.data.clips", description=main.__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder that holds frames/")
    parser.add_argument("--n-frames", type=int, required=True, help="frames per clip")
    for split in SPLITS:
        parser.add_argument(f"--expect-{split}", type=int, metavar="CLIPS", help="stop at another count")
    parser.add_argument("--expect-at", type=int, metavar="FRAMES", help="... for clips of this length only")
    given = parser.parse_args(argv)
    wanted = {split: getattr(given, f"expect_{split}") for split in SPLITS}
    known = given.expect_at in (None, given.n_frames)
    expected = {split: count for split, count in wanted.items() if known and count is not None}
    counts = make_clips(given.store, given.n_frames, expected)
    print(f"clips of {given.n_frames} frames: {counts['train']:,} train, {counts['test']:,} test")


if __name__ == "__main__":
    run(main)
