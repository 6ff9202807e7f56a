"""The evaluation protocol of Human3.6M as all published numbers on these detections use it.

Predictions are normalised 2.5D poses. They are taken back to pixels with the clip's image size, to mm with
each frame's factor (mm per pixel, from the ground truth: the metric is scale-oracle per frame), and compared
root-relative. Three sequences whose ground truth is faulty are skipped. A frame that several clips see
counts once, with the mean of its errors; then comes the mean over the frames of an action, then the
unweighted mean over actions.

Errors over time (velocity, acceleration) compare frames of one clip only. A velocity belongs to the later of
its two frames, an acceleration to the middle one of its three, and counts once in the same way. Where a clip
repeats frames (a short sequence stretched to the clip's length) only the last of each row of repeats counts,
as in the published evaluator, and no motion is measured between a frame and itself.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poselift.data.normalise import denormalise
from poselift.data.sequence import Sequence
from poselift.data.store import Split
from poselift.errors import PoseliftError
from poselift.evaluation import metrics
from poselift.evaluation.report import METRICS, Result, SequenceResult
from poselift.skeleton import BODY, JOINTS, N_JOINTS, ROOT

# the metric's function, and over how many steps of time it takes differences
_FUNCTIONS: Final = {
    "mpjpe": (metrics.mpjpe, 0),
    "p_mpjpe": (metrics.p_mpjpe, 0),
    "n_mpjpe": (metrics.n_mpjpe, 0),
    "mpjve": (metrics.mpjve, 1),
    "acceleration": (metrics.acceleration_error, 2),
}

_CHUNK_FRAMES = 32768  # poses at a time, so that their copies take some 150 MB at most


class Visits(NamedTuple):
    """Which frames the evaluated clips see, each clip's distinct frames first. K is the evaluated clips."""

    clips: NDArray[np.intp]
    """(K,) numbers of the clips"""
    places: NDArray[np.intp]
    """(K, T) places in the clip: its distinct frames in order, then the repeats"""
    frames: NDArray[np.int32]
    """(K, T) frame numbers at these places"""
    distinct: NDArray[np.intp]
    """(K,) how many distinct frames"""


def sequence_key(sequence: Sequence) -> str:
    """The name of a sequence in results, camera included."""
    return f"{sequence.name}.{sequence.camera}"


def visits(split: Split) -> Visits:
    """The clips of `split` that the protocol evaluates, with their distinct frames."""
    skipped = np.array([sequence.excluded for sequence in split.sequences])
    clips = np.flatnonzero(~skipped[split.sequence[split.clips[:, 0]]])
    frames = split.clips[clips]
    repeated = np.zeros(frames.shape, dtype=bool)
    repeated[:, :-1] = frames[:, 1:] == frames[:, :-1]
    places = np.argsort(repeated, axis=1, kind="stable")
    return Visits(clips, places, np.take_along_axis(frames, places, axis=1), (~repeated).sum(axis=1))


def root_relative_mm(predictions: Tensor, split: Split, frames: NDArray[np.int32]) -> tuple[Tensor, Tensor]:
    """Prediction and target in mm relative to the root, float64, on the predictions' device.

    `predictions` (K, T, J, 3) are normalised, `frames` (K, T) are the frames of the test split they are
    for. x points right, y down and z away from the camera.
    """
    assert split.factor is not None
    assert split.target_mm is not None
    device = predictions.device
    seen_in = [split.sequences[i] for i in split.sequence[frames[:, 0]]]
    width = torch.tensor([s.width for s in seen_in], dtype=torch.float64, device=device)[:, None, None]
    height = torch.tensor([s.height for s in seen_in], dtype=torch.float64, device=device)[:, None, None]
    factor = torch.from_numpy(split.factor[frames]).to(device, torch.float64)[..., None, None]
    target = torch.from_numpy(split.target_mm[frames]).to(device, torch.float64)

    prediction = predictions.to(torch.float64, copy=True)
    prediction[:, :, ROOT] = 0
    prediction = denormalise(prediction, width, height) * factor
    return _root_relative(prediction), _root_relative(target)


def _root_relative(poses: Tensor) -> Tensor:
    return poses - poses[..., ROOT : ROOT + 1, :]


