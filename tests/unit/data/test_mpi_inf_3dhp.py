"""MPI-INF-3DHP: reading and checking the two files, the store, the clips, and the synthetic twin."""

import copy
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from poselift.config.datasets import dataset
from poselift.data import clips, prepare
from poselift.data.sequence import Sequence
from poselift.data.store import open_split
from poselift.datasets.mpi_inf_3dhp import Synthetic, raw
from poselift.errors import PoseliftError
from poselift.geometry import mirror
from poselift.skeleton import JOINTS, LEFT, RIGHT
from poselift.synthetic import __main__ as synthetic
from poselift.synthetic import mpi_inf_3dhp as twin

TINY = Synthetic(train_frames=30, test_frames=23)

# Human3.6M's joints by the names that MPI-INF-3DHP gives them
SAME_JOINT = {
    "hip": "pelvis", "right hip": "right hip", "right knee": "right knee", "right foot": "right ankle",
    "left hip": "left hip", "left knee": "left knee", "left foot": "left ankle", "spine": "spine",
    "thorax": "neck", "neck": "head", "head": "head top", "left shoulder": "left shoulder",
    "left elbow": "left elbow", "left wrist": "left wrist", "right shoulder": "right shoulder",
    "right elbow": "right elbow", "right wrist": "right wrist",
}  # fmt: skip


@pytest.fixture(scope="module")
def made() -> tuple[dict[str, Any], dict[str, Any]]:
    """The content of the two files; not to be changed."""
    return twin.generate_train(TINY), twin.generate_test(TINY)


