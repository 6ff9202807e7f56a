"""From the two files of MPI-INF-3DHP to the frame store.

Units. The 2D input is normalised by the own width of the camera, as everywhere. The labels are mm relative to
the root, divided by 1024, half the image width of the training cameras, in both splits: a network learns this
one unit, and a person is not smaller because TS5 and TS6 have images of 1920 pixels. The published code
multiplies its predictions for TS5 and TS6 by 1920 / 2 all the same, which makes them 6.25 % too small.
Here the store's `factor` holds what takes a prediction back to mm by the formula of Human3.6M,
prediction x width / 2 x factor = prediction x 1024: 1 for images of 2048 pixels, 1.0667 for TS5 and TS6.
"""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poselift.data.normalise import normalise
from poselift.data.sequence import Sequence
from poselift.datasets.mpi_inf_3dhp.raw import TRAIN_SIZE, Recording, read_test, read_train
from poselift.errors import run
from poselift.files import atomic_path, write_json
from poselift.provenance.hashing import sha256
from poselift.skeleton import N_JOINTS, ROOT

MM_PER_UNIT = TRAIN_SIZE[0] / 2
"""mm that one unit of a label or prediction stands for."""


def prepare(train: Path, test: Path, store: Path) -> dict[str, Any]:
    """Read and check both files and write `<store>/frames`; returns the manifest.

    Raises `PoseliftError` if a check fails; then nothing is written.
    """
    with atomic_path(store / "frames") as folder:
        frames: dict[str, int] = {}
        arrays: dict[str, str] = {}
        for split, read, path in (("train", read_train, train), ("test", read_test, test)):
            recordings = read(path)
            frames[split] = sum(map(len, recordings))
            _write_split(recordings, folder / split)
            arrays |= {f"{split}/{file.name}": sha256(file) for file in sorted(folder.glob(f"{split}/*.npy"))}
        manifest = {
            "evaluates": "centre frame",
            "raw": {"train": sha256(train), "test": sha256(test)},
            "frames": frames,
            "arrays": arrays,
        }
        write_json(folder / "manifest.json", manifest)
    return manifest


def sequences(recordings: list[Recording]) -> list[Sequence]:
    """The recordings as the sequences of a store, one after the other."""
    starts = np.cumsum([0, *map(len, recordings)])
    return [
        Sequence(r.name, r.subject, None, r.camera, r.width, r.height, int(start), len(r))
        for r, start in zip(recordings, starts, strict=False)
    ]


def _write_split(recordings: list[Recording], folder: Path) -> None:
    """Write the arrays and sequences of one split, a recording at a time."""
    folder.mkdir(parents=True)
    placed = sequences(recordings)
    write_json(folder / "sequences.json", [dataclasses.asdict(sequence) for sequence in placed])
    lengths = [sequence.length for sequence in placed]
    n = sum(lengths)
    np.save(folder / "sequence.npy", np.repeat(np.arange(len(placed), dtype=np.int32), lengths))

    def empty(name: str) -> NDArray[np.float32]:
        return np.lib.format.open_memmap(folder / name, mode="w+", dtype=np.float32, shape=(n, N_JOINTS, 3))

    inputs, labels = empty("inputs.npy"), empty("labels.npy")
    for recording, sequence in zip(recordings, placed, strict=True):
        part = slice(sequence.first_frame, sequence.first_frame + sequence.length)
        inputs[part, :, :2] = normalise(recording.joint_2d, recording.width, recording.height)
        inputs[part, :, 2] = 1  # there is no detector that could be unsure
        labels[part] = _root_relative(recording) / MM_PER_UNIT

    flags = [recording.valid for recording in recordings if recording.valid is not None]
    if flags:
        np.save(folder / "valid.npy", np.concatenate(flags))
        widths = np.repeat(np.array([sequence.width for sequence in placed]), lengths)
        np.save(folder / "factor.npy", (2 * MM_PER_UNIT / widths).astype(np.float32))
        target = np.concatenate([_root_relative(recording) for recording in recordings])
        np.save(folder / "target_mm.npy", target.astype(np.float32))


def _root_relative(recording: Recording) -> NDArray[np.floating]:
    return recording.joint_3d - recording.joint_3d[:, ROOT : ROOT + 1]


def main(argv: list[str] | None = None) -> None:
    """Turn the two files of MPI-INF-3DHP into a frame store."""
    parser = argparse.ArgumentParser(prog="poselift.datasets.mpi_inf_3dhp.prepare", description=main.__doc__)
    parser.add_argument("--train", type=Path, required=True, help="data_train_3dhp.npz")
    parser.add_argument("--test", type=Path, required=True, help="data_test_3dhp.npz")
    parser.add_argument("--out", type=Path, required=True, help="folder of the store")
    given = parser.parse_args(argv)
    frames = prepare(given.train, given.test, given.out)["frames"]
    print(f"frames: {frames['train']:,} train, {frames['test']:,} test")


if __name__ == "__main__":
    run(main)
