"""Errors of 3D poses: pure functions of two tensors (..., J, 3) in the same unit, usually mm.

They return the error of every joint, (..., J), or (..., T', J) where frames are compared over time; what to
average over is the caller's business. What each metric expects of the poses (a common root, say) is stated
with it. They keep the tensors' dtype, and all but `pck` and `auc`, which count, are differentiable.
"""

import torch
from torch import Tensor

from poselift.geometry import align

PCK_THRESHOLD = 150
"""mm within which a joint counts as found (PCK)."""

AUC_THRESHOLDS = tuple(range(0, PCK_THRESHOLD + 1, 5))
"""The 31 thresholds, mm, over which PCK is averaged (AUC)."""


def mpjpe(prediction: Tensor, target: Tensor) -> Tensor:
    """Position error (MPJPE, "protocol 1" once both are root-relative): distance of each joint, (..., J).

    Ionescu et al., Human3.6M, TPAMI 2014, eq. 8.
    """
    return torch.linalg.vector_norm(prediction - target, dim=-1)


def n_mpjpe(prediction: Tensor, target: Tensor) -> Tensor:
    """Position error after the best scale (N-MPJPE), (..., J); expects root-relative poses.

    The scale of each frame minimises the squared error over its joints. A prediction whose joints all
    coincide has no scale and is compared as it is. Rhodin et al., CVPR 2018, sec. 3.
    """
    overlap = (prediction * target).sum(dim=(-2, -1), keepdim=True)
    size = (prediction * prediction).sum(dim=(-2, -1), keepdim=True)
    scale = overlap / size.clamp(min=torch.finfo(size.dtype).tiny)
    return mpjpe(scale * prediction, target)


def p_mpjpe(prediction: Tensor, target: Tensor) -> Tensor:
    """Position error after `align` (P-MPJPE, PA-MPJPE, "protocol 2"), (..., J)."""
    return mpjpe(align(prediction, target), target)


def mpjve(prediction: Tensor, target: Tensor) -> Tensor:
    """Velocity error (MPJVE): distance of the first differences over time, per frame.

    (..., T, J, 3) -> (..., T - 1, J). Pavllo et al., VideoPose3D, CVPR 2019, sec. 6.
    """
    return mpjpe(prediction.diff(dim=-3), target.diff(dim=-3))


def acceleration_error(prediction: Tensor, target: Tensor) -> Tensor:
    """Acceleration error: distance of the second differences over time, per frame squared.

    (..., T, J, 3) -> (..., T - 2, J). Kanazawa et al., Learning 3D Human Dynamics from Video, CVPR 2019.
    """
    return mpjpe(prediction.diff(n=2, dim=-3), target.diff(n=2, dim=-3))


def pck(prediction: Tensor, target: Tensor) -> Tensor:
    """Correct keypoints (3D PCK), percent: 100 for a joint closer than 150 mm, else 0; (..., J).

    Expects poses in mm with a common root. A distance of 150 mm is not closer.
    Mehta et al., Monocular 3D Human Pose Estimation In The Wild, 3DV 2017, sec. 5.
    """
    return 100 * (mpjpe(prediction, target) < PCK_THRESHOLD).to(prediction.dtype)


def auc(prediction: Tensor, target: Tensor) -> Tensor:
    """Area under the curve of PCK over its threshold, percent; (..., J). Expects poses in mm, a common root.

    As the data set's own evaluation computes it (mpii_compute_3d_pck.m): the mean of PCK at 0, 5, ..., 150
    mm. No joint is closer than 0 mm, so that the best value is 30 / 31, not 1.
    """
    thresholds = torch.tensor(AUC_THRESHOLDS, dtype=prediction.dtype, device=prediction.device)
    return 100 * (mpjpe(prediction, target)[..., None] < thresholds).to(prediction.dtype).mean(dim=-1)
