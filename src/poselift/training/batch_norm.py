"""Batch norm over the clips of all processes that train one run."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from poselift.models.precision import at_least_single


class _Sum(torch.autograd.Function):
    """The sum over all processes; so is its gradient, that of the sum of their losses."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    backward = forward


class SynchronisedBatchNorm(_BatchNorm):
    """Batch norm, (clips, nodes, ...) -> the same, trained with the statistics of all processes.

    `torch.nn.SyncBatchNorm` does not run on the CPU, waits for the host, and counts clips of weight 0.
    """

    counts: Tensor
    """1, or 0 where the clips of this process are a stand-in for none; shared by all layers"""

    def _check_input_dim(self, _: Tensor) -> None:
        """Any number of axes."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        found = torch.var_mean(at_least_single(x), [0, *range(2, x.ndim)], correction=0)
        var, mean = (each.double() for each in found)
        moments = torch.stack([torch.ones_like(mean), mean, var + mean.square()])
        n, mean, square = _Sum.apply(moments * (self.counts * (x.numel() // x.shape[1])))
        mean, square = mean / n, square / n
        var = square - mean.square()
        with torch.no_grad():
            self.get_buffer("num_batches_tracked").add_(1)
            for name, new in (("running_mean", mean), ("running_var", var * n / (n - 1))):
                running = self.get_buffer(name)
                running.lerp_(new.to(running), self.momentum or 0)
        scale = self.weight * (var + self.eps).rsqrt()
        shape = -1, *[1] * (x.ndim - 2)
        scale, shift = (each.to(self.weight).view(shape) for each in (scale, self.bias - mean * scale))
        return torch.addcmul(shift, x, scale).to(x.dtype)
