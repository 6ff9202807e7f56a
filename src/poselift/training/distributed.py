"""Several processes that train one run together, a device each: data parallelism over torch.distributed.

The batch of the recipe is shared out among them, so that their number changes nothing but the rounding, and
batch norm: on CUDA its statistics are those of the whole batch (SyncBatchNorm), on the CPU, which has no such
layer, each process normalises with its own share, and the first one's running statistics count.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from poselift.errors import PoseliftError

Value = TypeVar("Value")


class Place(NamedTuple):
    """Which process this is of those that a launcher has started."""

    rank: int
    size: int
    local_rank: int


def place() -> Place | None:
    """The place that torchrun or srun has given this process; None if neither has.

    srun sets no address to meet at: MASTER_ADDR has to be set beside it, or it counts for nothing here.
    """
    given = os.environ
    if "RANK" in given and "WORLD_SIZE" in given:
        return Place(int(given["RANK"]), int(given["WORLD_SIZE"]), int(given.get("LOCAL_RANK", 0)))
    if "MASTER_ADDR" in given and int(given.get("SLURM_NTASKS", 1)) > 1 and "SLURM_PROCID" in given:
        return Place(*(int(given[f"SLURM_{name}"]) for name in ("PROCID", "NTASKS", "LOCALID")))
    return None


def check_size(here: Place | None, processes: int) -> None:
    """Refuse a number of processes other than the run's, which would change its batches."""
    found = here.size if here else 1
    if found != processes:
        raise PoseliftError(
            f"the run is meant for {processes} processes (a GPU each), but {found} were started; "
            "start as many, or change training.processes (--processes)"
        )


def device_of(name: str, here: Place) -> torch.device:
    """The device of a process: `name` is a list such as `cuda:0,cuda:3`, one each on this machine, or `cuda`
    or `auto`, whose devices are dealt out in order, or `cpu`."""
    names = name.split(",")
    if len(names) > 1:
        return torch.device(names[here.local_rank])
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name != "cuda":
        return torch.device(name)
    if not torch.cuda.is_available():
        raise PoseliftError("device 'cuda': this machine has no CUDA device that torch can use")
    return torch.device("cuda", here.local_rank % torch.cuda.device_count())


class Ranks:
    """What the processes of a run do together. A single process is the case `ALONE`."""

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

    def agreed(self, value: Value) -> Value:
        """The first process's value; the others wait for it, however long it takes."""
        values = [value]
        if self.size > 1:
            dist.broadcast_object_list(values, src=0, group=self._control)
        return values[0]

    def orphaned(self) -> bool:
        """Whether the launcher has died, with whom the devices were reserved."""
        return self.size > 1 and os.getppid() != self._launcher

    def parallel(self, model: nn.Module, device: torch.device) -> nn.Module:
        """`model` so wrapped that gradients are means over the processes; weights are those of the first."""
        if self.size == 1:
            return model
        return DistributedDataParallel(
            model,
            device_ids=[device] if device.type == "cuda" else None,
            gradient_as_bucket_view=True,
        )

    def synchronised(self, model: nn.Module, device: torch.device) -> nn.Module:
        """`model` with batch norm over all processes where the device can do that."""
        if self.size == 1 or device.type != "cuda":
            return model
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)

    def share_buffers(self, model: nn.Module) -> None:
        """Give all processes the first one's buffers: the running statistics of batch norm."""
        if self.size > 1:
            for buffer in model.buffers():
                dist.broadcast(buffer, src=0)

    def unsynchronised(self, model: nn.Module) -> AbstractContextManager[None]:
        """Within it gradients are only gathered up, for parts of a batch before the last."""
        return model.no_sync() if isinstance(model, DistributedDataParallel) else nullcontext()


ALONE = Ranks()


@contextmanager
def process_group(here: Place, device: torch.device) -> Iterator[Ranks]:
    """Meet the other processes that were launched with this one."""
    if here.size == 1:
        yield ALONE
        return
    cuda = device.type == "cuda"
    if cuda:
        torch.cuda.set_device(device)
    dist.init_process_group(
        "nccl" if cuda else "gloo",
        rank=here.rank,
        world_size=here.size,
        device_id=device if cuda else None,
    )
    # its waits may be long: for another process that trains the same run
    control = dist.new_group(backend="gloo", timeout=timedelta(days=30))
    yield Ranks(here.rank, here.size, control)
    dist.destroy_process_group()  # not after an error: it would wait for processes that are gone


def launch(module: str, argv: list[str], processes: int) -> None:
    """Run `python -m module *argv` in so many processes on this machine, as torchrun does, and wait for them.

    Signals are passed on. Exits as the first that failed if any has.
    """
    # these take a second to import, and most runs need one process
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    with tempfile.TemporaryDirectory() as logs:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=processes,
            rdzv_backend="c10d",
            rdzv_endpoint="127.0.0.1:0",
            local_addr="127.0.0.1",
            run_id="poselift",
            max_restarts=0,
            logs_specs=DefaultLogsSpecs(log_dir=logs),
            shutdown_timeout=60,
        )
        try:
            elastic_launch(config, sys.executable)("-m", module, *argv)
        except ChildFailedError as error:
            codes = [failure.exitcode for failure in error.failures.values()]
            sys.exit(next((code for code in codes if code > 0), 1))
        except SignalException as signal:
            sys.exit(128 + signal.sigval)
