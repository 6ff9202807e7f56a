"""The evaluation of predictions, on every data set by the same steps.

Predictions are normalised 2.5D poses. They are taken back to pixels with the clip's image size, to mm with
each frame's factor (mm per pixel, from the ground truth: the metric is scale-oracle per frame), and compared
root-relative. Excluded sequences, whose ground truth is faulty, are skipped. A frame that several clips see
counts once, with the mean of its errors; then comes the mean over the frames of an action, then the
unweighted mean over actions. Sequences without an action are of one: the mean is over all frames, so that a
long sequence weighs more than a short one. Where the data set evaluates the centre frame alone, the others of
a clip are its context.

This is Human3.6M's protocol as all published numbers on these detections use it, and that of MPI-INF-3DHP,
whose PCK and AUC published code leaves to MATLAB. For TS5 and TS6 the factor differs from that of published
code, on purpose: `poselift.datasets.mpi_inf_3dhp.raw` says why. The numbers over all are then given in both
ways, so that published ones have their like.

Errors over time (velocity, acceleration) compare frames of one clip only, and count once in the same way.
Where a clip repeats frames (a short sequence stretched to the clip's length) only the last of each row of
repeats counts, as in the published evaluator, and no motion is measured between a frame and itself.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poselift.data.normalise import denormalise
from poselift.data.sequence import Sequence
from poselift.data.store import Split
from poselift.errors import PoseliftError
from poselift.evaluation.metrics import METRICS, Metric, mpjpe
from poselift.evaluation.report import COUNTS, GROUPS, PUBLISHED_SCALE, Result, Row
from poselift.skeleton import BODY, JOINTS, N_JOINTS, ROOT

POSE_ERRORS: Final = ("mpjpe", "p_mpjpe", "n_mpjpe", "mpjve", "acceleration")
"""The metrics that are reported on Human3.6M."""

_CHUNK_FRAMES = 32768  # poses at a time, so that their copies take some 150 MB at most


class Visits(NamedTuple):
    """Which frames the evaluated clips see, each clip's distinct frames first. K is the evaluated clips."""

    clips: NDArray[np.intp]
    """(K,) numbers of the clips"""
    places: NDArray[np.intp]
    """(K, T) positions in the clip: its distinct frames in order, then the repeats; (K, 1) where the centre
    frame is evaluated"""
    frames: NDArray[np.int32]
    """(K, T) or (K, 1) frame numbers at these positions"""
    distinct: NDArray[np.intp]
    """(K,) how many distinct frames"""


def sequence_key(sequence: Sequence) -> str:
    """The name of a sequence in results, camera included."""
    own = sequence.camera == sequence.name  # a recording by one camera, which has no other name
    return sequence.name if own else f"{sequence.name}.{sequence.camera}"


