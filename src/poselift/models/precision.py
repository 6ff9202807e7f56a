"""Where half precision would harm."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def without_autocast(x: Tensor) -> AbstractContextManager[object]:
    """A context in which operations on tensors like `x` keep its precision, autocast or not."""
    kind = x.device.type
    if torch.amp.is_autocast_available(kind):
        return torch.autocast(kind, enabled=False)
    return nullcontext()  # the meta device, on which costs are counted


def at_least_single(x: Tensor) -> Tensor:
    """`x` in single precision, or in double if that is what it has."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def of_products(x: Tensor) -> torch.dtype:
    """The precision that matrix products of `x` have: autocast's where that is on."""
    kind = x.device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        return torch.get_autocast_dtype(kind)
    return x.dtype
