"""What needs no training, as a scale for every table: the mean pose, and 2D input without depth."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from poselift.data.store import Split, open_split
from poselift.evaluation.dataset import dataset_of
from poselift.evaluation.protocol import evaluate
from poselift.evaluation.report import Report, write_reports
from poselift.program import run
from poselift.skeleton import N_JOINTS, ROOT

_BLOCK = 65536  # frames read at a time


def mean_pose(train: Split) -> Tensor:
    """The mean root-relative label over all frames of `train`, (J, 3), float32, normalised."""
    total = np.zeros((N_JOINTS, 3))
    for start in range(0, len(train.labels), _BLOCK):
        labels = train.labels[start : start + _BLOCK]
        total += (labels - labels[:, ROOT, None]).sum(axis=0, dtype=np.float64)
    return torch.from_numpy((total / len(train.labels)).astype(np.float32))


def predict_copy_2d(test: Split) -> Tensor:
    """The 2D inputs of `test` as they are, root-relative, with z = 0: (clips, T, J, 3), normalised."""
    poses = torch.from_numpy(test.inputs[test.clips])
    poses -= poses[..., ROOT : ROOT + 1, :].clone()
    poses[..., 2] = 0
    return poses


def main(argv: list[str] | None = None) -> None:
    """Evaluate the mean pose and the copied 2D input, detected and true, as the models are."""
    parser = argparse.ArgumentParser(prog="poselift.evaluation.references", description=main.__doc__)
    parser.add_argument("--store", type=Path, required=True, help="frame store")
    of_store = "name of the data set, or a file with one of your own (default: as the store's manifest says)"
    parser.add_argument("--dataset", metavar="NAME", help=of_store)
    parser.add_argument("--n-frames", type=int, required=True, help="frames per clip")
    parser.add_argument("--out", type=Path, required=True, help="JSON to write")
    given = parser.parse_args(argv)

    def split(name: str, input_2d: Literal["detected", "ground_truth"] = "detected") -> Split:
        return open_split(given.store, name, given.n_frames, input_2d)

    test = split("test")
    source = dataset_of(given.store, given.dataset)
    # made when their turn comes, as each is as large as the test split
    predictions: dict[str, tuple[str, Callable[[], Tensor]]] = {
        "mean_pose": ("detected", lambda: mean_pose(split("train")).expand(*test.clips.shape, N_JOINTS, 3)),
        "copy_2d": ("detected", lambda: predict_copy_2d(test)),
        "copy_gt2d": ("ground_truth", lambda: predict_copy_2d(split("test", "ground_truth"))),
    }
    reports = [
        Report(
            run=name, dataset=source.name, input_2d=input_2d, n_frames=given.n_frames,
            checkpoints={"reference": evaluate(predict(), test, source.metrics)},
        )
        for name, (input_2d, predict) in predictions.items()
    ]  # fmt: skip
    write_reports(given.out, reports)
    print(*(report.summary() for report in reports), sep="\n")


if __name__ == "__main__":
    run(main)
