"""Batches of an epoch: each clip once, reproducible, mirrored as asked, root-relative, equal on both ways."""

import numpy as np
import pytest
import torch

from poselift.config.run import ExecutionSettings, TrainingSettings
from poselift.data import prepare
from poselift.data.batches import Batches, MicroBatch, micro_batches, resident
from poselift.data.store import Split, open_split
from poselift.geometry import mirror

CPU = torch.device("cpu")


@pytest.fixture
def split(raw_content, write_raw, tmp_path) -> Split:
    prepare.main(
        ["--raw", str(write_raw(raw_content())), "--out", str(tmp_path / "store"), "--n-frames", "6"]
    )
    return open_split(tmp_path / "store", "train", 6)


def recipe(flip: float, parts: int = 1) -> TrainingSettings:
    return TrainingSettings(batch_size=3, flip=flip, gradient_accumulation_steps=parts)


def batches(split: Split, flip: float = 0, seed: int = 0, **more: int) -> Batches:
    return Batches(split, recipe(flip), seed, CPU, **more)


def epoch(of: Batches, number: int = 0, start: int = 0) -> list[MicroBatch]:
    return [part for step in of.epoch(number, start) for part in step]


def test_an_epoch_holds_each_clip_once(split):
    inputs = [part.inputs for part in epoch(batches(split))]
    assert [len(x) for x in inputs] == [3, 3, 1]
    assert len(batches(split)) == 3
    seen = {x.numpy().tobytes() for x in torch.cat(inputs)}
    assert seen == {split.clip(i)[0].tobytes() for i in range(len(split))}


def test_labels_belong_to_inputs_and_are_root_relative(split):
    by_input = {split.clip(i)[0].tobytes(): split.clip(i)[1] for i in range(len(split))}
    for inputs, labels, _ in epoch(batches(split)):
        for x, y in zip(inputs, labels, strict=True):
            label = by_input[x.numpy().tobytes()]
            np.testing.assert_array_equal(y, label - label[:, :1])


def test_order_depends_on_seed_and_epoch_alone(split):
    def order(seed: int, number: int) -> bytes:
        return torch.cat([x for x, _, _ in epoch(batches(split, seed=seed), number)]).numpy().tobytes()

    assert order(0, 4) == order(0, 4)
    assert len({order(seed, number) for seed in range(3) for number in range(3)}) == 9


def test_epoch_can_be_entered_in_its_midst(split):
    whole, rest = epoch(batches(split, flip=0.5), 2), epoch(batches(split, flip=0.5), 2, start=1)
    assert len(rest) == 2
    for a, b in zip(whole[1:], rest, strict=True):
        assert torch.equal(a.inputs, b.inputs)
        assert torch.equal(a.labels, b.labels)


def test_flip_one_mirrors_input_and_label(split):
    for plain, mirrored in zip(epoch(batches(split)), epoch(batches(split, flip=1)), strict=True):
        torch.testing.assert_close(mirrored.inputs, mirror(plain.inputs))
        torch.testing.assert_close(mirrored.labels, mirror(plain.labels))


def test_flip_one_half_mirrors_some_clips_whole(split):
    plain = torch.cat([part.inputs for part in epoch(batches(split), 1)])
    mixed = torch.cat([part.inputs for part in epoch(batches(split, flip=0.5), 1)])
    flipped = [not torch.equal(a, b) for a, b in zip(plain, mixed, strict=True)]
    assert 0 < sum(flipped) < len(flipped)
    for a, b, was_flipped in zip(plain, mixed, flipped, strict=True):
        torch.testing.assert_close(b, mirror(a) if was_flipped else a)


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_give_the_same_bits(split, workers):
    execution = ExecutionSettings(data_path="loader", num_workers=workers)
    loaded = Batches(split, recipe(0.5, parts=2), 7, CPU, execution=execution, is_resident=False)
    random_state = torch.get_rng_state()
    for number, start in ((0, 0), (1, 1)):
        expected = epoch(Batches(split, recipe(0.5, parts=2), 7, CPU), number, start)
        for a, b in zip(epoch(loaded, number, start), expected, strict=True):
            assert a.weight == b.weight
            assert torch.equal(a.inputs, b.inputs)
            assert torch.equal(a.labels, b.labels)
    assert torch.equal(torch.get_rng_state(), random_state)  # that dropout draws from


@pytest.mark.parametrize("pinned", [True, False])
def test_workers_read_as_they_are_told(split, pinned):
    execution = ExecutionSettings(num_workers=1, prefetch_factor=5, pin_memory=pinned)
    told = Batches(split, recipe(0), 7, torch.device("cuda"), execution=execution, is_resident=False)
    loader = told._loader([])
    assert (loader.num_workers, loader.prefetch_factor, loader.pin_memory) == (1, 5, pinned)


@pytest.mark.parametrize("parts", [1, 2, 3, 5])
@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("length", [1, 2, 5, 8])
def test_micro_batches_are_the_whole_batch_once_and_as_many_for_each_process(length, parts, processes):
    batch = range(10, 10 + length)
    dealt = [micro_batches(batch, parts, rank, processes) for rank in range(processes)]
    assert len({len(mine) for mine in dealt}) == 1
    assert len(dealt[0]) <= parts
    real = [(positions, weight) for mine in dealt for positions, weight in mine if weight]
    assert [i for positions, _ in real for i in range(positions.start, positions.stop)] == list(batch)
    for positions, weight in real:
        assert weight == pytest.approx((positions.stop - positions.start) / length)
    for positions in (positions for mine in dealt for positions, weight in mine if not weight):
        assert positions == slice(10, 11)  # something to compute with


def test_processes_deal_an_epoch_out(split):
    whole = epoch(batches(split, flip=0.5))
    dealt = [list(batches(split, flip=0.5, rank=rank, processes=2).epoch(0)) for rank in range(2)]
    for step, (a, b) in enumerate(zip(*dealt, strict=True)):
        real = [part.inputs for part in a + b if part.weight]
        assert torch.equal(torch.cat(real), whole[step].inputs)


def test_frames_lie_on_the_device_where_they_fit(split, monkeypatch):
    arrays = [split.inputs, split.labels]
    size = sum(array.nbytes for array in arrays)
    auto, cuda = ExecutionSettings(), torch.device("cuda")
    assert resident(auto, arrays, CPU)
    for free, expected in ((2 * size, True), (2 * size - 2, False)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _, free=free: (free, 10 * size))
        assert resident(auto, arrays, cuda) is expected
    assert resident(auto, [*arrays, *arrays], cuda) is False
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (2 * size, 10 * size))
    assert resident(auto, [*arrays, *arrays], cuda)  # of the same arrays there is one
    assert not resident(ExecutionSettings(data_path="loader"), arrays, CPU)
    assert resident(ExecutionSettings(data_path="device"), arrays, cuda)
