"""From the raw pickle to the frame store."""

import argparse
import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poselift.data.clips import make_clips
from poselift.data.normalise import normalise
from poselift.datasets.human36m.raw import RawSplit, chunks, read_raw
from poselift.errors import run
from poselift.files import atomic_path, write_json
from poselift.provenance.hashing import sha256
from poselift.skeleton import N_JOINTS


def prepare(raw: Path, store: Path) -> dict[str, Any]:
    """Read and check the raw pickle and write `<store>/frames`; returns the manifest.

    Raises `PoseliftError` if a check fails; then nothing is written.
    """
    splits = read_raw(raw)
    with atomic_path(store / "frames") as folder:
        arrays = {
            f"{name}/{array}": digest
            for name, split in splits.items()
            for array, digest in _write_split(split, folder / name).items()
        }
        frames = {name: len(split) for name, split in splits.items()}
        manifest = {"evaluates": "every frame", "raw": sha256(raw), "frames": frames, "arrays": arrays}
        write_json(folder / "manifest.json", manifest)
    return manifest


def _write_split(split: RawSplit, folder: Path) -> dict[str, str]:
    """Write the arrays and sequences of one split; sha256 by file name."""
    folder.mkdir(parents=True)
    n = len(split)
    sequence = np.repeat(np.arange(len(split.sequences), dtype=np.int32), [s.length for s in split.sequences])
    widths = np.array([s.width for s in split.sequences], dtype=np.float32)[:, None]
    heights = np.array([s.height for s in split.sequences], dtype=np.float32)[:, None]

    def inputs(part: slice) -> NDArray[np.float32]:
        block = np.ones((part.stop - part.start, N_JOINTS, 3), dtype=np.float32)
        of = sequence[part]
        block[..., :2] = normalise(split.joint_2d[part], widths[of], heights[of])
        if split.confidence is not None:
            block[..., 2] = split.confidence[part]
        return block

    def labels(part: slice) -> NDArray[np.float32]:
        of = sequence[part]
        return normalise(split.joint3d_image[part], widths[of], heights[of]).astype(np.float32, copy=False)

    def as_is(array: NDArray[Any]) -> Callable[[slice], NDArray[Any]]:
        return lambda part: array[part]

    write_json(folder / "sequences.json", [dataclasses.asdict(s) for s in split.sequences])
    digests = {
        "inputs.npy": _write_array(folder / "inputs.npy", (n, N_JOINTS, 3), np.float32, inputs),
        "labels.npy": _write_array(folder / "labels.npy", (n, N_JOINTS, 3), np.float32, labels),
        "sequence.npy": _write_array(folder / "sequence.npy", (n,), np.int32, as_is(sequence)),
    }
    for name, array in {"factor.npy": split.factor, "target_mm.npy": split.target_mm}.items():
        if array is not None:
            digests[name] = _write_array(folder / name, array.shape, np.float32, as_is(array))
    return digests


def _write_array(
    path: Path, shape: tuple[int, ...], dtype: type, block: Callable[[slice], NDArray[Any]]
) -> str:
    """Write an .npy file block by block, so that memory stays small; its sha256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        file.flush()
        digest.update(path.read_bytes())
        for part in chunks(shape[0]):
            data = np.ascontiguousarray(block(part), dtype=dtype).data
            digest.update(data)
            file.write(data)
    return digest.hexdigest()


def main(argv: list[str] | None = None) -> None:
    """Turn the raw pickle into the frame store and index its clips."""
    parser = argparse.ArgumentParser(prog="poselift prepare", description=main.__doc__)
    parser.add_argument(
        "--raw", type=Path, required=True, help="pickle in the schema of Human3.6M's raw file"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the store")
    parser.add_argument(
        "--n-frames", type=int, action="append", default=[], help="also index clips of so many frames"
    )
    given = parser.parse_args(argv)
    manifest = prepare(given.raw, given.out)
    frames = manifest["frames"]
    print(f"frames: {frames['train']:,} train, {frames['test']:,} test")
    for n_frames in given.n_frames:
        counts = make_clips(given.out, n_frames)
        print(f"clips of {n_frames} frames: {counts['train']:,} train, {counts['test']:,} test")


if __name__ == "__main__":
    run(main)
