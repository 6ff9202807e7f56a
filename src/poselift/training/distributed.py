"""What several processes that train one run share, a device each: data parallelism over torch.distributed.

The batch of the recipe is divided among them, and batch norm has the statistics of all of it, so that their
number changes nothing but the rounding.
"""

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from poselift.training.batch_norm import SynchronisedBatchNorm

Value = TypeVar("Value")


class Ranks:
    """What the processes of a run do together; `SINGLE_PROCESS` is the case of one."""

    def __init__(self, rank: int = 0, size: int = 1, control: Any = None) -> None:
        self.rank, self.size = rank, size
        self._control = control  # hosts among themselves, without waiting for their devices
        self._launcher = os.getppid()

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """Sum over the processes, in place."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def min(self, values: Tensor) -> Tensor:
        """Least value over the processes, in place."""
        if self.size > 1:
            dist.all_reduce(values, dist.ReduceOp.MIN)
        return values

    def any(self, flag: int) -> int:
        """The largest flag of all processes, the same in each. Takes a fraction of a millisecond."""
        if self.size == 1:
            return flag
        flags = torch.tensor([flag])
        dist.all_reduce(flags, dist.ReduceOp.MAX, group=self._control)
        return int(flags)

    def broadcast(self, value: Value) -> Value:
        """The first process's value; the others wait for it, however long it takes."""
        values = [value]
        if self.size > 1:
            dist.broadcast_object_list(values, src=0, group=self._control)
        return values[0]

    def orphaned(self) -> bool:
        """Whether the launcher, which holds the devices, has died."""
        return self.size > 1 and os.getppid() != self._launcher

    def parallel(self, model: nn.Module, device: torch.device) -> nn.Module:
        """`model` wrapped so that gradients are means over the processes; weights are those of the first."""
        if self.size == 1:
            return model
        return DistributedDataParallel(
            model,
            device_ids=[device] if device.type == "cuda" else None,
            gradient_as_bucket_view=True,
            broadcast_buffers=False,  # all have the same, of batch norm
        )

    def synchronise(self, model: nn.Module, device: torch.device) -> None:
        """Let batch norm in `model`, on `device`, be over all processes; its state stays the same."""
        self._counts = torch.ones((), device=device)
        for layer in model.modules() if self.size > 1 else ():
            if isinstance(layer, _BatchNorm) and layer.affine and layer.track_running_stats:
                layer.__class__ = SynchronisedBatchNorm
                layer.counts = self._counts

    def counting(self, weight: float) -> None:
        """Say what weight in the batch the next clips have: with none, batch norm leaves them out."""
        if self.size > 1:
            self._counts.fill_(weight > 0)

    def share_buffers(self, model: nn.Module) -> None:
        """Give all processes the first one's buffers: the running statistics of batch norm."""
        if self.size > 1:
            for buffer in model.buffers():
                dist.broadcast(buffer, src=0)

    def averaging(self, model: nn.Module, now: bool) -> AbstractContextManager[None]:
        """Context of a backward pass: gradients are averaged over the processes now, or accumulate first."""
        return model.no_sync() if isinstance(model, DistributedDataParallel) and not now else nullcontext()


SINGLE_PROCESS = Ranks()