@torch.no_grad()
def evaluate_human36m(predictions: Tensor | NDArray[np.floating], split: Split) -> Result:
    """All errors of `predictions` (clips, T, J, 3), normalised, mirror images already averaged.

    The work is done on the predictions' device. Raises `PoseliftError` if they are not finite or do not fit
    the split's clips, if the split has no mm or nothing to evaluate, or if a sequence has no action.
    """
    poses = torch.as_tensor(predictions)
    _check(poses, split)
    seen = visits(split)
    weights = [_weights(seen, order, len(split.sequence)) for order in range(3)]

    # sums over the frames of each sequence, and how many frames (or differences) they are of
    of_clip = split.sequence[seen.frames[:, 0]]
    sums = {name: np.zeros((len(split.sequences), N_JOINTS)) for name in METRICS}
    counts = [np.rint(np.bincount(of_clip, w.sum(axis=1), len(split.sequences))) for w in weights]
    by_place = np.zeros(seen.places.shape)
    for part, prediction, target in _chunks(poses, split, seen):
        for name, (error, order) in _FUNCTIONS.items():
            weight = torch.from_numpy(weights[order][part]).to(poses.device)
            errors = error(prediction, target)
            np.add.at(sums[name], of_clip[part], (errors * weight[..., None]).sum(dim=1).cpu().numpy())
            if name == "mpjpe":
                by_place[part] = errors.mean(dim=-1).cpu().numpy()
    return _summarise(
        split,
        sums,
        {name: counts[order] for name, (_, order) in _FUNCTIONS.items()},
        _place_means(seen, by_place),
    )


def _place_means(seen: Visits, errors: NDArray[np.float64]) -> dict[int, float]:
    """The mean error at each place in the clip over the clips that have a distinct frame there; `errors`
    (K, T) are those of the frames in the order of `seen`."""
    n_frames = seen.places.shape[1]
    valid = np.arange(n_frames) < seen.distinct[:, None]
    times = np.bincount(seen.places[valid], minlength=n_frames)
    sums = np.bincount(seen.places[valid], errors[valid], minlength=n_frames)
    return {place: float(sums[place] / times[place]) for place in range(n_frames) if times[place]}


