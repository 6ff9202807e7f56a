"""The published training loss: position + scale-free position + velocity, on normalised coordinates.

The terms are written out here, not taken from the evaluation's metrics: training depends on no code of the
evaluation, so that a change there retrains nothing.
"""

import torch
from torch import Tensor

from poselift.config.run import TrainingSettings

_DEFAULTS = TrainingSettings()

TERMS = ("mpjpe", "n_mpjpe", "velocity", "total")
"""The terms of the loss and their weighted sum."""


def distance(prediction: Tensor, target: Tensor) -> Tensor:
    """The Euclidean distance by joint, (..., J, 3) -> (..., J)."""
    return torch.linalg.vector_norm(prediction - target, dim=-1)


def rescaled(prediction: Tensor, target: Tensor) -> Tensor:
    """`prediction` times the scale of each frame that brings it closest to `target`, (..., J, 3).

    A prediction whose joints all lie in the origin has no scale and stays as it is. Rhodin et al., CVPR 2018.
    """
    overlap = (prediction * target).sum(dim=(-2, -1), keepdim=True)
    size = (prediction * prediction).sum(dim=(-2, -1), keepdim=True)
    return overlap / size.clamp(min=torch.finfo(size.dtype).tiny) * prediction


def losses(
    prediction: Tensor,
    target: Tensor,
    n_mpjpe_weight: float = _DEFAULTS.n_mpjpe_weight,
    velocity_weight: float = _DEFAULTS.velocity_weight,
) -> dict[str, Tensor]:
    """The `TERMS`: means over clips, frames and joints, scalars.

    `prediction` and `target` (B, T, J, 3) are normalised. They are compared as they are: the caller gives a
    root-relative target, and the prediction's root is not forced to zero but has to be learned, as published.
    Zhu et al., MotionBERT, ICCV 2023, sec. 3.3; weights of Mehraban et al., MotionAGFormer, WACV 2024.
    """
    position = distance(prediction, target).mean()
    scale_free = distance(rescaled(prediction, target), target).mean()
    velocity = distance(prediction.diff(dim=-3), target.diff(dim=-3)).mean()
    total = position + n_mpjpe_weight * scale_free + velocity_weight * velocity
    return dict(zip(TERMS, (position, scale_free, velocity, total), strict=True))
