"""MPJPE and P-MPJPE after an epoch, on the training device and without its host waiting in between.

The protocol's averages are linear in the errors of single frames: each frame of each clip has a weight (see
`poselift.data.frame_weights`), and a number is the weighted sum of the errors. These are float32, in the
precision that the run trains in; the final numbers of a paper are those of `poselift evaluate`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poselift.config.run import RunSettings
from poselift.data.batches import ClipValues
from poselift.data.frame_weights import frame_weights
from poselift.data.store import Split, open_split
from poselift.errors import PoseliftError
from poselift.geometry import align, flip_averaged
from poselift.skeleton import ROOT
from poselift.training.distributed import SINGLE_PROCESS, Ranks
from poselift.training.losses import distance
from poselift.training.state import Errors

BATCH = 32
"""Clips at a time."""


def open_splits(store: Path, settings: RunSettings) -> tuple[Split, Split]:
    """What a run trains on and what it is validated on: the store's train and test splits, or the train split
    without and with the subject that is held out alone.

    Raises `PoseliftError` for a subject that is not among the training subjects, or is the only one.
    """

    def opened(name: str) -> Split:
        return open_split(store, name, settings.n_frames, settings.input_2d)

    train, held_out = opened("train"), settings.validation_subject
    if held_out is None:
        return train, opened("test")
    others = [subject for subject in train.subjects() if subject != held_out]
    if held_out not in train.subjects() or not others:
        raise PoseliftError(
            f"validation_subject: {held_out} cannot be held out; the training subjects of {store} are "
            f"{', '.join(train.subjects())}"
        )
    return train.only(others), train.only([held_out])


def target_of(split: Split) -> NDArray[np.float32]:
    """The poses of a split in mm, or its labels if it has none."""
    return split.labels if split.target_mm is None else split.target_mm


class Validation:
    """A split to validate on. Of several processes each takes every n-th batch of the clips that count."""

    def __init__(
        self, split: Split, device: torch.device, is_resident: bool = True, ranks: Ranks = SINGLE_PROCESS,
        beside: Sequence[ClipValues] = (),
    ) -> None:  # fmt: skip
        weights = frame_weights(split)
        counted = np.flatnonzero(weights.any(axis=1))
        self.clips = np.asarray(split.clips)[counted]
        self.unit: Literal["mm", "px"] = "px" if split.factor is None else "mm"
        self.device, self.ranks = device, ranks
        # from normalised to pixels: half the width; from there to mm: the factor
        width = np.array([s.width for s in split.sequences])[split.sequence[self.clips[:, 0]]]
        scale = width[:, None] / 2 * (1 if split.factor is None else split.factor[self.clips])
        self.scale, self.weights = (
            torch.from_numpy(array.astype(np.float32)).to(device)
            for array in (np.broadcast_to(scale, self.clips.shape), weights[counted])
        )
        self.target_in_mm = split.target_mm is not None
        place = device if is_resident else None
        self.inputs, self.target = (
            ClipValues(array, self.clips, place, beside) for array in (split.inputs, target_of(split))
        )

    @torch.inference_mode()
    def __call__(
        self, model: Callable[[Tensor], Tensor], between: Callable[[], None] = lambda: None
    ) -> Errors:
        """The errors of `model`, which is in eval mode; `between` is called before each batch, as often in
        each process."""
        sums = torch.zeros(2, dtype=torch.float64, device=self.device)
        for start in range(0, len(self.clips), BATCH * self.ranks.size):
            between()
            part = slice(start + BATCH * self.ranks.rank, start + BATCH * (self.ranks.rank + 1))
            if part.start >= len(self.clips):
                continue
            prediction = flip_averaged(model, self.inputs[part].to(self.device)).float()
            prediction, target = self._root_relative(prediction, part)
            for i, poses in enumerate((prediction, align(prediction, target))):
                errors = distance(poses, target).mean(dim=-1) * self.weights[part]  # (B, T)
                sums[i] += errors.sum(dtype=torch.float64)
        return Errors(*self.ranks.sum(sums).tolist())  # the one wait for the device

    def _root_relative(self, prediction: Tensor, part: slice) -> tuple[Tensor, Tensor]:
        """Prediction and target (B, T, J, 3) relative to the root, in mm or pixels. The predicted root is
        taken to be 0, so that denormalising the other joints relative to it is a scaling alone."""
        scale = self.scale[part, :, None, None]
        prediction[:, :, ROOT] = 0
        target = self.target[part].to(self.device)
        target = target - target[:, :, ROOT : ROOT + 1]
        return prediction * scale, target if self.target_in_mm else target * scale
