"""Predictions of a model for the clips of a split."""

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from poselift.data.store import Split
from poselift.skeleton import mirror


@torch.inference_mode()
def predict(model: nn.Module, split: Split, device: torch.device, batch_size: int = 32) -> Tensor:
    """Predictions (clips, T, J, 3), float32, normalised, on `device`: the mean of the model's output for each
    clip and of the mirrored output for its mirror image (flip test-time augmentation).

    `model` has to be on `device`; it is put into eval mode and back into the mode it was in.
    """
    training = model.training
    model.eval()
    predictions = torch.empty(*split.clips.shape, *split.labels.shape[1:], device=device)
    starts = range(0, len(split), batch_size)
    for start in tqdm(starts, desc="predicting", unit="batch", leave=False, disable=None):
        clips = np.asarray(split.clips[start : start + batch_size])
        inputs = torch.from_numpy(split.inputs[clips]).to(device)  # (B, T, J, 3)
        predictions[start : start + batch_size] = (model(inputs) + mirror(model(mirror(inputs)))) / 2
    model.train(training)
    return predictions
