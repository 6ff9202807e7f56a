"""A stand-in for a GPU: devices called `cuda` whose tensors lie on the CPU, to walk code for CUDA.

What is computed is the CPU's. What is asked of `torch.cuda` is answered as by one card, or several.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode

NAME, MEMORY, CAPABILITY = "NVIDIA H100 80GB HBM3", 80 * 2**30, (9, 0)


def _here(value: Any) -> Any:
    """The CPU in place of a device called `cuda`."""
    if isinstance(value, torch.device | str) and str(value).partition(":")[0] == "cuda":
        return torch.device("cpu")
    return value


class _OnCpu(TorchFunctionMode):
    """Makes and moves tensors on the CPU instead of the stand-in."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (torch.Tensor.cuda, torch.Tensor.pin_memory):
            return args[0]
        if func is torch.device:  # the name of one may be asked for
            return func(*args, **(kwargs or {}))
        return func(*map(_here, args), **{key: _here(value) for key, value in (kwargs or {}).items()})


@contextmanager
def gpus(count: int = 1, capability: tuple[int, int] = CAPABILITY) -> Iterator[mock.Mock]:
    """`count` GPUs for as long as the block lasts; what torch.cuda is called with is recorded."""
    answers = mock.Mock()
    answers.is_available.return_value = True
    answers.device_count.return_value = count
    answers.current_device.return_value = 0
    answers.get_device_name.return_value = NAME
    answers.get_device_capability.return_value = capability
    answers.get_device_properties.side_effect = lambda index: SimpleNamespace(
        uuid=f"stand-in-{index}", name=NAME, total_memory=MEMORY
    )
    answers.mem_get_info.return_value = (MEMORY, MEMORY)
    for used in ("memory_reserved", "max_memory_reserved", "max_memory_allocated"):
        getattr(answers, used).return_value = 10**9
    names = (
        "is_available", "device_count", "current_device", "get_device_name", "get_device_capability",
        "get_device_properties", "mem_get_info", "memory_reserved", "max_memory_reserved",
        "max_memory_allocated", "reset_peak_memory_stats", "set_device", "synchronize", "manual_seed",
    )  # fmt: skip
    with mock.patch.multiple(torch.cuda, **{name: getattr(answers, name) for name in names}), _OnCpu():
        yield answers
