"""Starting the processes of a run, and the device of each."""

import atexit
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

import torch
import torch.distributed as dist

from poselift.errors import PoseliftError
from poselift.machine.devices import reserved_devices
from poselift.training.distributed import SINGLE_PROCESS, Ranks

log = logging.getLogger("poselift.train")

PEER_GONE = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "remote process exited")
"""What gloo and NCCL say where another process has ended, which says itself why."""


PATIENCE = 10.0
"""Seconds that an error waits for the same one of the first process."""


class LaunchInfo(NamedTuple):
    """Rank of this process among those that torchrun or srun has started."""

    rank: int
    size: int
    local_rank: int


def launch_info() -> LaunchInfo | None:
    """What the environment says of the launch; None if neither torchrun nor srun started this process.

    srun sets no address to meet at: it counts only if MASTER_ADDR is set as well.
    """
    given = os.environ
    if "RANK" in given and "WORLD_SIZE" in given:
        return LaunchInfo(int(given["RANK"]), int(given["WORLD_SIZE"]), int(given.get("LOCAL_RANK", 0)))
    if "MASTER_ADDR" in given and int(given.get("SLURM_NTASKS", 1)) > 1 and "SLURM_PROCID" in given:
        return LaunchInfo(*(int(given[f"SLURM_{name}"]) for name in ("PROCID", "NTASKS", "LOCALID")))
    return None


def check_size(info: LaunchInfo | None, processes: int) -> None:
    """Refuse a number of processes other than the run's, which would change its batches."""
    found = info.size if info else 1
    if found != processes:
        raise PoseliftError(
            f"the run is meant for {processes} processes (a GPU each), but {found} were started; "
            "start as many, or change training.processes (--processes)"
        )


def device_of(name: str, info: LaunchInfo) -> torch.device:
    """The device of a process: `name` is a list such as `cuda:0,cuda:3`, one each on this machine, or `cuda`
    or `auto`, whose devices are dealt out in order, or `cpu`. Raises `PoseliftError` if there are too few."""
    names = name.split(",")
    if len(names) > 1:
        return torch.device(names[info.local_rank])
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name != "cuda":
        return torch.device(name)
    if not torch.cuda.is_available():
        raise PoseliftError("device 'cuda': this machine has no CUDA device that torch can use")
    count = torch.cuda.device_count()
    own_view = count == 1 and "SLURM_LOCALID" in os.environ  # srun can show each process one of its own
    if info.local_rank >= count and not own_view:
        raise PoseliftError(
            f"{info.local_rank + 1} processes or more on a machine with {count} GPU{'s' * (count != 1)}: "
            "each needs one of its own; start fewer, or use more machines"
        )
    return torch.device("cuda", 0 if own_view else info.local_rank)


@contextmanager
def launched(name: str, info: LaunchInfo | None) -> Iterator[tuple[torch.device, Ranks]]:
    """The device called `name` of this process, for as long as the block lasts, and what it shares with the
    other processes that were launched with it."""
    if info is None:
        with reserved_devices(name, 1) as (device,):
            yield device, SINGLE_PROCESS
        return
    device = device_of(name, info)
    if info.size == 1:
        yield device, SINGLE_PROCESS
        return
    cuda = device.type == "cuda"
    if cuda:
        torch.cuda.set_device(device)
    dist.init_process_group(
        "nccl" if cuda else "gloo", rank=info.rank, world_size=info.size, device_id=device if cuda else None
    )
    # its waits may be long: for another process that trains the same run
    control = dist.new_group(backend="gloo", timeout=timedelta(days=30))
    try:
        yield device, Ranks(info.rank, info.size, control)
    except BaseException as error:
        # to close the groups would wait for processes that are gone, and with their threads the interpreter's
        # own end may abort
        atexit.register(os._exit, getattr(error, "exit_status", 1))
        if isinstance(error, PoseliftError | OSError) and info.rank:
            # what is wrong is so for all, as a rule: the first one's line ends the others
            time.sleep(PATIENCE)
        if isinstance(error, RuntimeError) and any(words in str(error) for words in PEER_GONE):
            log.info("another process of the run has ended, and this one with it")
            sys.exit(1)
        raise
    dist.destroy_process_group()


def launch(module: str, argv: list[str], processes: int) -> None:
    """Run `python -m module *argv` in `processes` processes on this machine, as torchrun does, and wait.

    Signals are passed on. Exits as the first that failed if any has.
    """
    # these take a second to import, and most runs need one process
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed.elastic").setLevel(
        logging.CRITICAL
    )  # the processes say what is wrong
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
            if killed := [
                signal.Signals(-code).name for code in codes if code < 0 and -code != signal.SIGTERM
            ]:
                log.info("a process of the run was ended by %s", killed[0])
            sys.exit(next((code for code in codes if code > 0), 1))
        except SignalException as received:
            sys.exit(128 + received.sigval)
