"""Errors of 3D poses: pure functions of two tensors (..., J, 3) in the same unit, usually mm.

They return the error of every joint, (..., J), or (..., T', J) where frames are compared over time; what to
average over is the caller's business. What each metric expects of the poses (a common root, say) is stated
with it. All are differentiable and keep the tensors' dtype.
"""

import torch
from torch import Tensor


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


def align(prediction: Tensor, target: Tensor) -> Tensor:
    """`prediction` after the similarity (scale, rotation, translation) that brings it closest to `target` in
    the least-squares sense, frame by frame; (..., J, 3).

    Reflections are excluded. Where the best rotation is not unique (a flat or straight pose) any of the best
    is taken; a prediction whose joints all coincide goes to the target's centroid.
    Umeyama, TPAMI 1991, eqs. 39 to 42.
    """
    centre = target.mean(dim=-2, keepdim=True)
    source = prediction - prediction.mean(dim=-2, keepdim=True)
    # rows are points: source^T target = U S V^T, and source @ (U D V^T) is the rotated source
    u, s, vt = torch.linalg.svd(source.mT @ (target - centre))
    # the last singular value is the smallest: turning its axis round costs least if U V^T is a reflection
    turn = torch.ones_like(s)
    turn[..., -1] = torch.linalg.det(u @ vt).sign()
    rotation = (u * turn[..., None, :]) @ vt
    size = (source * source).sum(dim=(-2, -1), keepdim=True)
    scale = (s * turn).sum(dim=-1)[..., None, None] / size.clamp(min=torch.finfo(size.dtype).tiny)
    return scale * (source @ rotation) + centre


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
