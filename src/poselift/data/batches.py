"""Batches of training clips: which clips at which step, and two ways to bring them to the training device.

Both ways give equal batches bit for bit. Random numbers are drawn on the CPU and depend on seed and epoch
alone, so that batches are equal on every device, whatever the number of processes, and after a resume.
"""

import warnings
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from poselift.config.run import ExecutionSettings
from poselift.data.store import Split, windows
from poselift.geometry import mirror
from poselift.skeleton import ROOT

NO_PREFERENCES = ExecutionSettings()


class Share(NamedTuple):
    """Clips that a process computes in one go."""

    positions: slice
    """where they stand in the order of the epoch"""
    weight: float
    """which part of the batch they are; 0 for a stand-in"""


class Part(NamedTuple):
    """A `Share` on the training device."""

    inputs: Tensor
    """(B, T, J, 3) normalised"""
    labels: Tensor
    """(B, T, J, 3) normalised, relative to the root"""
    weight: float


def shares(batch: range, parts: int, rank: int, processes: int) -> list[Share]:
    """What process `rank` of `processes` computes of a batch, in up to `parts` parts.

    All processes get as many parts (they meet in each). Where a batch has too few clips for that, a process
    computes the batch's first clip with weight 0.
    """
    n = len(batch)
    parts = min(parts, -(-n // processes))
    pieces = parts * processes
    bounds = [batch.start + n * i // pieces for i in range(pieces + 1)]
    mine = [(bounds[i], bounds[i + 1]) for i in range(rank * parts, (rank + 1) * parts)]
    return [
        Share(slice(start, stop), (stop - start) / n)
        if stop > start
        else Share(slice(batch.start, batch.start + 1), 0.0)
        for start, stop in mine
    ]


def epoch_order(n_clips: int, seed: int, epoch: int, flip: float) -> tuple[Tensor, Tensor]:
    """The order of the clips in an epoch, (n_clips,), and which of these are mirrored, bool (n_clips,)."""
    # two words of entropy: neighbouring seeds and epochs share no order
    entropy = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> np.uint64(1)
    generator = torch.Generator().manual_seed(int(entropy))
    order = torch.randperm(n_clips, generator=generator)
    return order, torch.rand(n_clips, generator=generator) < flip


class Batches:
    """The batches of an epoch: every clip once, split over processes and into parts.

    Here the frames lie on `device` as a whole (0.64 GB for the train part of Human3.6M; on the CPU they stay
    memory-mapped), and a batch is a gather there.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        flip: float,
        seed: int,
        device: torch.device,
        parts: int = 1,
        rank: int = 0,
        processes: int = 1,
        execution: ExecutionSettings = NO_PREFERENCES,
    ) -> None:
        self.split, self.device = split, device
        self.batch_size, self.flip, self.seed = batch_size, flip, seed
        self.parts, self.rank, self.processes, self.execution = parts, rank, processes, execution
        self._place()

    def __len__(self) -> int:
        """Batches an epoch; the last one may be smaller."""
        return -(-len(self.split) // self.batch_size)

    def epoch(self, number: int, start: int = 0) -> Iterator[list[Part]]:
        """The parts of each batch that this process computes, from batch `start` on."""
        order, flipped = epoch_order(len(self.split), self.seed, number, self.flip)
        n, size = len(self.split), self.batch_size
        steps = [
            shares(range(first, min(first + size, n)), self.parts, self.rank, self.processes)
            for first in range(start * size, n, size)
        ]
        # whole orders go to the device once an epoch: copies from pageable memory make the host wait
        flipped = flipped.to(self.device)[:, None, None, None]
        clips = self._gather(order, [share for step in steps for share in step])
        for step in steps:
            yield [
                self._augmented(*gathered, flipped[share.positions], share.weight)
                for share, gathered in zip(step, islice(clips, len(step)), strict=True)
            ]

    @staticmethod
    def _augmented(inputs: Tensor, labels: Tensor, flips: Tensor, weight: float) -> Part:
        labels = labels - labels[:, :, ROOT : ROOT + 1]
        return Part(
            torch.where(flips, mirror(inputs), inputs), torch.where(flips, mirror(labels), labels), weight
        )

    def _place(self) -> None:
        self.inputs, self.labels, self.clips = (
            on_device(array, self.device)
            for array in (self.split.inputs, self.split.labels, self.split.clips)
        )

    def _gather(self, order: Tensor, wanted: list[Share]) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and labels of each share, (B, T, J, 3) on the device, as they lie in the store."""
        order = order.to(self.device)
        for share in wanted:
            frames = self.clips[order[share.positions]]
            yield self.inputs[frames], self.labels[frames]


class LoaderBatches(Batches):
    """As `Batches`, for frames that do not fit: workers gather them from the memory-mapped store ahead of
    their use, and they go to the device without the host's waiting."""

    def _place(self) -> None:
        pass

    def _gather(self, order: Tensor, wanted: list[Share]) -> Iterator[tuple[Tensor, Tensor]]:
        workers = self.execution.num_workers
        # forked, so that workers inherit the memory maps
        of_workers: dict[str, Any] = (
            {"prefetch_factor": self.execution.prefetch_factor, "multiprocessing_context": "fork"}
            if workers
            else {}
        )
        loader = DataLoader(
            _Gathered(self.split, order.numpy(), wanted),
            batch_size=None,  # an item is a whole share
            num_workers=workers,
            pin_memory=self.execution.pin_memory and self.device.type == "cuda",
            # its own, or it would draw a seed for the workers from the generator that dropout draws from
            generator=torch.Generator(),
            **of_workers,
        )
        for inputs, labels in loader:
            yield inputs.to(self.device, non_blocking=True), labels.to(self.device, non_blocking=True)


class _Gathered(Dataset[tuple[Tensor, Tensor]]):
    """Inputs and labels of each share, in the memory of the host."""

    def __init__(self, split: Split, order: NDArray[np.int64], wanted: list[Share]) -> None:
        self.split, self.order, self.wanted = split, order, wanted

    def __len__(self) -> int:
        return len(self.wanted)

    def __getitem__(self, item: int) -> tuple[Tensor, Tensor]:
        frames = self.split.clips[self.order[self.wanted[item].positions]]
        inputs, labels = windows(self.split.inputs, frames), windows(self.split.labels, frames)
        return torch.from_numpy(inputs), torch.from_numpy(labels)


def on_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """The whole array on `device`; on the CPU it is not copied, and must not be written to."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.asarray(array)).to(device)


def resident(execution: ExecutionSettings, arrays: list[NDArray[Any]], device: torch.device) -> bool:
    """Whether frames lie on the device as a whole: as asked for, else if they fill at most half of its free
    memory. On the CPU they always do: a memory map costs nothing there, and the system caches it."""
    if execution.data_path != "auto" or device.type != "cuda":
        return execution.data_path != "loader"
    return sum(array.nbytes for array in arrays) <= torch.cuda.mem_get_info(device)[0] / 2
