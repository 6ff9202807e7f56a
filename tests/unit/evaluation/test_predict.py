"""Flip averaging: what the mirror image is, and that both halves of the average count."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from poselift.data.store import Split
from poselift.evaluation.predict import predict
from poselift.geometry import mirror
from poselift.skeleton import BONES, JOINTS

CPU = torch.device("cpu")
CLIPS = [list(range(4 * i, 4 * i + 4)) for i in range(5)]


def test_mirror_takes_left_for_right_and_negates_x_only() -> None:
    poses = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 5, 17, 3)))
    mirrored = mirror(poses)
    for j, name in enumerate(JOINTS):
        other = name.replace("left", "?").replace("right", "left").replace("?", "right")
        taken = poses[:, :, JOINTS.index(other)]
        np.testing.assert_array_equal(mirrored[:, :, j, 0], -taken[..., 0])
        np.testing.assert_array_equal(mirrored[:, :, j, 1:], taken[..., 1:])
    np.testing.assert_array_equal(mirror(mirrored), poses)


def test_mirror_leaves_its_argument_alone() -> None:
    poses = torch.ones(1, 17, 3)
    mirror(poses)
    assert (poses == 1).all()


def test_mirror_keeps_bone_lengths() -> None:
    pose = torch.from_numpy(np.random.default_rng(0).normal(size=(17, 3)))
    image = mirror(pose)
    lengths, mirrored = ({b: np.linalg.norm(p[b[0]] - p[b[1]]) for b in BONES} for p in (pose, image))
    assert mirrored[(11, 12)] == pytest.approx(lengths[(14, 15)])  # left upper arm, right upper arm
    assert mirrored[(7, 8)] == pytest.approx(lengths[(7, 8)])
    assert sorted(mirrored.values()) == pytest.approx(sorted(lengths.values()))


class Biased(nn.Module):
    """Gives its input, with something added to the right wrist alone; more in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("bias", torch.zeros(17, 3))
        self.bias[JOINTS.index("right wrist")] = torch.tensor([2.0, 4.0, 6.0])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias + (100 if self.training else 0)


def test_prediction_is_the_mean_of_both_views(make_split: Callable[..., Split]) -> None:
    split = make_split([{"length": 20}], CLIPS)
    expected = torch.from_numpy(split.inputs[split.clips])
    expected[:, :, JOINTS.index("right wrist")] += torch.tensor([1.0, 2, 3])
    expected[:, :, JOINTS.index("left wrist")] += torch.tensor([-1.0, 2, 3])
    predictions = predict(Biased(), split, CPU, batch_size=2)
    assert predictions.dtype == torch.float32
    torch.testing.assert_close(predictions, expected)


def test_batches_do_not_matter(make_split: Callable[..., Split]) -> None:
    split = make_split([{"length": 20}], CLIPS)
    model = Biased()
    assert torch.equal(predict(model, split, CPU, 1), predict(model, split, CPU, 16))


@pytest.mark.parametrize("training", [True, False])
def test_the_model_goes_back_to_its_mode(make_split: Callable[..., Split], training: bool) -> None:
    model = Biased().train(training)
    predict(model, make_split([{"length": 20}], CLIPS), CPU, 2)
    assert model.training is training