@pytest.fixture
def content(made: tuple[dict[str, Any], dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The content of the two files, to change."""
    return copy.deepcopy(made)


@pytest.fixture(scope="module")
def files(made: tuple[dict[str, Any], dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.npz and test.npz."""
    folder = tmp_path_factory.mktemp("3dhp")
    for name, part in zip(("train", "test"), made, strict=True):
        twin.write_npz(folder / f"{name}.npz", part)
    return folder


def prepare_files(folder: Path, store: Path) -> None:
    """Make the store of train.npz and test.npz."""
    files = {split: folder / f"{split}.npz" for split in ("train", "test")}
    prepare.prepare(dataset("mpi_inf_3dhp"), files, store)


@pytest.fixture(scope="module")
def store(files: Path) -> Path:
    """The frame store of `files`, with clips of 9 and of 8 frames."""
    prepare_files(files, files / "store")
    for n_frames in (9, 8):
        clips.make_clips(files / "store", n_frames)
    return files / "store"


def test_joints_are_brought_into_the_order_of_human36m_by_name(content, tmp_path):
    train, _ = content
    place = np.arange(17.0)
    views = train["S3 Seq2"][0]
    views["4"]["data_3d"] = np.broadcast_to(place[None, :, None], (30, 17, 3)).copy()
    twin.write_npz(tmp_path / "train.npz", train)
    recordings = {r.name: r for r in raw.read_train(tmp_path / "train.npz")}
    read = recordings["S3_Seq2_cam_4"].joint_3d[0, :, 0].astype(int)
    assert [raw.JOINTS[i] for i in read] == [SAME_JOINT[name] for name in JOINTS]


def test_left_and_right_of_the_files_are_left_and_right_of_the_skeleton():
    left, right = (5, 6, 7, 11, 12, 13), (2, 3, 4, 8, 9, 10)
    assert {raw.TO_HUMAN36M[j] for j in LEFT} == set(left)
    assert {raw.TO_HUMAN36M[j] for j in RIGHT} == set(right)
    assert all(raw.JOINTS[i].startswith("left") for i in left)
    # mirrored in one order or in the other
    swapped = np.arange(17)
    swapped[[5, 6, 7, 11, 12, 13, 2, 3, 4, 8, 9, 10]] = [2, 3, 4, 8, 9, 10, 5, 6, 7, 11, 12, 13]
    pose = np.random.default_rng(0).normal(size=(17, 3))
    there = pose[swapped] * [-1, 1, 1]
    order = list(raw.TO_HUMAN36M)
    np.testing.assert_array_equal(mirror(torch.from_numpy(pose[order])), there[order])


def test_files_have_all_sequences_cameras_and_sizes(files):
    train, test = raw.read_train(files / "train.npz"), raw.read_test(files / "test.npz")
    assert len(train) == 8 * 2 * 8
    assert [r.camera for r in train[:8]] == ["0", "1", "2", "4", "5", "6", "7", "8"]
    assert len({r.name for r in train}) == 128
    assert {r.subject for r in train} == {f"S{i}" for i in range(1, 9)}
    assert {(r.width, r.height) for r in train} == {(2048, 2048)}
    sizes = {r.name: (r.width, r.height) for r in test}
    assert list(sizes) == ["TS1", "TS2", "TS3", "TS4", "TS5", "TS6"]
    assert sizes["TS4"] == (2048, 2048)
    assert sizes["TS5"] == sizes["TS6"] == (1920, 1080)


def test_file_of_numpy_itself_is_read_alike(made, files, tmp_path):
    np.savez_compressed(tmp_path / "by_numpy.npz", data=made[1])
    for mine, numpys in zip(
        raw.read_test(files / "test.npz"), raw.read_test(tmp_path / "by_numpy.npz"), strict=True
    ):
        np.testing.assert_array_equal(mine.joint_2d, numpys.joint_2d)
        np.testing.assert_array_equal(mine.valid, numpys.valid)
    with np.load(files / "test.npz", allow_pickle=True) as archive:
        content = archive["data"].item()
    np.testing.assert_array_equal(content["TS6"]["data_3d"], made[1]["TS6"]["data_3d"])


def change(part: int, *path: Any, to: Any) -> Any:
    """A function that changes a value deep in the content of one file."""

    def changed(content: tuple[Any, Any]) -> None:
        value = content[part]
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = to(value[path[-1]]) if callable(to) else to

    return changed


def remove(part: int, *path: Any) -> Any:
    def changed(content: tuple[Any, Any]) -> None:
        value = content[part]
        for step in path[:-1]:
            value = value[step]
        del value[path[-1]]

    return changed


def with_nan(array: np.ndarray) -> np.ndarray:
    array[7, 3, 0] = np.nan
    return array


FAULTS = {
    "sequence missing": (remove(0, "S5 Seq1"), ["train.npz", "sequence S5 Seq1 is missing"]),
    "camera missing": (remove(0, "S2 Seq2", 0, "7"), ["S2 Seq2", "camera 7 is missing"]),
    "camera by number": (
        lambda content: content[0]["S2 Seq2"][0].__setitem__(3, {}),
        ["S2 Seq2", "unknown camera 3"],
    ),
    "not a pair": (change(0, "S1 Seq1", to={}), ["S1 Seq1", "[cameras, frames per second]", "dict"]),
    "no speed": (change(0, "S1 Seq1", 1, to=0), ["S1 Seq1", "frames per second above 0", "0"]),
    "no 2D": (remove(0, "S1 Seq1", 0, "0", "data_2d"), ["S1 Seq1, camera 0", "data_2d is missing"]),
    "shape": (
        change(0, "S4 Seq1", 0, "8", "data_3d", to=lambda a: a[:, :16]),
        ["S4 Seq1, camera 8: data_3d", "(T, 17, 3)", "(30, 16, 3)"],
    ),
    "length": (
        change(0, "S4 Seq1", 0, "8", "data_3d", to=lambda a: a[:-1]),
        ["S4 Seq1, camera 8: data_3d", "29 frames", "30"],
    ),
    "empty": (
        change(0, "S4 Seq1", 0, "8", "data_2d", to=lambda a: a[:0]),
        ["S4 Seq1, camera 8: data_2d", "no frames"],
    ),
    "NaN": (
        change(0, "S8 Seq2", 0, "5", "data_2d", to=with_nan),
        ["S8 Seq2, camera 5: data_2d", "NaN", "frame 7"],
    ),
    "type": (
        change(1, "TS2", "data_2d", to=lambda a: a.astype(int)),
        ["test.npz", "TS2: data_2d", "float32 or float64", "int64"],
    ),
    "list": (change(1, "TS2", "data_2d", to=[1, 2]), ["TS2: data_2d", "an array", "list"]),
    "test sequence missing": (remove(1, "TS6"), ["sequence TS6 is missing"]),
    "no valid frame": (change(1, "TS3", "valid", to=np.zeros_like), ["TS3: valid", "no frame is valid"]),
    "valid no flag": (
        change(1, "TS3", "valid", to=lambda a: a + np.eye(23)[4]),
        ["TS3: valid", "expected 0 or 1, found 2.0 in frame 4"],
    ),
    "valid no numbers": (
        change(1, "TS3", "valid", to=lambda a: a.astype(str)),
        ["TS3: valid", "expected 0 or 1 per frame", "<U"],
    ),
    "valid too short": (
        change(1, "TS3", "valid", to=lambda a: a[1:]),
        ["TS3: valid", "(23,)", "(22,)"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_content_is_named_in_one_line(fault, content, tmp_path):
    break_it, words = FAULTS[fault]
    break_it(content)
    for name, part in zip(("train", "test"), content, strict=True):
        twin.write_npz(tmp_path / f"{name}.npz", part)
    with pytest.raises(PoseliftError) as error:
        prepare_files(tmp_path, tmp_path / "store")
    message = str(error.value)
    assert "\n" not in message
    for word in words:
        assert word in message
    assert not (tmp_path / "store" / "frames").exists()


def message_of(path: Path) -> str:
    with pytest.raises(PoseliftError) as error:
        raw.read_test(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
    return str(error.value)


def test_missing_file_says_where_it_belongs(files, tmp_path):
    files = {"train": files / "train.npz", "test": tmp_path / "nowhere.npz"}
    with pytest.raises(PoseliftError) as error:
        prepare.prepare(dataset("mpi_inf_3dhp"), files, tmp_path / "store")
    for words in ("nowhere.npz: no such file", "its key `test`", "vcai.mpi-inf.mpg.de"):
        assert words in str(error.value)
    assert "no such file" in message_of(tmp_path / "nowhere.npz")


@pytest.mark.parametrize("share", [0.0, 0.4, 0.98])
def test_file_cut_short_is_refused(share, files, tmp_path):
    whole = (files / "test.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: int(share * len(whole))])
    assert "not a whole npz" in message_of(tmp_path / "cut.npz")


def test_changed_number_is_refused(files, tmp_path):
    """Without compression only the checksum tells that a digit has changed."""
    with zipfile.ZipFile(files / "test.npz") as packed, zipfile.ZipFile(tmp_path / "flat.npz", "w") as flat:
        flat.writestr("data.npy", packed.read("data.npy"))
    damaged = bytearray((tmp_path / "flat.npz").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    assert len(raw.read_test(tmp_path / "flat.npz")) == 6
    (tmp_path / "damaged.npz").write_bytes(damaged)
    assert "Bad CRC-32" in message_of(tmp_path / "damaged.npz")


def test_changed_byte_is_refused(files, tmp_path):
    damaged = bytearray((files / "test.npz").read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    (tmp_path / "damaged.npz").write_bytes(damaged)
    assert "not a whole" in message_of(tmp_path / "damaged.npz")


def test_other_members_are_refused(tmp_path):
    np.savez(tmp_path / "other.npz", annot2=np.zeros(3), annot3=np.zeros(3))
    assert "annot2.npy, annot3.npy" in message_of(tmp_path / "other.npz")
    np.savez(tmp_path / "plain.npz", data=np.zeros((3, 2)))
    assert "float64 of shape (3, 2)" in message_of(tmp_path / "plain.npz")
    np.savez(tmp_path / "list.npz", data=np.array([1, "a"], dtype=object))
    assert "object of shape (2,)" in message_of(tmp_path / "list.npz")
    with zipfile.ZipFile(tmp_path / "text.npz", "w") as archive:
        archive.writestr("data.npy", b"no array at all")
    assert "not an array of numpy" in message_of(tmp_path / "text.npz")


class Runs:
    """What a pickle can do to who loads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_member_that_is_code_is_refused_and_not_run(made, tmp_path):
    evil = {**made[1], "TS1": Runs(tmp_path / "ran")}
    twin.write_npz(tmp_path / "evil.npz", evil)
    assert "could run code" in message_of(tmp_path / "evil.npz")
    assert not (tmp_path / "ran").exists()


def test_member_that_unpacks_to_too_much_is_refused(files, monkeypatch):
    monkeypatch.setattr(raw, "MAX_BYTES", 1000)
    assert "unpacks to" in message_of(files / "test.npz")


def test_store_holds_normalised_input_and_labels_in_units_of_1024_mm(made, store):
    train, test = (open_split(store, name, 9) for name in ("train", "test"))
    order = [raw.FROM_HUMAN36M.index(j) for j in range(17)]
    first = 30 * (8 * 3 + 2)  # S2 Seq2, third camera
    entry = made[0]["S2 Seq2"][0]["2"]
    inputs, labels = train.inputs[first : first + 30], train.labels[first : first + 30]
    np.testing.assert_allclose(inputs[..., :2], entry["data_2d"][:, order] / 1024 - 1, atol=1e-6)
    assert (inputs[..., 2] == 1).all()
    pelvis = entry["data_3d"][:, 14:15]
    np.testing.assert_allclose(labels * 1024, (entry["data_3d"] - pelvis)[:, order], atol=1e-3)
    assert (labels[:, 0] == 0).all()

    outdoors = made[1]["TS5"]
    part = slice(4 * 23, 5 * 23)
    inputs, labels = test.inputs[part], test.labels[part]
    np.testing.assert_allclose(inputs[..., 0], outdoors["data_2d"][:, order, 0] / 960 - 1, atol=1e-6)
    np.testing.assert_allclose(inputs[..., 1], outdoors["data_2d"][:, order, 1] / 960 - 0.5625, atol=1e-6)
    relative = (outdoors["data_3d"] - outdoors["data_3d"][:, 14:15])[:, order]
    np.testing.assert_allclose(labels * 1024, relative, atol=1e-3)
    np.testing.assert_allclose(test.target_mm[part], relative, atol=1e-3)
    assert test.factor[0] == 1
    # the published code takes 1 here too, and so shrinks its predictions to 1920 / 2048
    assert 1 / test.factor[part] == pytest.approx(np.full(23, 1920 / 2048))
    assert train.evaluates == test.evaluates == "centre frame"


def test_manifest_hashes_every_array(store):
    manifest = json.loads((store / "frames" / "manifest.json").read_text())
    assert manifest["frames"] == {"train": 128 * 30, "test": 6 * 23}
    arrays = {str(p.relative_to(store / "frames")) for p in (store / "frames").rglob("*.npy")}
    assert set(manifest["arrays"]) == arrays
    assert "test/valid.npy" in arrays


def sequence(first_frame: int, length: int) -> Sequence:
    return Sequence("TS1", "TS1", None, "TS1", 2048, 2048, first_frame, length)


def test_windows_around_valid_frames_repeat_the_border():
    valid = np.array([1, 0, 0, 1, 1, 0, 0, 1], dtype=bool)
    index = clips.centred_windows([sequence(0, 5), sequence(5, 3)], valid, n_frames=5)
    assert index.tolist() == [
        [0, 0, 0, 1, 2],
        [1, 2, 3, 4, 4],
        [2, 3, 4, 4, 4],
        [5, 6, 7, 7, 7],
    ]
    assert index.dtype == np.int32


def test_window_of_even_length_is_around_its_upper_middle():
    index = clips.centred_windows([sequence(0, 6)], np.arange(6) == 3, n_frames=4)
    assert index.tolist() == [[1, 2, 3, 4]]
    assert index[0, 4 // 2] == 3


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    n_frames=st.integers(2, 30),
    seed=st.integers(0, 2**16),
)
def test_every_valid_frame_is_the_centre_of_one_window(lengths, n_frames, seed):
    valid = np.random.default_rng(seed).random(sum(lengths)) < 0.5
    starts = np.cumsum([0, *lengths[:-1]])
    sequences = [sequence(int(start), length) for start, length in zip(starts, lengths, strict=True)]
    index = clips.centred_windows(sequences, valid, n_frames)
    assert index[:, n_frames // 2].tolist() == np.flatnonzero(valid).tolist()
    steps = np.diff(index, axis=1)
    assert ((steps == 0) | (steps == 1)).all()
    of_frame = np.repeat(np.arange(len(lengths)), lengths)
    assert (of_frame[index] == of_frame[index[:, :1]]).all()


def test_training_windows_start_every_nine_frames_whatever_their_length(store, made):
    for n_frames in (9, 8):
        index = open_split(store, "train", n_frames).clips
        windows = (30 - n_frames) // 9 + 1
        assert len(index) == 128 * windows
        assert index[:windows, 0].tolist() == [0, 9, 18][:windows]
        assert index[windows, 0] == 30
    valid = sum(int(entry["valid"].sum()) for entry in made[1].values())
    assert len(open_split(store, "test", 9)) == valid < 6 * 23


def test_clips_that_cannot_be_are_named(store, tmp_path):
    with pytest.raises(PoseliftError, match="no sequence has n_frames = 31 frames, the longest has 30"):
        clips.make_clips(store, 31)
    assert not (store / "clips-31").exists()
    with pytest.raises(PoseliftError, match="--n-frames"):
        clips.main(["--store", str(store), "--n-frames", "1"])
    with pytest.raises(PoseliftError, match="no such file"):
        clips.make_clips(tmp_path, 9)


def test_store_without_valid_frames_in_a_sequence_is_named(store, tmp_path):
    (tmp_path / "frames").symlink_to(store / "frames")
    copied = tmp_path / "own"
    for split in ("train", "test"):
        (copied / "frames" / split).mkdir(parents=True)
    for name in ("manifest.json", "train/sequences.json", "test/sequences.json"):
        (copied / "frames" / name).write_bytes((store / "frames" / name).read_bytes())
    with pytest.raises(PoseliftError, match=r"valid\.npy: no such file"):
        clips.make_clips(copied, 9)
    valid = np.load(store / "frames" / "test" / "valid.npy")
    valid[23:46] = False
    np.save(copied / "frames" / "test" / "valid.npy", valid)
    with pytest.raises(PoseliftError, match="sequence TS2 has no valid frame"):
        clips.make_clips(copied, 9)


def test_twin_is_a_body_before_a_pinhole_camera(made):
    focal = {(2048, 2048): 0.73 * 2048, (1920, 1080): 0.73 * 1920}
    for name, size in raw.TEST_SIZES.items():
        entry = made[1][name]
        joint_2d, joint_3d = entry["data_2d"].astype(float), entry["data_3d"].astype(float)
        assert (joint_3d[..., 2] > 1000).all()  # before the camera
        expected = np.array(size) / 2 + focal[size] * joint_3d[..., :2] / joint_3d[..., 2:]
        np.testing.assert_allclose(joint_2d, expected, atol=1e-2)
        assert (joint_2d >= 0).all()
        assert (joint_2d < size).all()
        names = list(raw.JOINTS)
        for upper, lower in (("left hip", "left knee"), ("right shoulder", "right elbow")):
            bone = np.linalg.norm(joint_3d[:, names.index(upper)] - joint_3d[:, names.index(lower)], axis=-1)
            assert 200 < bone.mean() < 550
            assert bone.std() < 0.1
        # down is positive: heads are above ankles for the most part
        assert (joint_3d[:, names.index("head top"), 1] < joint_3d[:, names.index("left ankle"), 1]).all()


def test_twin_views_are_of_one_motion_and_takes_differ(made):
    views = made[0]["S1 Seq1"][0]

    def limbs(entry: dict[str, np.ndarray]) -> np.ndarray:
        return np.linalg.norm(entry["data_3d"][:, :, None] - entry["data_3d"][:, None], axis=-1)

    for camera in raw.CAMERAS[1:]:  # distances between joints do not depend on the camera
        np.testing.assert_allclose(limbs(views[camera]), limbs(views["0"]), atol=0.1)
        assert np.abs(views[camera]["data_2d"] - views["0"]["data_2d"]).max() > 50
    others = [made[0][key][0]["0"] for key in ("S1 Seq2", "S2 Seq1")] + [made[1]["TS1"]]
    for other in others:
        assert np.abs(limbs(other)[:23] - limbs(views["0"])[:23]).max() > 50


def test_twin_is_the_same_bytes_for_the_same_seed(tmp_path):
    for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        synthetic.main(
            [
                "--dataset", "mpi_inf_3dhp",
                "--out", str(tmp_path / f"{name}-train.npz"), str(tmp_path / f"{name}-test.npz"),
                "--seed", seed, "--train-frames", "3", "--test-frames", "12",
            ]
        )  # fmt: skip
    a, b, c = ((tmp_path / f"{name}-train.npz").read_bytes() for name in "abc")
    assert a == b != c
    assert (tmp_path / "a-test.npz").read_bytes() == (tmp_path / "b-test.npz").read_bytes()