def visits(split: Split) -> Visits:
    """The clips of `split` that are evaluated, with their distinct frames."""
    skipped = np.array([sequence.excluded for sequence in split.sequences])
    clips = np.flatnonzero(~skipped[split.sequence[split.clips[:, 0]]])
    frames = split.clips[clips]
    if split.evaluates == "centre frame":
        places = np.full((len(clips), 1), split.n_frames // 2)
        return Visits(clips, places, np.take_along_axis(frames, places, axis=1), np.ones_like(clips))
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


def evaluate_human36m(predictions: Tensor | NDArray[np.floating], split: Split) -> Result:
    """The five errors that are reported on Human3.6M; as `evaluate`."""
    return evaluate(predictions, split, POSE_ERRORS)


@torch.no_grad()
def evaluate(
    predictions: Tensor | NDArray[np.floating],
    split: Split,
    metrics: Collection[str] = POSE_ERRORS,
    also_published_scale: bool = False,
) -> Result:
    """The `metrics`, by name, of `predictions` (clips, T, J, 3), normalised, mirror images already averaged;
    `also_published_scale`, once more over all with pixels taken for mm.

    The work is done on the predictions' device. Raises `PoseliftError` if they are not finite or do not fit
    the split's clips, if the split has no mm or nothing to evaluate, or if only some sequences have an
    action.
    """
    poses = torch.as_tensor(predictions)
    chosen = [METRICS[name] for name in metrics]
    _check(poses, split)
    seen = visits(split)
    weights = [_weights(seen, order, len(split.sequence)) for order in range(3)]

    # sums over the frames of each sequence, and how many frames (or differences) they are of
    of_clip = split.sequence[seen.frames[:, 0]]
    sums = {metric.name: np.zeros((len(split.sequences), len(metric.joints))) for metric in chosen}
    counts = [np.rint(np.bincount(of_clip, w.sum(axis=1), len(split.sequences))) for w in weights]
    by_place = np.zeros(seen.places.shape)
    for part, prediction, target in _chunks(poses, split, seen):
        for metric in chosen:
            weight = torch.from_numpy(weights[metric.order][part]).to(poses.device)
            errors = metric.function(prediction, target)
            if metric.name == "mpjpe":
                by_place[part] = errors.mean(dim=-1).cpu().numpy()
            if len(metric.joints) < N_JOINTS:
                errors = errors[..., metric.joints]
            np.add.at(sums[metric.name], of_clip[part], (errors * weight[..., None]).sum(dim=1).cpu().numpy())
    members = _members(split)
    rows = [
        Row(COUNTS[order], "sequence", key, count)
        for order in sorted({0, *(metric.order for metric in chosen)})
        for key, ids in members.recordings.items()
        if (count := int(counts[order][ids].sum()))
    ]
    for metric in chosen:
        rows += _means(members, metric, sums[metric.name], counts[metric.order])
    rows.append(Row("frames", "all", "", sum(row.value for row in rows if row.metric == "frames")))
    if split.evaluates == "every frame" and "mpjpe" in sums:
        places = _place_means(seen, by_place)
        rows += [Row("mpjpe", "place", str(place), error) for place, error in places.items()]
    if also_published_scale:
        assert split.factor is not None
        as_published = evaluate(poses, replace(split, factor=np.ones_like(split.factor)), metrics)
        rows += [Row(name, PUBLISHED_SCALE, "", as_published.overall(name)) for name in metrics]
    return Result(rows=_by_name(rows))


def _place_means(seen: Visits, errors: NDArray[np.float64]) -> dict[int, float]:
    """The mean error at each position in the clip over the clips that have a distinct frame there; `errors`
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
    weights = (np.arange(seen.places.shape[1]) < seen.distinct[:, None]) / seen.distinct[:, None]
    errors = np.zeros(len(seen.clips))
    for part, prediction, target in _chunks(predictions, split, seen):
        of_frames = mpjpe(prediction, target).mean(dim=-1)
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
    if split.evaluates == "centre frame":
        faulty &= torch.arange(split.n_frames, device=faulty.device) == split.n_frames // 2
    if faulty.any():
        clip, place = faulty.nonzero()[0].tolist()
        frame = split.clips[clip, place]
        sequence = split.sequences[split.sequence[frame]]
        where = f"sequence {sequence_key(sequence)}, frame {frame - sequence.first_frame} (clip {clip})"
        raise PoseliftError(
            f"{split.name}: {where}: the prediction is not finite; the model has diverged, "
            "train it again with a smaller lr"
        )
    evaluated = {split.sequences[i] for i in np.unique(split.sequence[split.clips[:, 0]])}
    for sequence in split.sequences:
        if not sequence.action and any(other.action for other in split.sequences):
            raise PoseliftError(f"{split.name}: sequence {sequence_key(sequence)} has no action")
        if split.evaluates == "centre frame" and sequence not in evaluated:
            raise PoseliftError(f"{split.name}: sequence {sequence.name} has no valid frame to evaluate")
    if all(sequence.excluded for sequence in evaluated):
        raise PoseliftError(f"{split.name}: no frame to evaluate: no clip outside the excluded sequences")


def _weights(seen: Visits, order: int, n_frames: int) -> NDArray[np.float64]:
    """The weights (K, T - order) of the differences of that order over time (order 0: the frames).

    Zero if there is a repeat or a gap among its frames; else one over the number of clips that have it.
    """
    length = seen.frames.shape[1]
    first, last = seen.frames[:, : length - order], seen.frames[:, order:]
    valid = (last - first == order) & (np.arange(order, length) < seen.distinct[:, None])
    times = np.bincount(first[valid], minlength=n_frames)  # by where a difference begins
    return valid / np.maximum(times[first], 1)


def _chunks(predictions: Tensor, split: Split, seen: Visits) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Prediction and target in mm of some visited clips at a time, distinct frames first."""
    step = max(1, _CHUNK_FRAMES // seen.frames.shape[1])
    for start in range(0, len(seen.clips), step):
        part = slice(start, start + step)
        prediction = predictions[seen.clips[part, None], seen.places[part]]
        yield part, *root_relative_mm(prediction, split, seen.frames[part])


class _Members(NamedTuple):
    """The evaluated sequences, by their position in the split."""

    actions: dict[str, list[int]]
    """sequences without an action are of one"""
    cameras: dict[str, dict[str, list[int]]]
    """by camera and action"""
    recordings: dict[str, list[int]]
    """several runs of one name and camera are one recording"""


def _members(split: Split) -> _Members:
    members = _Members({}, {}, {})
    for i, sequence in enumerate(split.sequences):
        if not sequence.excluded:
            action, key = sequence.action or "", sequence_key(sequence)
            members.actions.setdefault(action, []).append(i)
            members.recordings.setdefault(f"{action}/{key}" if action else key, []).append(i)
            if sequence.camera != sequence.name:
                members.cameras.setdefault(sequence.camera, {}).setdefault(action, []).append(i)
    return members


def _means(
    members: _Members, metric: Metric, total: NDArray[np.float64], count: NDArray[np.float64]
) -> list[Row]:
    """All means of a metric, from sums (sequences, counted joints) over counts (sequences,)."""

    def mean(ids: list[int]) -> NDArray[np.float64]:  # (counted joints,)
        return total[ids].sum(axis=0) / count[ids].sum()

    for action, ids in members.actions.items():
        if not count[ids].any():
            raise PoseliftError(
                f"test: {f'action {action}' if action else 'the split'} has no clip with enough frames for "
                f"{metric.name}; prepare the data with another n_frames (at least 3)"
            )
    by_action = np.array([mean(ids) for ids in members.actions.values()])  # (A, counted joints)
    by_joint = by_action.mean(axis=0)
    named: dict[str, dict[str, Any]] = {
        "all": {"": by_action.mean()},
        "action": {action: by_action[i].mean() for i, action in enumerate(members.actions) if action},
        "joint": {JOINTS[joint]: by_joint[j] for j, joint in enumerate(metric.joints)},
        "body": {
            part: by_joint[[metric.joints.index(joint) for joint in joints if joint in metric.joints]].mean()
            for part, joints in BODY.items()
        },
        "camera": {
            camera: np.mean([mean(ids).mean() for ids in of_action.values()])
            for camera, of_action in sorted(members.cameras.items())
            if of_action.keys() == members.actions.keys()
            and all(count[ids].any() for ids in of_action.values())
        },
        "sequence": {key: mean(ids).mean() for key, ids in members.recordings.items() if count[ids].any()},
    }
    return [
        Row(metric.name, group, name, float(value))
        for group, values in named.items()
        for name, value in values.items()
    ]


def _by_name(rows: list[Row]) -> tuple[Row, ...]:
    """The rows by group and name, both in the order of `GROUPS` and of their first row."""
    first: dict[tuple[str, str], int] = {}
    for i, row in enumerate(rows):
        first.setdefault((row.group, row.name), i)
    return tuple(sorted(rows, key=lambda row: (GROUPS.index(row.group), first[row.group, row.name])))
