"""The validation after an epoch gives the MPJPE that the protocol of MPI-INF-3DHP gives."""

import numpy as np
import pytest
import torch

from poselift.data.clips import centred_windows
from poselift.data.frame_weights import frame_weights
from poselift.data.sequence import Sequence
from poselift.data.store import Split
from poselift.evaluation.predict import predict
from poselift.evaluation.protocol import evaluate
from poselift.training.validation import Validation


def make_split() -> Split:
    rng = np.random.default_rng(0)
    sequences = [
        Sequence("TS1", "TS1", None, "TS1", 2048, 2048, 0, 30),
        Sequence("TS6", "TS6", None, "TS6", 1920, 1080, 30, 20),
    ]
    width = np.repeat([2048, 1920], [30, 20])
    target = rng.normal(0, 300, (50, 17, 3)).astype(np.float32)
    return Split(
        name="test",
        inputs=rng.normal(size=(50, 17, 3)).astype(np.float32),
        labels=(target - target[:, :1]) / 1024,
        sequence=np.repeat(np.arange(2), [30, 20]).astype(np.int32),
        factor=(2048 / width).astype(np.float32),
        target_mm=target - target[:, :1],
        sequences=sequences,
        clips=centred_windows(sequences, rng.random(50) < 0.7, 5),
        evaluates="centre frame",
    )


def test_centre_frames_count_all_alike():
    split = make_split()
    weights = frame_weights(split)
    assert weights.sum() == pytest.approx(1)
    assert (weights[:, 5 // 2] == 1 / len(split)).all()
    assert np.count_nonzero(weights) == len(split)


def test_agrees_with_the_protocol():
    split = make_split()
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 3)
    device = torch.device("cpu")
    expected = evaluate(predict(model, split, device), split, ["mpjpe"])
    assert Validation(split, device)(model).mpjpe == pytest.approx(expected.mpjpe, rel=1e-5)
