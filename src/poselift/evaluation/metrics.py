"""The metrics: what each is called, measured in and computed by, one object each.

Their functions are pure functions of two tensors (..., J, 3) in the same unit, usually mm. They return the
error of every joint, (..., J), or (..., T', J) where frames are compared over time; what to average over is
the caller's business. What each metric expects of the poses (a common root, say) is stated with it. They keep
the tensors' dtype, and all but `pck` and `auc`, which count, are differentiable.

PyTorch is imported by the functions alone: tables and pages only read the descriptions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from poselift.skeleton import JOINTS, N_JOINTS, ROOT

if TYPE_CHECKING:
    from torch import Tensor

PCK_THRESHOLD = 150
"""mm within which a joint counts as found (PCK)."""

AUC_THRESHOLDS = tuple(range(0, PCK_THRESHOLD + 1, 5))
"""The 31 thresholds, mm, over which PCK is averaged (AUC)."""

PCK_JOINTS: Final = tuple(
    j for j in range(N_JOINTS) if j != ROOT and JOINTS[j] not in ("spine", "neck")
)  # what Human3.6M calls neck (or nose) is the head of MPI-INF-3DHP, whose neck is the thorax
"""The 14 joints that PCK and AUC count: those that the evaluation of MPI-INF-3DHP groups into head, neck,
shoulders, elbows, wrists, hips, knees and ankles (mpii_get_pck_auc_joint_groups.m), not the root, which is
always right, nor spine and face."""


def mpjpe(prediction: Tensor, target: Tensor) -> Tensor:
    """Position error (MPJPE, "protocol 1" once both are root-relative): distance of each joint, (..., J).

    Ionescu et al., Human3.6M, TPAMI 2014, eq. 8.
    """
    import torch

    return torch.linalg.vector_norm(prediction - target, dim=-1)


def n_mpjpe(prediction: Tensor, target: Tensor) -> Tensor:
    """Position error after the best scale (N-MPJPE), (..., J); expects root-relative poses.

    The scale of each frame minimises the squared error over its joints. A prediction whose joints all
    coincide has no scale and is compared as it is. Rhodin et al., CVPR 2018, sec. 3.
    """
    import torch

    overlap = (prediction * target).sum(dim=(-2, -1), keepdim=True)
    size = (prediction * prediction).sum(dim=(-2, -1), keepdim=True)
    scale = overlap / size.clamp(min=torch.finfo(size.dtype).tiny)
    return mpjpe(scale * prediction, target)


def p_mpjpe(prediction: Tensor, target: Tensor) -> Tensor:
    """Position error after `align` (P-MPJPE, PA-MPJPE, "protocol 2"), (..., J)."""
    from poselift.geometry import align

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
    import torch

    thresholds = torch.tensor(AUC_THRESHOLDS, dtype=prediction.dtype, device=prediction.device)
    return 100 * (mpjpe(prediction, target)[..., None] < thresholds).to(prediction.dtype).mean(dim=-1)


@dataclass(frozen=True)
class Metric:
    """A metric: its name in files, its label in the paper, its unit and definition, and its function."""

    name: str
    label: str
    unit: str
    definition: str
    """one sentence without a full stop"""
    function: Callable[[Tensor, Tensor], Tensor]
    """of prediction and target (..., T, J, 3), in mm and root-relative, to (..., T - `order`, J)"""
    order: int = 0
    """of the differences over time that are compared: 0 positions, 1 velocities, 2 accelerations"""
    extra_decimals: int = 0
    """more decimals than positions are shown with"""
    higher_is_better: bool = False
    joints: tuple[int, ...] = tuple(range(N_JOINTS))
    """the joints that are counted"""

    def decimals(self, of_positions: int) -> int:
        """How many decimals to show where positions are shown with `of_positions`."""
        return of_positions + self.extra_decimals


METRICS: Final = {
    metric.name: metric
    for metric in (
        Metric("mpjpe", "MPJPE", "mm", "distance of each joint once the roots coincide", mpjpe),
        Metric(
            "p_mpjpe", "P-MPJPE", "mm",
            "the same after the best rotation, translation and scale of each pose", p_mpjpe,
        ),
        Metric("n_mpjpe", "N-MPJPE", "mm", "the same after the best scale of each pose", n_mpjpe),
        Metric(
            "mpjve", "MPJVE", "mm/frame", "distance of the velocities, the differences of successive frames",
            mpjve, order=1, extra_decimals=1,
        ),
        Metric(
            "acceleration", "Acceleration", "mm/frame^2", "distance of the differences of velocities",
            acceleration_error, order=2, extra_decimals=1,
        ),
        Metric(
            "pck", "PCK", "%", f"share of 14 joints closer than {PCK_THRESHOLD} mm once the roots coincide",
            pck, higher_is_better=True, joints=PCK_JOINTS,
        ),
        Metric(
            "auc", "AUC", "%", f"mean of PCK over the thresholds 0, 5, ..., {PCK_THRESHOLD} mm",
            auc, higher_is_better=True, joints=PCK_JOINTS,
        ),
    )
}  # fmt: skip
"""Every metric by name."""
