"""The error of an epoch against the protocol's own evaluation, and against a definition in pixels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from poselift.data import prepare
from poselift.data.frame_weights import frame_weights
from poselift.data.store import Split, open_split
from poselift.errors import PoseliftError
from poselift.evaluation.predict import predict
from poselift.evaluation.protocol import evaluate_human36m
from poselift.training import validation as module
from poselift.training.validation import Validation, open_splits

CPU = torch.device("cpu")

TEST_RUNS = (
    ("s_09_act_02_subact_01_ca_01", "54138969", 8),
    ("s_09_act_02_subact_02_ca_02", "55011271", 13),
    ("s_11_act_03_subact_02_ca_03", "58860488", 3),  # stretched: its frames repeat
    ("s_09_act_05_subact_02_ca_01", "54138969", 9),  # faulty ground truth
    ("s_11_act_04_subact_02_ca_03", "58860488", 11),
)


class Wild(nn.Module):
    """Some function of its input that is neither right nor symmetric."""

    def forward(self, x: Tensor) -> Tensor:
        return (
            torch.sin(3 * x.roll(1, dims=-1)) * torch.linspace(0.1, 0.4, 17)[:, None] + x.roll(1, dims=1) / 5
        )


@pytest.fixture
def make_store(raw_content, write_raw, tmp_path):
    def make(**content: object) -> Path:
        raw = raw_content(**content)
        # two of the runs are of one action
        raw["test"]["action"] = ["Eating" if a == "action 1" else a for a in raw["test"]["action"]]
        prepare.main(["--raw", str(write_raw(raw)), "--out", str(tmp_path / "store"), "--n-frames", "4"])
        return tmp_path / "store"

    return make


def overlapping(split: Split) -> Split:
    """The split with clips that begin at every second frame, beside those that are stretched."""
    runs = [(s.first_frame, s.length) for s in split.sequences if s.length >= 4]
    starts = [first + i for first, length in runs for i in range(0, length - 3, 2)]
    stretched = split.clips[(split.clips[:, 1:] == split.clips[:, :-1]).any(axis=1)]
    regular = np.array([range(start, start + 4) for start in starts], dtype=np.int32)
    return replace(split, clips=np.concatenate([regular, stretched]))


@pytest.mark.parametrize("arrange", [lambda split: split, overlapping], ids=["as prepared", "overlapping"])
@pytest.mark.parametrize("is_resident", [True, False])
def test_numbers_are_the_protocols(make_store, arrange, is_resident, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 3)
    split = arrange(open_split(make_store(test=TEST_RUNS), "test", 4))
    expected = evaluate_human36m(predict(Wild(), split, CPU), split)
    validation = Validation(split, CPU, is_resident)
    found = validation(Wild())
    assert validation.unit == "mm"
    assert found.mpjpe == pytest.approx(expected.mpjpe, rel=1e-5)
    assert found.p_mpjpe == pytest.approx(expected.p_mpjpe, rel=1e-4)


def test_weights_are_one_in_all_and_none_for_faulty_sequences(make_store):
    split = open_split(make_store(test=TEST_RUNS), "test", 4)
    weights = frame_weights(split)
    assert weights.sum() == pytest.approx(1)
    faulty = split.sequence[split.clips[:, 0]] == 3
    assert faulty.any()
    assert not weights[faulty].any()
    assert (weights[~faulty].sum(axis=1) > 0).all()


def test_held_out_subject_is_measured_in_pixels(make_store, settings):
    runs = (
        ("s_01_act_02_cam_01", "54138969", 9),
        ("s_08_act_02_cam_02", "55011271", 7),
        ("s_08_act_03_cam_01", "54138969", 6),
    )
    store = make_store(train=runs)
    train, held_out = open_splits(store, settings(validation_subject="S8"))
    assert train.subjects() == ["S1"]
    assert held_out.subjects() == ["S8"]
    whole = open_split(store, "train", 4)
    assert len(train) + len(held_out) == len(whole)

    validation = Validation(held_out, CPU)
    assert validation.unit == "px"
    prediction = predict(Wild(), held_out, CPU).numpy()
    prediction[:, :, 0] = 0
    errors: dict[int, list[float]] = {}  # by frame, of each clip that sees it
    for frames, poses in zip(held_out.clips, prediction, strict=True):
        for frame, pose in zip(frames, poses, strict=True):
            label = held_out.labels[frame] - held_out.labels[frame, 0]
            distance = np.linalg.norm(pose - label, axis=-1).mean() * 1000 / 2  # images are 1000 px wide
            errors.setdefault(int(frame), []).append(distance)
    expected = np.mean([np.mean(of_frame) for of_frame in errors.values()])
    assert validation(Wild()).mpjpe == pytest.approx(expected, rel=1e-5)


def test_unknown_or_only_subject_is_refused(make_store, settings):
    store = make_store()
    with pytest.raises(PoseliftError, match=r"validation_subject: S9 cannot be held out; .* are S1"):
        open_splits(store, settings(validation_subject="S9"))
    with pytest.raises(PoseliftError, match="S1 cannot be held out"):
        open_splits(store, settings(validation_subject="S1"))


def test_ground_truth_input_is_the_labels_own(make_store, settings):
    for split in open_splits(make_store(), settings(input_2d="ground_truth")):
        np.testing.assert_array_equal(split.inputs[..., :2], split.labels[..., :2])
        assert (split.inputs[..., 2] == 1).all()
        assert split.labels[:, 0, :2].any()  # not root-relative
