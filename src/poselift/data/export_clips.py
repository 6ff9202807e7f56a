"""Clips in the community's layout, one pickle per clip: `H36M-<n>/{train,test}/%08d.pkl`.

Nothing here reads them: they are for tools that expect {'data_input', 'data_label'}, each (n, J, 3) float32.
"""

import argparse
import pickle
from pathlib import Path

from tqdm import tqdm

from poselift.data.sequence import SPLITS
from poselift.data.store import open_split
from poselift.files import own_folder
from poselift.program import run


def export_clips(store: Path, n_frames: int, out: Path) -> Path:
    """Write every clip of the store below `out`; the folder `H36M-<n>` that was made.

    Raises `PoseliftError` if there is such a folder that no earlier export made.
    """
    target = out / f"H36M-{n_frames}"
    with own_folder(target, "export-clips") as folder:
        for name in SPLITS:
            split = open_split(store, name, n_frames)
            (folder / name).mkdir(parents=True)
            for i in tqdm(range(len(split)), desc=name, unit="clip"):
                inputs, labels = split.clip(i)
                with (folder / name / f"{i:08d}.pkl").open("wb") as file:
                    pickle.dump({"data_input": inputs, "data_label": labels}, file, protocol=4)
    return target


def main(argv: list[str] | None = None) -> None:
    """Write the clips of a frame store as one pickle each."""
    parser = argparse.ArgumentParser(prog="poselift export-clips", description=main.__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder of the frame store")
    parser.add_argument("--n-frames", type=int, required=True, help="frames per clip, as indexed")
    parser.add_argument("--out", type=Path, required=True, help="folder that gets H36M-<n>")
    given = parser.parse_args(argv)
    print(export_clips(given.store, given.n_frames, given.out))


if __name__ == "__main__":
    run(main)
