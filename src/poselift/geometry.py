"""Geometry of poses as tensors: mirror images, and the similarity that best aligns two poses."""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from poselift.skeleton import MIRROR


@cache
def _mirror_index(device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # kept: no copy to the device each time; used in training as well
        return torch.tensor(MIRROR, device=device)


def mirror(poses: Tensor) -> Tensor:
    """The mirror image of poses (..., J, C): x negated, left and right joints swapped; a new tensor.

    x is channel 0 and centred (normalised, or relative to the root); the other channels, be they y, z or a
    confidence, move with their joint.
    """
    mirrored = poses.index_select(-2, _mirror_index(poses.device))
    mirrored[..., 0] *= -1
    return mirrored


def flip_averaged(model: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """The mean of the model's output for `inputs` (B, T, J, 3) and of the mirrored output for their mirror
    image (flip test-time augmentation)."""
    return (model(inputs) + mirror(model(mirror(inputs)))) / 2


def align(prediction: Tensor, target: Tensor) -> Tensor:
    """`prediction` after the similarity (scale, rotation, translation) that brings it closest to `target` in
    the least-squares sense, frame by frame; (..., J, 3).

    Reflections are excluded. Where the best rotation is not unique (a flat or straight pose) any of the best
    is taken; a prediction whose joints all coincide goes to the target's centroid, one that is not finite
    stays so. Computed in double precision. Umeyama, TPAMI 1991, eqs. 39 to 42.
    """
    centre = target.double().mean(dim=-2, keepdim=True)
    source = prediction.double() - prediction.double().mean(dim=-2, keepdim=True)
    # rows are points: source^T target = U S V^T, and source @ (U D V^T) is the rotated source
    covariance = source.mT @ (target.double() - centre)
    finite = covariance.isfinite().all(dim=(-2, -1), keepdim=True)
    u, s, vt = torch.linalg.svd(covariance.where(finite, 0))  # at NaN it fails, on each device in another way
    # the last singular value is the smallest: turning its axis round costs least if U V^T is a reflection
    turn = torch.ones_like(s)
    turn[..., -1] = torch.linalg.det(u @ vt).sign()
    rotation = (u * turn[..., None, :]) @ vt
    size = (source * source).sum(dim=(-2, -1), keepdim=True)
    scale = (s * turn).sum(dim=-1)[..., None, None] / size.clamp(min=torch.finfo(size.dtype).tiny)
    return (scale * (source @ rotation) + centre).to(prediction.dtype)
