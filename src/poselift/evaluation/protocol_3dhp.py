"""The evaluation protocol of MPI-INF-3DHP, PCK and AUC included, which published code leaves to MATLAB.

Each valid test frame has a window of its own, whose centre is predicted. Predictions are taken back to mm
with the store's factor and compared root-relative. For TS5 and TS6 the factor differs from that of published
code, on purpose: `poselift.datasets.mpi_inf_3dhp.prepare` says why. A score is a mean over all valid frames,
so that a long sequence weighs more than a short one, and over joints:

MPJPE  all 17, the root included with its error of 0, as in published code (and as on Human3.6M)
PCK    the 14 that the data set's own evaluation groups into head, neck, shoulders, elbows, wrists, hips,
AUC    knees and ankles (mpii_get_pck_auc_joint_groups.m): not the root, which is always right, spine and face
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poselift.data.store import Split
from poselift.datasets.mpi_inf_3dhp.clips import centre
from poselift.errors import PoseliftError
from poselift.evaluation import metrics
from poselift.evaluation.protocol import root_relative_mm
from poselift.evaluation.report_3dhp import METRICS_3DHP, Result3DHP, Scores
from poselift.skeleton import JOINTS, N_JOINTS, ROOT

PCK_JOINTS: Final = tuple(
    j for j in range(N_JOINTS) if j != ROOT and JOINTS[j] not in ("spine", "neck")
)  # what Human3.6M calls neck (or nose) is the head of MPI-INF-3DHP, whose neck is the thorax
"""The 14 joints that PCK and AUC count."""

_JOINTS_OF: Final = {"mpjpe": tuple(range(N_JOINTS)), "pck": PCK_JOINTS, "auc": PCK_JOINTS}
_FUNCTIONS: Final = {"mpjpe": metrics.mpjpe, "pck": metrics.pck, "auc": metrics.auc}


@torch.no_grad()
def evaluate_mpi_inf_3dhp(predictions: Tensor | NDArray[np.floating], split: Split) -> Result3DHP:
    """All scores of `predictions` (clips, T, J, 3), normalised, mirror images already averaged.

    Raises `PoseliftError` if they are not finite or do not fit the split's clips, if the split is not of
    these data's test part, or if a sequence has no valid frame.
    """
    poses = torch.as_tensor(predictions)
    _check(poses, split)
    place = centre(split.n_frames)
    frames = split.clips[:, place : place + 1]
    prediction, target = root_relative_mm(poses[:, place : place + 1], split, frames)
    scores = {
        name: function(prediction, target)[:, 0].cpu().numpy() for name, function in _FUNCTIONS.items()
    }  # (K, J) each

    def mean(rows: NDArray[np.bool_]) -> Scores:
        means = {name: float(scores[name][rows][:, _JOINTS_OF[name]].mean()) for name in METRICS_3DHP}
        return Scores(**means, frames=int(rows.sum()))

    of_sequence = split.sequence[frames[:, 0]]
    return Result3DHP(
        **mean(np.ones(len(frames), dtype=bool)).model_dump(),
        per_sequence={s.name: mean(of_sequence == i) for i, s in enumerate(split.sequences)},
        per_joint={
            joint: {name: float(scores[name][:, j].mean()) for name in METRICS_3DHP if j in _JOINTS_OF[name]}
            for j, joint in enumerate(JOINTS)
        },
    )


def _check(predictions: Tensor, split: Split) -> None:
    if split.evaluates != "centre frame" or split.target_mm is None:
        raise PoseliftError(f"{split.name}: not the test part of MPI-INF-3DHP; evaluate on its store")
    expected = (*split.clips.shape, N_JOINTS, 3)
    if tuple(predictions.shape) != expected:
        raise PoseliftError(
            f"{split.name}: predictions of shape {tuple(predictions.shape)}, expected {expected} (clips, "
            "frames, joints, 3); predict the clips of this store with the same n_frames"
        )
    frames = split.clips[:, centre(split.n_frames)]
    tested = set(split.sequence[frames].tolist())
    for i, sequence in enumerate(split.sequences):
        if i not in tested:
            raise PoseliftError(f"{split.name}: sequence {sequence.name} has no valid frame to evaluate")
    finite = torch.isfinite(predictions[:, centre(split.n_frames)]).all(dim=-1).all(dim=-1).cpu().numpy()
    if not finite.all():
        clip = int(np.argmin(finite))
        sequence = split.sequences[split.sequence[frames[clip]]]
        raise PoseliftError(
            f"{split.name}: sequence {sequence.name}, frame {frames[clip] - sequence.first_frame}: the "
            "prediction is not finite; the model has diverged, train it again with a smaller lr"
        )
