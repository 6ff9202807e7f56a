"""The published training loss: position + scale-free position + velocity, on normalised coordinates."""

from torch import Tensor

from poselift.config.run import TrainingSettings
from poselift.evaluation.metrics import mpjpe, mpjve, n_mpjpe

_DEFAULTS = TrainingSettings()


def losses(
    prediction: Tensor,
    target: Tensor,
    n_mpjpe_weight: float = _DEFAULTS.n_mpjpe_weight,
    velocity_weight: float = _DEFAULTS.velocity_weight,
) -> dict[str, Tensor]:
    """The terms of the loss and their weighted sum, scalars: `mpjpe`, `n_mpjpe`, `velocity`, `total`.

    `prediction` and `target` (B, T, J, 3) are normalised. They are compared as they are: the caller gives a
    root-relative target, and the prediction's root is not forced to zero but has to be learned, as published.
    Zhu et al., MotionBERT, ICCV 2023, sec. 3.3; weights of Mehraban et al., MotionAGFormer, WACV 2024.
    """
    terms = {
        "mpjpe": mpjpe(prediction, target).mean(),
        "n_mpjpe": n_mpjpe(prediction, target).mean(),
        "velocity": mpjve(prediction, target).mean(),
    }
    total = terms["mpjpe"] + n_mpjpe_weight * terms["n_mpjpe"] + velocity_weight * terms["velocity"]
    return {**terms, "total": total}


def total_loss(
    prediction: Tensor,
    target: Tensor,
    n_mpjpe_weight: float = _DEFAULTS.n_mpjpe_weight,
    velocity_weight: float = _DEFAULTS.velocity_weight,
) -> Tensor:
    """The weighted sum of `losses`, a scalar to minimise."""
    return losses(prediction, target, n_mpjpe_weight, velocity_weight)["total"]
