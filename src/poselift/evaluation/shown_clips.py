"""What models predict for the same few clips, for a page that plays them: small enough to be kept.

Of each action the clip of median and that of highest error are chosen, where a clip's error is the mean over
the models of the MPJPE that their evaluations measured: no model is shown what suits it. Clips too short to
see a motion are joined with their neighbours before that.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poselift.data.normalise import denormalise
from poselift.data.store import open_split
from poselift.errors import PoseliftError
from poselift.evaluation.evaluate import models_of_run
from poselift.evaluation.predict import predict
from poselift.evaluation.protocol import root_relative_mm, sequence_key
from poselift.files import atomic_path, reading
from poselift.machine.devices import reserved_device
from poselift.program import run
from poselift.skeleton import N_JOINTS

RULE = "of each action, the clips of median and of highest MPJPE, averaged over the models shown"

FRAMES = 50
"""A second of motion: shorter clips are joined."""

EVERY_ACTION = "all actions"
"""What the clips of a data set without actions are listed under."""


def joined(sequence: NDArray[np.integer[Any]], n_frames: int) -> NDArray[np.intp]:
    """Which clips, in order, make an excerpt of a sequence with at least `FRAMES` frames: (E, n) places.

    `sequence` (K,) is that of each clip, `n_frames` a clip's. Excerpts have as many clips as the shortest
    sequence at most; what is left over at a sequence's end is in none.
    """
    members = [np.flatnonzero(sequence == each) for each in np.unique(sequence)]
    n = min(-(-FRAMES // n_frames), *map(len, members))
    return np.concatenate([clips[: len(clips) // n * n].reshape(-1, n) for clips in members])


def choose(errors: NDArray[np.float64], actions: Sequence[str]) -> list[tuple[str, str, int]]:
    """Action, kind (`median` or `worst`) and place in `errors` of what is shown.

    Actions are in the order of the alphabet. The median is the lower one of an even number; of a single one
    there is no worst.
    """
    chosen = []
    for action in sorted(set(actions)):
        members = np.flatnonzero(np.asarray(actions) == action)
        ranked = members[np.argsort(errors[members], kind="stable")]
        places = {"median": (len(ranked) - 1) // 2, "worst": len(ranked) - 1}
        chosen += [(action, kind, int(ranked[i])) for kind, i in places.items() if i or kind == "median"]
    return chosen


def main(argv: list[str] | None = None) -> None:
    """Write what the best epochs of some runs predict for the clips that they share.

    The arrays of E excerpts of T frames and M runs: `input_2d` (E, T, J, 2), pixels of images of `size`
    (E, 2); `target` (E, T, J, 3) and `prediction` (M, E, T, J, 3), root-relative, mm; all rounded to whole
    numbers. `mpjpe` (M, E) in mm is not.
    """
    parser = argparse.ArgumentParser(description=(main.__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=Path, nargs="+", required=True, metavar="DIR", help="folders of runs")
    evaluated = "what their evaluations kept, in the same order"
    parser.add_argument("--examples", type=Path, nargs="+", required=True, metavar="NPZ", help=evaluated)
    parser.add_argument("--store", type=Path, required=True, metavar="DIR", help="frame store")
    lifters = "where lifters of the user's own lie now"
    parser.add_argument("--lifters", nargs="*", default=[], metavar="NAME=FILE", help=lifters)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, … (default: auto)")
    parser.add_argument("--out", type=Path, required=True, metavar="NPZ", help="file to write")
    given = parser.parse_args(argv)
    files = dict(each.split("=", 1) for each in given.lifters)

    counted, measured_by = [], []  # the clips that evaluations counted, (K,), and their MPJPE in mm, (K,)
    for path in given.examples:
        with reading(path, "the examples of an evaluation", "evaluate the run"), np.load(path) as arrays:
            counted.append(arrays["evaluated_clip"])
            measured_by.append(arrays["evaluated_mpjpe"])
        if not np.array_equal(counted[0], counted[-1]):
            raise PoseliftError(f"{path}: of other clips than {given.examples[0]}; show runs of one n_frames")
    clips, errors = counted[0], np.stack(measured_by)  # (M, K)

    predictions = []
    with reserved_device(given.device) as device:
        for folder in given.runs:
            settings, models = models_of_run(folder, files.get(folder.name.split("-")[0]))
            test = open_split(given.store, "test", settings.n_frames, settings.input_2d)
            of_clip = test.sequence[test.clips[clips, 0]]
            excerpts = joined(of_clip, settings.n_frames)  # (E, n)
            sequences = [test.sequences[i] for i in of_clip[excerpts[:, 0]]]
            measured = errors[:, excerpts].mean(axis=-1)  # (M, E)
            chosen = choose(measured.mean(axis=0), [each.action or EVERY_ACTION for each in sequences])
            places = [place for _, _, place in chosen]
            shown = replace(test, clips=test.clips[clips[excerpts[places].ravel()]])
            predicted = predict(models["best"].to(device), shown, device)
            prediction, target = root_relative_mm(predicted, shown, shown.clips)
            predictions.append(prediction.cpu().numpy())
    as_excerpts = (len(places), -1, N_JOINTS)  # of (E n, T, J, C)
    size = np.array([(sequences[place].width, sequences[place].height) for place in places])
    inputs = test.inputs[shown.clips][..., :2]
    positions = {
        "input_2d": denormalise(inputs.reshape(*as_excerpts, 2), *size.T[..., None, None]),
        "target": target.cpu().numpy().reshape(*as_excerpts, 3),
        "prediction": np.stack([each.reshape(*as_excerpts, 3) for each in predictions]),
    }
    with atomic_path(given.out) as temporary:
        np.savez_compressed(
            temporary,
            rule=RULE,
            run=[folder.name for folder in given.runs],
            action=[action for action, _, _ in chosen],
            clip_kind=[kind for _, kind, _ in chosen],
            sequence=[sequence_key(sequences[place]) for place in places],
            size=size.astype(np.int32),
            mpjpe=measured[:, places],
            **{name: np.rint(values).astype(np.int16) for name, values in positions.items()},
        )


if __name__ == "__main__":
    run(main)
