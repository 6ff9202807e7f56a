"""Batches of training clips, gathered and augmented on the device that holds the frames."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from poselift.data.store import Split
from poselift.skeleton import ROOT, mirror


class Batches:
    """The batches of an epoch: every clip once, in an order that depends on seed and epoch alone.

    The frames of the split are copied to `device` once (0.64 GB for the train part of Human3.6M); a batch is
    a gather there. Random numbers are drawn on the CPU, so that batches are equal on every device.
    """

    def __init__(self, split: Split, batch_size: int, flip: float, seed: int, device: torch.device) -> None:
        self.inputs = torch.from_numpy(np.array(split.inputs)).to(device)
        self.labels = torch.from_numpy(np.array(split.labels)).to(device)
        self.clips = torch.from_numpy(np.array(split.clips)).to(device)
        self.batch_size = batch_size
        self.flip = flip
        self.seed = seed

    def __len__(self) -> int:
        """Batches an epoch; the last one may be smaller."""
        return -(-len(self.clips) // self.batch_size)

    def epoch(self, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and root-relative labels, (B, T, J, 3) normalised; with probability `flip` both mirrored."""
        # two words of entropy: neighbouring seeds and epochs share no order
        generator = torch.Generator().manual_seed(
            int(np.random.SeedSequence([self.seed, number]).generate_state(1, np.uint64)[0] >> np.uint64(1))
        )
        order = torch.randperm(len(self.clips), generator=generator)
        flipped = torch.rand(len(self.clips), generator=generator) < self.flip
        device = self.clips.device
        for chosen, flips in zip(order.split(self.batch_size), flipped.split(self.batch_size), strict=True):
            frames = self.clips[chosen.to(device)]
            inputs, labels = self.inputs[frames], self.labels[frames]
            labels = labels - labels[:, :, ROOT : ROOT + 1]
            flips = flips.to(device)[:, None, None, None]
            yield torch.where(flips, mirror(inputs), inputs), torch.where(flips, mirror(labels), labels)
