"""Batches of training clips: which clips in which step, and two ways to bring them to the training device.

Both ways give equal batches bit for bit. Random numbers are drawn on the CPU and depend on seed and epoch
alone, so that batches are equal on every device, whatever the number of processes, and after a resume.
"""

import warnings
from collections.abc import Iterable, Iterator
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

    Frames that are resident lie on `device` as a whole (0.64 GB for the train part of Human3.6M; on the CPU
    they stay memory-mapped), and a batch is a gather there. Where they do not fit, workers gather batches
    from the memory-mapped store ahead of their use, and these go to the device without the host's waiting.
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
        is_resident: bool = True,
    ) -> None:
        self.n_clips, self.recipe, self.seed, self.device = len(split), recipe, seed, device
        self.rank, self.processes, self.execution, self.is_resident = rank, processes, execution, is_resident
        place = device if is_resident else None
        self.values = [ClipValues(array, split.clips, place) for array in (split.inputs, split.labels)]

    def __len__(self) -> int:
        """Batches per epoch; the last one may be smaller."""
        return -(-self.n_clips // self.recipe.batch_size)

    def epoch(self, number: int, start: int = 0) -> Iterator[list[MicroBatch]]:
        """The micro-batches of each batch that this process computes, from batch `start` on."""
        n, size = self.n_clips, self.recipe.batch_size
        order, flipped = epoch_order(n, self.seed, number, self.recipe.flip)
        parts = self.recipe.gradient_accumulation_steps
        steps = [
            micro_batches(range(first, min(first + size, n)), parts, self.rank, self.processes)
            for first in range(start * size, n, size)
        ]
        # whole orders go to the device once per epoch: copies from pageable memory make the host wait
        flipped = flipped.to(self.device)[:, None, None, None]
        clips = order.to(self.device) if self.is_resident else order.numpy()
        gathered = iter(self._loader([clips[positions] for step in steps for positions, _ in step]))
        for step in steps:
            yield [
                self._augmented(inputs, labels, flipped[positions], weight)
                for (positions, weight), (inputs, labels) in zip(step, gathered, strict=False)
            ]

    def _loader(self, clips: list[Any]) -> Iterable[list[Tensor]]:
        """Inputs and labels of each micro-batch, (B, T, J, 3) as they lie in the store."""
        workers = 0 if self.is_resident else self.execution.num_workers
        return DataLoader(
            _Gathered(self.values, clips),
            batch_size=None,  # an item is a whole micro-batch
            num_workers=workers,
            prefetch_factor=self.execution.prefetch_factor if workers else None,
            multiprocessing_context="fork" if workers else None,  # workers inherit the memory maps
            pin_memory=not self.is_resident and self.execution.pin_memory and self.device.type == "cuda",
            # its own, or it would draw a seed for the workers from the generator that dropout draws from
            generator=torch.Generator(),
        )

    def _augmented(self, inputs: Tensor, labels: Tensor, flips: Tensor, weight: float) -> MicroBatch:
        """Clips and labels relative to the root, mirrored where `flips` (B, 1, 1, 1) says so."""
        inputs, labels = (values.to(self.device, non_blocking=True) for values in (inputs, labels))
        labels = labels - labels[:, :, ROOT : ROOT + 1]
        return MicroBatch(
            torch.where(flips, mirror(inputs), inputs), torch.where(flips, mirror(labels), labels), weight
        )


class ClipValues:
    """An array of the store by clip, (clips, T, J, 3): on `device` as a whole, once for all that are `beside`
    it, or (None) memory-mapped."""

    def __init__(
        self, array: NDArray[Any], clips: NDArray[np.int32], device: torch.device | None,
        beside: "Iterable[ClipValues]" = (),
    ) -> None:  # fmt: skip
        self.array, self.clips = array, clips
        self.on_device: tuple[Tensor, Tensor] | None = None
        if device:
            there = [one.on_device[0] for one in beside if one.on_device and one.array is array]
            values = there[0] if there else _on_device(array, device)
            self.on_device = values, _on_device(clips, device)

    def __getitem__(self, wanted: Any) -> Tensor:
        """The values of some clips, (B, T, J, 3); mapped ones in the memory of the host."""
        if self.on_device:
            values, clips = self.on_device
            return values[clips[wanted]]
        return torch.from_numpy(windows(self.array, self.clips[wanted]))


class _Gathered(Dataset[list[Tensor]]):
    """Some arrays for each of several groups of clips."""

    def __init__(self, values: list[ClipValues], clips: list[Any]) -> None:
        self.values, self.clips = values, clips

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, item: int) -> list[Tensor]:
        return [values[self.clips[item]] for values in self.values]


def _on_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """The whole array on `device`; on the CPU it is not copied, and must not be written to."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.asarray(array)).to(device)


def resident(execution: ExecutionSettings, arrays: list[NDArray[Any]], device: torch.device) -> bool:
    """Whether frames lie on the device as a whole: as asked for, else if they fill at most half of its free
    memory. On the CPU they always do: a memory map costs nothing there, and the system caches it."""
    if execution.data_path != "auto" or device.type != "cuda":
        return execution.data_path != "loader"
    once = {id(array): array.nbytes for array in arrays}
    return sum(once.values()) <= torch.cuda.mem_get_info(device)[0] / 2