@torch.no_grad()
def clip_mpjpe(predictions: Tensor, split: Split) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The clips that the protocol evaluates, (K,), and the MPJPE of each in mm, (K,)."""
    _check(predictions, split)
    seen = visits(split)
    weights = (np.arange(split.n_frames) < seen.distinct[:, None]) / seen.distinct[:, None]
    errors = np.zeros(len(seen.clips))
    for part, prediction, target in _chunks(predictions, split, seen):
        of_frames = metrics.mpjpe(prediction, target).mean(dim=-1)
        errors[part] = (of_frames.cpu().numpy() * weights[part]).sum(axis=1)
    return seen.clips, errors


def _check(predictions: Tensor, split: Split) -> None:
    if split.factor is None or split.target_mm is None:
        raise PoseliftError(f"{split.name}: has no mm per pixel, so no errors in mm; evaluate on test")
    expected = (*split.clips.shape, N_JOINTS, 3)
    if tuple(predictions.shape) != expected:
        raise PoseliftError(
            f"{split.name}: predictions of shape {tuple(predictions.shape)}, expected {expected} (clips, "
            "frames, joints, 3); predict the clips of this store with the same n_frames"
        )
    faulty = ~torch.isfinite(predictions.sum(dim=(2, 3)))
    if faulty.any():
        clip, place = faulty.nonzero()[0].tolist()
        frame = split.clips[clip, place]
        sequence = split.sequences[split.sequence[frame]]
        where = f"sequence {sequence_key(sequence)}, frame {frame - sequence.first_frame} (clip {clip})"
        raise PoseliftError(
            f"{split.name}: {where}: the prediction is not finite; the model has diverged, "
            "train it again with a smaller lr"
        )
    for sequence in split.sequences:
        if not sequence.action:
            raise PoseliftError(f"{split.name}: sequence {sequence_key(sequence)} has no action")
    if all(split.sequences[i].excluded for i in np.unique(split.sequence[split.clips[:, 0]])):
        raise PoseliftError(
            f"{split.name}: no frame to evaluate: there is no clip outside the skipped sequences"
        )


def _weights(seen: Visits, order: int, n_frames: int) -> NDArray[np.float64]:
    """The weights (K, T - order) of the differences of that order over time (order 0: the frames).

    Zero if there is a repeat or a gap among its frames; else one over the number of clips in which the frame
    that the difference belongs to has one.
    """
    length = seen.frames.shape[1]
    first, last = seen.frames[:, : length - order], seen.frames[:, order:]
    valid = (last - first == order) & (np.arange(order, length) < seen.distinct[:, None])
    owner = seen.frames[:, (order + 1) // 2 : length - order // 2]
    times = np.bincount(owner[valid], minlength=n_frames)
    return valid / np.maximum(times[owner], 1)


def _chunks(predictions: Tensor, split: Split, seen: Visits) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Prediction and target in mm of some visited clips at a time, distinct frames first."""
    step = max(1, _CHUNK_FRAMES // split.n_frames)
    for start in range(0, len(seen.clips), step):
        part = slice(start, start + step)
        prediction = predictions[seen.clips[part, None], seen.places[part]]
        yield part, *root_relative_mm(prediction, split, seen.frames[part])


def _summarise(
    split: Split,
    sums: dict[str, NDArray[np.float64]],
    counts: dict[str, NDArray[np.float64]],
    per_place: dict[int, float],
) -> Result:
    """From sums (sequences, J) over counts (sequences,) to all the means."""
    members: dict[str, list[int]] = {}
    recordings: dict[str, list[int]] = {}  # several runs of one name and camera are one recording
    cameras: dict[str, dict[str, list[int]]] = {}
    for i, sequence in enumerate(split.sequences):
        if not sequence.excluded:
            members.setdefault(str(sequence.action), []).append(i)
            recordings.setdefault(sequence_key(sequence), []).append(i)
            cameras.setdefault(sequence.camera, {}).setdefault(str(sequence.action), []).append(i)

    for action, ids in members.items():
        for name in METRICS:
            if not counts[name][ids].any():
                raise PoseliftError(
                    f"{split.name}: action {action} has no clip with enough frames for {name}; "
                    "prepare the data with another n_frames (at least 3)"
                )

    def mean(name: str, ids: list[int]) -> NDArray[np.float64]:  # (J,)
        return sums[name][ids].sum(axis=0) / counts[name][ids].sum()

    def complete(name: str, actions: dict[str, list[int]]) -> bool:
        return actions.keys() == members.keys() and all(counts[name][ids].any() for ids in actions.values())

    by_action = {name: np.array([mean(name, ids) for ids in members.values()]) for name in METRICS}  # (A, J)
    by_joint = {name: errors.mean(axis=0) for name, errors in by_action.items()}  # (J,)
    return Result(
        **{name: float(by_action[name].mean()) for name in METRICS},
        frames=int(sum(counts["mpjpe"][ids].sum() for ids in members.values())),
        per_action={
            action: {name: float(by_action[name][i].mean()) for name in METRICS}
            for i, action in enumerate(members)
        },
        per_joint={
            joint: {name: float(by_joint[name][j]) for name in METRICS} for j, joint in enumerate(JOINTS)
        },
        per_body={
            part: {name: float(by_joint[name][list(joints)].mean()) for name in METRICS}
            for part, joints in BODY.items()
        },
        per_camera={
            camera: {
                name: float(np.mean([mean(name, ids).mean() for ids in actions.values()]))
                for name in METRICS
                if complete(name, actions)
            }
            for camera, actions in sorted(cameras.items())
        },
        per_place=per_place,
        per_sequence={
            key: SequenceResult(
                subject=split.sequences[ids[0]].subject,
                action=str(split.sequences[ids[0]].action),
                camera=split.sequences[ids[0]].camera,
                frames=int(counts["mpjpe"][ids].sum()),
                metrics={name: float(mean(name, ids).mean()) for name in METRICS if counts[name][ids].any()},
            )
            for key, ids in recordings.items()
            if counts["mpjpe"][ids].any()
        },
    )
