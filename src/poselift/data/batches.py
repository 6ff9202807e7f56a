"""Batches of training clips: which clips in which step, and two ways to bring them to the training device.

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

from poselift.config.run import ExecutionSettings, TrainingSettings
from poselift.data.store import Split, windows
from poselift.geometry import mirror
from poselift.skeleton import ROOT

NO_PREFERENCES = ExecutionSettings()

Positions = tuple[slice, float]
"""Where the clips of a micro-batch stand in the order of the epoch, and its weight."""


class MicroBatch(NamedTuple):
    """Clips that a process computes in one go, on the training device."""

    inputs: Tensor
    """(B, T, J, 3) normalised"""
    labels: Tensor
    """(B, T, J, 3) normalised, relative to the root"""
    weight: float
    """its part of the whole batch; 0 for a stand-in"""


def micro_batches(batch: range, parts: int, rank: int, processes: int) -> list[Positions]:
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
        (slice(start, stop), (stop - start) / n)
        if stop > start
        else (slice(batch.start, batch.start + 1), 0.0)
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
    """The batches of an epoch: every clip once, divided among processes and into micro-batches.

    Here the frames lie on `device` as a whole (0.64 GB for the train part of Human3.6M; on the CPU they stay
    memory-mapped), and a batch is a gather there.
    """

    def __init__(
        self,
        split: Split,
        recipe: TrainingSettings,
        seed: int,
        device: torch.device,
        rank: int = 0,
        processes: int = 1,
        execution: ExecutionSettings = NO_PREFERENCES,
    ) -> None:
        self.split, self.recipe, self.seed, self.device = split, recipe, seed, device
        self.rank, self.processes, self.execution = rank, processes, execution
        self._set_up()

    def __len__(self) -> int:
        """Batches per epoch; the last one may be smaller."""
        return -(-len(self.split) // self.recipe.batch_size)

    def epoch(self, number: int, start: int = 0) -> Iterator[list[MicroBatch]]:
        """The micro-batches of each batch that this process computes, from batch `start` on."""
        n, size = len(self.split), self.recipe.batch_size
        order, flipped = epoch_order(n, self.seed, number, self.recipe.flip)
        parts = self.recipe.gradient_accumulation_steps
        steps = [
            micro_batches(range(first, min(first + size, n)), parts, self.rank, self.processes)
            for first in range(start * size, n, size)
        ]
        # whole orders go to the device once per epoch: copies from pageable memory make the host wait
        flipped = flipped.to(self.device)[:, None, None, None]
        clips = self._gather(order, [positions for step in steps for positions, _ in step])
        for step in steps:
            yield [
                _augmented(*gathered, flipped[positions], weight)
                for (positions, weight), gathered in zip(step, islice(clips, len(step)), strict=True)
            ]

    def _set_up(self) -> None:
        self.inputs, self.labels, self.clips = (
            on_device(array, self.device)
            for array in (self.split.inputs, self.split.labels, self.split.clips)
        )

    def _gather(self, order: Tensor, wanted: list[slice]) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and labels of each micro-batch, (B, T, J, 3) on the device, as they lie in the store."""
        order = order.to(self.device)
        for positions in wanted:
            frames = self.clips[order[positions]]
            yield self.inputs[frames], self.labels[frames]


class LoaderBatches(Batches):
    """As `Batches`, for frames that do not fit: workers gather them from the memory-mapped store ahead of
    their use, and they go to the device without the host's waiting."""

    def _set_up(self) -> None:
        pass

    def _gather(self, order: Tensor, wanted: list[slice]) -> Iterator[tuple[Tensor, Tensor]]:
        workers = self.execution.num_workers
        # forked, so that workers inherit the memory maps
        of_workers: dict[str, Any] = (
            {"prefetch_factor": self.execution.prefetch_factor, "multiprocessing_context": "fork"}
            if workers
            else {}
        )
        loader = DataLoader(
            _Gathered(self.split, order.numpy(), wanted),
            batch_size=None,  # an item is a whole micro-batch
            num_workers=workers,
            pin_memory=self.execution.pin_memory and self.device.type == "cuda",
            # its own, or it would draw a seed for the workers from the generator that dropout draws from
            generator=torch.Generator(),
            **of_workers,
        )
        for inputs, labels in loader:
            yield inputs.to(self.device, non_blocking=True), labels.to(self.device, non_blocking=True)


class _Gathered(Dataset[tuple[Tensor, Tensor]]):
    """Inputs and labels of each micro-batch, in the memory of the host."""

    def __init__(self, split: Split, order: NDArray[np.int64], wanted: list[slice]) -> None:
        self.split, self.order, self.wanted = split, order, wanted

    def __len__(self) -> int:
        return len(self.wanted)

    def __getitem__(self, item: int) -> tuple[Tensor, Tensor]:
        frames = self.split.clips[self.order[self.wanted[item]]]
        inputs, labels = windows(self.split.inputs, frames), windows(self.split.labels, frames)
        return torch.from_numpy(inputs), torch.from_numpy(labels)


def _augmented(inputs: Tensor, labels: Tensor, flips: Tensor, weight: float) -> MicroBatch:
    """Clips and labels relative to the root, mirrored where `flips` (B, 1, 1, 1) says so."""
    labels = labels - labels[:, :, ROOT : ROOT + 1]
    return MicroBatch(
        torch.where(flips, mirror(inputs), inputs), torch.where(flips, mirror(labels), labels), weight
    )


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
