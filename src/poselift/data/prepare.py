"""From the files of a data set to the frame store."""

import argparse
import dataclasses
import hashlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poselift.config.datasets import Dataset, dataset, function
from poselift.data import plausible
from poselift.data.clips import make_clips
from poselift.data.frames import Frames, chunks
from poselift.files import own_folder, write_json
from poselift.program import run
from poselift.provenance.hashing import sha256
from poselift.skeleton import N_JOINTS


def read(source: Dataset, files: Mapping[str, Path]) -> dict[str, Frames]:
    """The checked splits of a data set's files; prints a warning for what is odd about them.

    Raises `PoseliftError` if one is missing or faulty.
    """
    source.require(files)
    splits: dict[str, Frames] = function(source.read)(files)
    # the file of a split, or the first one, which has both
    where = {split: f"{files.get(split, next(iter(files.values())))}: {split}" for split in splits}
    for line in plausible.check(where, splits, source.metrics):
        print(f"warning: {line}", file=sys.stderr)
    return splits


def prepare(source: Dataset, files: Mapping[str, Path], store: Path) -> dict[str, Any]:
    """Read and check the files and write `<store>/frames`; returns the manifest.

    Raises `PoseliftError` if a check fails, or if there is such a folder that no earlier call made; then
    nothing is written.
    """
    splits = read(source, files)
    with own_folder(store / "frames", "prepare") as folder:
        arrays = {
            f"{name}/{array}": digest
            for name, split in splits.items()
            for array, digest in _write_split(split, folder / name).items()
        }
        digests = {key: sha256(path) for key, path in files.items()}
        manifest = {
            "dataset": source.name,
            "evaluates": source.evaluates,
            "stride": source.stride,
            "raw": digests if len(digests) > 1 else next(iter(digests.values())),
            "frames": {name: len(split) for name, split in splits.items()},
            "arrays": arrays,
        }
        write_json(folder / "manifest.json", manifest)
    return manifest


def _write_split(split: Frames, folder: Path) -> dict[str, str]:
    """Write the arrays and sequences of one split; sha256 by file name."""
    folder.mkdir(parents=True)
    write_json(folder / "sequences.json", [dataclasses.asdict(sequence) for sequence in split.sequences])
    poses = (len(split), N_JOINTS, 3)
    digests = {
        "inputs.npy": _write_array(folder / "inputs.npy", poses, np.float32, split.inputs),
        "labels.npy": _write_array(folder / "labels.npy", poses, np.float32, split.labels),
    }
    for name in ("sequence", "factor", "target_mm", "valid"):
        array: NDArray[Any] | None = getattr(split, name)
        if array is not None:
            path, dtype = folder / f"{name}.npy", np.float32 if array.dtype.kind == "f" else array.dtype
            digests[path.name] = _write_array(path, array.shape, dtype, array.__getitem__)
    return digests


def _write_array(path: Path, shape: tuple[int, ...], dtype: Any, block: Callable[[slice], NDArray]) -> str:
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


def parser_of(argv: list[str] | None, prog: str, description: str) -> tuple[argparse.ArgumentParser, Dataset]:
    """A parser with an option for each file of the data set that `--dataset` in `argv` names."""
    chosen = argparse.ArgumentParser(add_help=False)
    chosen.add_argument(
        "--dataset",
        default="human36m",
        metavar="NAME",
        help="name of a data set, or a file with one of your own",
    )
    source = dataset(chosen.parse_known_args(argv)[0].dataset)
    parser = argparse.ArgumentParser(prog=prog, description=description, parents=[chosen])
    for key in source.source.file_keys():
        text = source.source.model_fields[key].description
        parser.add_argument(f"--{key}", type=Path, required=True, help=text)
    return parser, source


def files_of(given: argparse.Namespace, source: Dataset) -> dict[str, Path]:
    """The files that the options of `parser_of` name."""
    return {key: getattr(given, key) for key in source.source.file_keys()}


def main(argv: list[str] | None = None) -> None:
    """Turn the files of a data set into the frame store and index its clips."""
    parser, source = parser_of(argv, "poselift prepare", main.__doc__ or "")
    parser.add_argument("--out", type=Path, required=True, help="folder of the store")
    parser.add_argument("--n-frames", type=int, action="append", default=[], help="also index such clips")
    given = parser.parse_args(argv)
    frames = prepare(source, files_of(given, source), given.out)["frames"]
    print(f"frames: {frames['train']:,} train, {frames['test']:,} test")
    for n_frames in given.n_frames:
        counts = make_clips(given.out, n_frames)
        print(f"clips of {n_frames} frames: {counts['train']:,} train, {counts['test']:,} test")


if __name__ == "__main__":
    run(main)
