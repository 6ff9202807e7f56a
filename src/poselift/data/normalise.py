"""Pixels of the image to normalised coordinates and back (the convention of VideoPose3D, 2019).

x is divided by half the width and centred; y is divided by half the width too, which keeps the aspect
ratio; z, the depth relative to the root in the same pixel scale, is only scaled. `width` and `height` are
numbers or arrays that broadcast against (..., J).
"""

from typing import Any, TypeVar

Array = TypeVar("Array", bound=Any)  # numpy.ndarray or torch.Tensor


def normalise(pixels: Array, width: Any, height: Any) -> Array:
    """(..., J, 2 or 3) pixels -> normalised, a new array."""
    normalised = pixels / (width[..., None] / 2 if hasattr(width, "shape") else width / 2)
    normalised[..., 0] -= 1
    normalised[..., 1] -= height / width
    return normalised


def denormalise(normalised: Array, width: Any, height: Any) -> Array:
    """(..., J, 2 or 3) normalised -> pixels, a new array; the inverse of `normalise`."""
    pixels = normalised + 0
    pixels[..., 0] += 1
    pixels[..., 1] += height / width
    pixels *= width[..., None] / 2 if hasattr(width, "shape") else width / 2
    return pixels
