"""Files that are well formed but cannot be right: refused, or warned of, with sequence and frame."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poselift.config.datasets import dataset
from poselift.data import check, plausible, prepare
from poselift.errors import PoseliftError
from poselift.evaluation.metrics import METRICS
from poselift.synthetic import mpi_inf_3dhp as twin

Change = Callable[[Any], object]
THIRD = Path(__file__).parents[1] / "datasets" / "third.py"


def change(*path: Any, by: Callable[[Any], Any]) -> Change:
    """A function that changes a value deep in the content of a file."""

    def changed(content: Any) -> None:
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = by(content[path[-1]])

    return changed


def at(frame: int, value: float) -> Callable[[np.ndarray], np.ndarray]:
    """Put a value at a frame, fourth joint."""

    def put(array: np.ndarray) -> np.ndarray:
        array = array.astype(np.float64)
        array[frame, 3] = value
        return array

    return put


def normalised(pixels: np.ndarray) -> np.ndarray:
    return pixels / 500 - 1


def inverted(content: Any) -> None:
    content["test"]["2.5d_factor"] = 1 / content["test"]["2.5d_factor"]


def leak(content: Any) -> None:
    """The last train sequence in place of the last test sequence, under the name of the test sequence."""
    content["test"]["joint_2d"][8:19] = content["train"]["joint_2d"][9:20]


def same_sequence(content: Any) -> None:
    content["test"]["source"][8:] = ["s_01_act_02_cam_02"] * 11
    content["test"]["camera_name"][8:] = "55011271"


def all_normalised(content: Any) -> None:
    for split in ("train", "test"):
        for key in ("joint_2d", "joint3d_image"):
            content[split][key] = normalised(content[split][key])


FIRST = "(first in sequence s_01_act_02_cam_01, its frame 0, frame 0 of the split)"
IN_SECOND = "(first in sequence s_01_act_02_cam_02, its frame 3, frame 12 of the split)"
TEST_SECOND = "(first in sequence s_11_act_03_subact_02_ca_03, its frame 1, frame 9 of the split)"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            lambda c: c["test"].pop("confidence"),
            ["test: the confidence is missing, but the other split has it"],
        ),
        (lambda c: c["train"].pop("confidence"), ["train: the confidence is missing"]),
        (
            inverted,
            ["test: poses in mm that are not those in the image", "factor inverted?", "frame 0 of the split"],
        ),
        (
            change("test", "joints_2.5d_image", by=lambda a: a / 1000),
            ["test: 3D poses in mm", "another unit"],
        ),
        (change("test", "joints_2.5d_image", by=lambda a: 1.2 * a), ["not those in the image"]),
        (change("test", "joints_2.5d_image", by=lambda a: a[:, ::-1].copy()), ["not those in the image"]),
        (  # in two of 19 frames; one is warned of
            change("test", "joints_2.5d_image", by=lambda a: at(9, 0)(at(10, 0)(a))),
            ["not those in the image", "factor inverted?", TEST_SECOND],
        ),
        (all_normalised, ["train: 2D poses", "normalised already?", FIRST]),
        (change("train", "joint_2d", by=normalised), ["train: 2D poses", "px, expected 3 to", FIRST]),
        (change("test", "joint_2d", by=lambda a: a / 1000), ["test: 2D poses", "normalised already?"]),
        (change("train", "joint3d_image", by=normalised), ["train: 3D poses", "normalised already?", FIRST]),
        (
            change("train", "joint_2d", by=at(12, 1e30)),
            ["train: a 2D joint lies 2e+27 half image", IN_SECOND],
        ),
        (
            change("train", "joint_2d", by=at(12, -1e200)),
            ["train: a 2D joint lies inf half image", IN_SECOND],
        ),
        (change("train", "joint3d_image", by=at(12, 1e30)), ["train: 3D poses: a joint lies", IN_SECOND]),
        (
            change("train", "joint3d_image", by=at(12, 1e300)),
            ["train: 3D poses: a joint lies inf", IN_SECOND],
        ),
        (
            change("test", "joints_2.5d_image", by=at(9, 1e39)),
            ["3D poses in mm: a joint lies inf", TEST_SECOND],
        ),
        (leak, ["test: the same 2D poses as in train"]),
        (
            same_sequence,
            ["test: source: sequence s_01_act_02_cam_02, at frame 8 of the split, is in train as well"],
        ),
    ],
)
def test_what_cannot_be_right_is_refused(raw_content, write_raw, tmp_path, wrong, words):
    content = raw_content(train=LONG, dtype=np.float64)
    wrong(content)
    path = write_raw(content)
    with pytest.raises(PoseliftError) as caught:
        prepare.prepare(dataset("human36m"), {"raw": path}, tmp_path / "store")
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    for word in words:
        assert word in message
    assert not (tmp_path / "store" / "frames").exists()


LONG = (
    ("s_01_act_02_cam_01", "54138969", 9),
    ("s_01_act_02_cam_02", "55011271", 11),
    ("s_01_act_02_cam_01", "54138969", 12),
)


@pytest.mark.parametrize(
    ("strange", "words"),
    [
        (
            change("train", "confidence", by=at(12, 1.5)),
            ["train: confidence outside of 0 to 1: 1 frames", IN_SECOND],
        ),
        (change("test", "confidence", by=at(9, -0.1)), ["test: confidence outside of 0 to 1", TEST_SECOND]),
        (
            change("train", "confidence", by=lambda a: 100 * a),
            ["confidence outside of 0 to 1: 32 frames", FIRST],
        ),
        (change("test", "confidence", by=np.ones_like), ["test: every confidence is the same"]),
        (
            change("test", "joints_2.5d_image", by=at(9, 0)),
            ["not those in the image", "1 frames", TEST_SECOND],
        ),
        (
            lambda c: c["test"].update(source=["s_01_act_03_cam_01"] * 19),
            ["S1 is a subject of train as well"],
        ),
    ],
)
def test_what_is_odd_is_warned_of(raw_content, write_raw, tmp_path, capsys, strange, words):
    content = raw_content(train=LONG)
    strange(content)
    if len(set(content["test"]["source"])) == 1:
        content["test"]["camera_name"][:], content["test"]["action"] = "54138969", ["Walking"] * 19
    check.main(["--raw", str(write_raw(content))])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: {tmp_path / 'raw.pkl'}: ")
    for word in words:
        assert word in line


def test_what_is_right_raises_no_warning(raw_content, write_raw, capsys):
    for content in (raw_content(), raw_content(train=LONG, dtype=np.float64, seed=3)):
        check.main(["--raw", str(write_raw(content))])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (change(0, "S2 Seq1", 0, "4", "data_2d", by=at(2, 1e30)), "train.npz: train: a 2D joint lies"),
        (change(1, "TS5", "data_3d", by=at(1, 1e30)), "test.npz: test: 3D poses: a joint lies"),
        (
            lambda c: c[1].update(TS2={**c[1]["TS2"], "data_2d": c[0]["S1 Seq1"][0]["0"]["data_2d"]}),
            "the same 2D",
        ),
    ],
)
def test_two_files_are_checked_alike(tmp_path, wrong, word):
    settings = twin.Synthetic(train_frames=4, test_frames=4)
    content = twin.generate_train(settings), twin.generate_test(settings)
    wrong(content)
    files = {name: tmp_path / f"{name}.npz" for name in ("train", "test")}
    for path, part in zip(files.values(), content, strict=True):
        twin.write_npz(path, part)
    with pytest.raises(PoseliftError, match=word):
        prepare.read(dataset("mpi_inf_3dhp"), files)


def short(content: Any, length: int, name: str = "s_11_act_03_subact_02_ca_03") -> Any:
    """The content without most of the last test sequence, the only one of its action."""
    keep = 8 + length
    content["test"] = {key: value[:keep] for key, value in content["test"].items()}
    content["test"]["source"][8:] = [name] * length
    return content


@pytest.mark.parametrize(("length", "metric"), [(1, "mpjve"), (2, "acceleration"), (3, None)])
def test_action_that_is_too_short_for_a_metric_is_refused(raw_content, write_raw, length, metric):
    files = {"raw": write_raw(short(raw_content(), length))}
    if metric is None:
        assert prepare.read(dataset("human36m"), files)
        return
    message = f"test: no sequence of action action 1 has the {length + 1} frames that {metric} compares"
    with pytest.raises(PoseliftError, match=message) as caught:
        prepare.read(dataset("human36m"), files)
    assert "sequence s_11_act_03_subact_02_ca_03, its frame 0, frame 8 of the split" in str(caught.value)


def test_action_with_a_sequence_that_is_long_enough_may_have_a_short_one(raw_content, write_raw):
    content = short(raw_content(), 1)
    content["test"]["action"] = ["Walking"] * 9
    assert prepare.read(dataset("human36m"), {"raw": write_raw(content)})


def test_action_whose_sequences_do_not_count_may_be_short(raw_content, write_raw):
    content = short(raw_content(), 1, name="s_09_act_05_subact_02_ca_03")
    assert prepare.read(dataset("human36m"), {"raw": write_raw(content)})


def test_frames_of_metrics_are_one_more_than_their_order():
    needed = {metric.name: metric.order + 1 for metric in METRICS.values() if metric.order}
    assert needed == plausible.FRAMES


def test_metres_for_millimetres_are_refused(tmp_path):
    settings = twin.Synthetic(train_frames=4, test_frames=4)
    train, test = twin.generate_train(settings), twin.generate_test(settings)
    for cameras, _ in train.values():
        for view in cameras.values():
            view["data_3d"] = view["data_3d"] / 1000
    files = {name: tmp_path / f"{name}.npz" for name in ("train", "test")}
    for path, part in zip(files.values(), (train, test), strict=True):
        twin.write_npz(path, part)
    with pytest.raises(PoseliftError, match=r"train: 3D poses: a size of .*S1_Seq1_cam_0"):
        prepare.read(dataset("mpi_inf_3dhp"), files)


def test_data_set_of_ones_own_is_checked_alike(tmp_path):
    source = dataset(str(THIRD))
    poses = np.random.default_rng(0).uniform(100, 400, (2, 2, 12, 17, 3)).astype(np.float32)
    np.savez(tmp_path / "poses.npz", train=poses[0], test=poses[0])
    with pytest.raises(PoseliftError, match="test: the same 2D poses as in train"):
        prepare.read(source, {"poses": tmp_path / "poses.npz"})
    np.savez(tmp_path / "poses.npz", train=poses[0], test=poses[1])
    assert len(prepare.read(source, {"poses": tmp_path / "poses.npz"})["test"]) == 24
