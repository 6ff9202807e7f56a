"""Predictions of a model for the clips of a split."""

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from poselift.data.store import Split
from poselift.geometry import flip_averaged


@torch.inference_mode()
def predict(model: nn.Module, split: Split, device: torch.device, batch_size: int = 32) -> Tensor:
    """Predictions (clips, T, J, 3), float32, normalised, on `device`: `flip_averaged` of each clip.

    `model` has to be on `device`; it is put into eval mode and back into the mode it was in.
    """
    training = model.training
    model.eval()
    predictions = torch.empty(*split.clips.shape, *split.labels.shape[1:], device=device)
    starts = range(0, len(split), batch_size)
    for start in tqdm(starts, desc="predicting", unit="batch", leave=False, disable=None):
        clips = np.asarray(split.clips[start : start + batch_size])
        inputs = torch.from_numpy(split.inputs[clips]).to(device)  # (B, T, J, 3)
        predictions[start : start + batch_size] = flip_averaged(model, inputs)
    model.train(training)
    return predictions
