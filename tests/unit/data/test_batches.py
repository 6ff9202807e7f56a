"""Batches of an epoch: each clip once, reproducible, mirrored as asked, root-relative."""

import numpy as np
import pytest
import torch

from poselift.data import prepare
from poselift.data.batches import Batches
from poselift.data.store import Split, open_split
from poselift.skeleton import mirror


@pytest.fixture
def split(raw_content, write_raw, tmp_path) -> Split:
    prepare.main(
        ["--raw", str(write_raw(raw_content())), "--out", str(tmp_path / "store"), "--n-frames", "6"]
    )
    return open_split(tmp_path / "store", "train", 6)


def batches(split: Split, flip: float = 0, seed: int = 0) -> Batches:
    return Batches(split, batch_size=3, flip=flip, seed=seed, device=torch.device("cpu"))


def test_an_epoch_holds_each_clip_once(split):
    inputs = [x for x, _ in batches(split).epoch(0)]
    assert [len(x) for x in inputs] == [3, 3, 1]
    assert len(batches(split)) == 3
    seen = {x.numpy().tobytes() for x in torch.cat(inputs)}
    assert seen == {split.clip(i)[0].tobytes() for i in range(len(split))}


def test_labels_belong_to_inputs_and_are_root_relative(split):
    by_input = {split.clip(i)[0].tobytes(): split.clip(i)[1] for i in range(len(split))}
    for inputs, labels in batches(split).epoch(0):
        for x, y in zip(inputs, labels, strict=True):
            label = by_input[x.numpy().tobytes()]
            np.testing.assert_array_equal(y, label - label[:, :1])


def test_order_depends_on_seed_and_epoch_alone(split):
    def order(seed: int, epoch: int) -> bytes:
        return torch.cat([x for x, _ in batches(split, seed=seed).epoch(epoch)]).numpy().tobytes()

    assert order(0, 4) == order(0, 4)
    assert len({order(seed, epoch) for seed in range(3) for epoch in range(3)}) == 9


def test_flip_one_mirrors_input_and_label(split):
    for (x, y), (mirrored_x, mirrored_y) in zip(
        batches(split, flip=0).epoch(0), batches(split, flip=1).epoch(0), strict=True
    ):
        torch.testing.assert_close(mirrored_x, mirror(x))
        torch.testing.assert_close(mirrored_y, mirror(y))


def test_flip_one_half_mirrors_some_clips_whole(split):
    plain = torch.cat([x for x, _ in batches(split).epoch(1)])
    mixed = torch.cat([x for x, _ in batches(split, flip=0.5).epoch(1)])
    flipped = [not torch.equal(a, b) for a, b in zip(plain, mixed, strict=True)]
    assert 0 < sum(flipped) < len(flipped)
    for a, b, was_flipped in zip(plain, mixed, flipped, strict=True):
        torch.testing.assert_close(b, mirror(a) if was_flipped else a)
