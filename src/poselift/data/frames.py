"""The frames of a data set's file, read and checked: what a reader gives and the frame store is made from."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from poselift.data.normalise import normalise
from poselift.data.sequence import Sequence
from poselift.skeleton import N_JOINTS

CHUNK = 50_000
"""Frames that are checked or converted at a time: large enough to be fast, small enough to need no memory."""


def chunks(length: int) -> Iterator[slice]:
    """Slices of at most `CHUNK` that cover `length` in order."""
    return (slice(start, min(start + CHUNK, length)) for start in range(0, length, CHUNK))


def named(sequences: list[Sequence], frame: int) -> str:
    """The end of an error that is first at this frame of a split."""
    of = next(each for each in sequences if frame < each.first_frame + each.length)
    offset = frame - of.first_frame
    return f" (first in sequence {of.name}, its frame {offset}, frame {frame} of the split)"


@dataclass(frozen=True, kw_only=True)
class Frames:
    """One split of N frames with J = 17 joints in Human3.6M's order. A data set adds `labels`."""

    sequences: list[Sequence]
    joint_2d: NDArray[np.floating]
    """(N, J, 2) px"""
    confidence: NDArray[np.floating] | None = None
    """(N, J) of the detector; None for 1"""
    factor: NDArray[np.floating] | None = None
    """(N,) mm per pixel; test only"""
    target_mm: NDArray[np.floating] | None = None
    """(N, J, 3) mm; test only"""
    valid: NDArray[np.bool_] | None = None
    """(N,) the frames that are evaluated; test only"""

    def __len__(self) -> int:
        return len(self.joint_2d)

    def labels(self, part: slice) -> NDArray[np.floating]:
        """The 2.5D poses of some frames, (n, J, 3), normalised."""
        raise NotImplementedError

    def inputs(self, part: slice) -> NDArray[np.float32]:
        """The input of the model for some frames, (n, J, 3): x, y (normalised) and confidence."""
        block = np.ones((part.stop - part.start, N_JOINTS, 3), dtype=np.float32)
        block[..., :2] = normalise(self.joint_2d[part], *self.image_size(part))
        if self.confidence is not None:
            block[..., 2] = self.confidence[part]
        return block

    @cached_property
    def sequence(self) -> NDArray[np.int32]:
        """The position of each frame's sequence, (N,)."""
        lengths = [sequence.length for sequence in self.sequences]
        return np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)

    @cached_property
    def _sizes(self) -> NDArray[np.float32]:
        return np.array([(sequence.width, sequence.height) for sequence in self.sequences], np.float32)

    def image_size(self, part: slice) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Width and height of the images of some frames, px, (n, 1) each."""
        sizes = self._sizes[self.sequence[part]]
        return sizes[:, :1], sizes[:, 1:]
