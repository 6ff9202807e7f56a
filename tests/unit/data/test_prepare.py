"""From the raw pickle to the store and its clips."""

import json
import pickle

import numpy as np
import pytest

from poselift.config.datasets import dataset
from poselift.data import prepare
from poselift.data.clips import window_index
from poselift.data.export_clips import export_clips
from poselift.data.sequence import Sequence
from poselift.data.store import open_split
from poselift.errors import PoseliftError


def sequence(name: str, first_frame: int, length: int) -> Sequence:
    return Sequence(name, "S1", None, "54138969", 1000, 1002, first_frame, length)


def test_windows_of_long_sequences_lie_within_them():
    index = window_index(
        [sequence("a", 0, 9), sequence("b", 9, 6), sequence("a", 15, 7)], n_frames=6, stride=2
    )
    assert index.tolist() == [
        [0, 1, 2, 3, 4, 5],
        [2, 3, 4, 5, 6, 7],
        [9, 10, 11, 12, 13, 14],
        [15, 16, 17, 18, 19, 20],
    ]


def test_short_sequence_gives_one_window_with_repeats_unless_its_name_has_one():
    index = window_index(
        [sequence("a", 0, 4), sequence("b", 4, 3), sequence("a", 7, 3)], n_frames=4, stride=4
    )
    assert index.tolist() == [[0, 1, 2, 3], [4, 4, 5, 6]]


def test_store_holds_normalised_frames_of_the_clips(raw_content, write_raw, tmp_path):
    content = raw_content()
    prepare.main(["--raw", str(write_raw(content)), "--out", str(tmp_path / "store"), "--n-frames", "6"])
    split = open_split(tmp_path / "store", "train", n_frames=6)
    # runs of 9, 7 and 12 frames, stride 2
    assert split.clips[:, 0].tolist() == [0, 2, 9, 16, 18, 20, 22]
    inputs, labels = split.clip(2)  # the camera of 1000 x 1000 pixels
    raw = content["train"]
    np.testing.assert_allclose(inputs[..., :2], raw["joint_2d"][9:15] / 500 - 1, atol=1e-6)
    np.testing.assert_allclose(inputs[..., 2:], raw["confidence"][9:15])
    np.testing.assert_allclose(labels[..., :2], raw["joint3d_image"][9:15, :, :2] / 500 - 1, atol=1e-6)
    np.testing.assert_allclose(labels[..., 2], raw["joint3d_image"][9:15, :, 2] / 500, atol=1e-6)
    inputs, _ = split.clip(0)  # the camera of 1000 x 1002 pixels: y is centred by 1002 / 1000
    np.testing.assert_allclose(inputs[..., 1], raw["joint_2d"][:6, :, 1] / 500 - 1.002, atol=1e-6)
    assert inputs.dtype == labels.dtype == np.float32


def test_inputs_and_labels_are_normalised_by_the_width_of_their_own_camera(raw_content, write_raw, tmp_path):
    """All four cameras, of two heights, against the definition; x by the width, y and depth too."""
    cameras = {"54138969": 1002, "55011271": 1000, "58860488": 1000, "60457274": 1002}
    train = [(f"s_01_act_02_cam_0{i}", name, 4) for i, name in enumerate(cameras, 1)]
    test = [(f"s_09_act_02_subact_01_ca_0{i}", name, 4) for i, name in enumerate(cameras, 1)]
    content = raw_content(train=train, test=test, dtype=np.float64)
    prepare.main(["--raw", str(write_raw(content)), "--out", str(tmp_path / "store"), "--n-frames", "4"])
    height = np.repeat(list(cameras.values()), 4)[:, None]
    for name, raw in content.items():
        split = open_split(tmp_path / "store", name, n_frames=4)
        for found, pixels in ((split.inputs, raw["joint_2d"]), (split.labels, raw["joint3d_image"])):
            np.testing.assert_allclose(found[..., 0], pixels[..., 0] / 500 - 1, atol=1e-6)
            np.testing.assert_allclose(found[..., 1], (pixels[..., 1] - height / 2) / 500, atol=1e-6)
        np.testing.assert_allclose(split.labels[..., 2], raw["joint3d_image"][..., 2] / 500, atol=1e-6)
        np.testing.assert_allclose(split.inputs[..., 2:], raw["confidence"], atol=1e-6)


def test_test_split_keeps_millimetres_and_factor(raw_content, write_raw, tmp_path):
    content = raw_content()
    prepare.main(["--raw", str(write_raw(content)), "--out", str(tmp_path / "store"), "--n-frames", "4"])
    split = open_split(tmp_path / "store", "test", n_frames=4)
    assert split.clips[:, 0].tolist() == [0, 4, 8, 12]
    np.testing.assert_array_equal(split.target_mm, content["test"]["joints_2.5d_image"])
    np.testing.assert_array_equal(split.factor, content["test"]["2.5d_factor"])
    assert split.sequence.tolist() == [0] * 8 + [1] * 11


def test_faulty_sequences_are_excluded_in_all_cameras(raw_content, write_raw, tmp_path):
    faulty = ("s_09_act_05_subact_02_ca_01", "s_09_act_10_subact_02_ca_04", "s_09_act_13_subact_01_ca_02")
    sound = ("s_11_act_05_subact_02_ca_01", "s_09_act_05_subact_01_ca_01", "s_09_act_13_subact_02_ca_01")
    content = raw_content(test=[(name, "54138969", 4) for name in faulty + sound])
    prepare.main(["--raw", str(write_raw(content)), "--out", str(tmp_path / "store"), "--n-frames", "4"])
    split = open_split(tmp_path / "store", "test", n_frames=4)
    assert [sequence.excluded for sequence in split.sequences] == [True] * 3 + [False] * 3
    valid = np.load(tmp_path / "store/frames/test/valid.npy")
    assert valid.tolist() == [False] * 12 + [True] * 12
    assert split.evaluates == "every frame"


def test_missing_confidence_counts_as_one(raw_content, write_raw, tmp_path):
    content = raw_content()
    del content["train"]["confidence"], content["test"]["confidence"]
    prepare.main(["--raw", str(write_raw(content)), "--out", str(tmp_path / "store"), "--n-frames", "4"])
    assert (open_split(tmp_path / "store", "train", 4).inputs[..., 2] == 1).all()


def test_chunks_do_not_show_in_the_store(raw_content, write_raw, tmp_path, monkeypatch):
    raw = write_raw(raw_content())
    manifests = []
    for name, chunk in (("whole", 1000), ("chunked", 3)):
        monkeypatch.setattr("poselift.data.frames.CHUNK", chunk)
        manifests.append(prepare.prepare(dataset("human36m"), {"raw": raw}, tmp_path / name))
    assert manifests[0] == manifests[1]


def test_faulty_file_leaves_the_old_store_alone(raw_content, write_raw, tmp_path):
    store = tmp_path / "store"
    prepare.prepare(dataset("human36m"), {"raw": write_raw(raw_content())}, store)
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    content = raw_content()
    content["test"]["2.5d_factor"][0] = np.nan
    with pytest.raises(PoseliftError):
        prepare.prepare(dataset("human36m"), {"raw": write_raw(content, "faulty.pkl")}, store)
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("there", ["notes.txt", "H36M-4/train/mine.pkl", "frames/mine.npy"])
def test_folders_that_others_made_are_not_replaced(raw_content, write_raw, tmp_path, there):
    raw, store, mine = write_raw(raw_content()), tmp_path / "store", tmp_path / "store" / there
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    files = {"raw": raw}
    if there.startswith("frames"):
        with pytest.raises(PoseliftError, match=r"frames: is there already and poselift did not make it"):
            prepare.prepare(dataset("human36m"), files, store)
        assert [path.name for path in store.iterdir()] == ["frames"]
    else:
        for _ in range(2):  # what an earlier call made is replaced
            prepare.main(["--raw", str(raw), "--out", str(store), "--n-frames", "4"])
        if there.startswith("H36M"):
            with pytest.raises(PoseliftError, match=r"H36M-4: is there already"):
                export_clips(store, 4, store)
            assert [path.name for path in (store / "H36M-4" / "train").iterdir()] == ["mine.pkl"]
        else:
            for _ in range(2):
                export_clips(store, 4, store)
            assert len(list((store / "H36M-4" / "train").iterdir())) == 19
    assert mine.read_text() == "mine"


def test_counts_that_differ_from_the_expected_stop(raw_content, write_raw, tmp_path):
    from poselift.data import clips

    store = tmp_path / "store"
    prepare.prepare(dataset("human36m"), {"raw": write_raw(raw_content())}, store)
    arguments = ["--store", str(store), "--n-frames", "4", "--expect-train"]
    clips.main([*arguments, "19"])
    (store / "clips-4" / "train.npy").unlink()
    with pytest.raises(PoseliftError, match=r"train: 19 clips, expected 17748"):
        clips.main([*arguments, "17748"])
    assert not (store / "clips-4" / "train.npy").exists()
    clips.main([*arguments, "17748", "--expect-at", "5"])  # known for clips of another length
    with pytest.raises(PoseliftError, match=r"train: 19 clips, expected 17748"):
        clips.main([*arguments, "17748", "--expect-at", "4"])


def test_a_clip_of_one_frame_is_refused(raw_content, write_raw, tmp_path):
    store = tmp_path / "s"
    with pytest.raises(PoseliftError, match="--n-frames: expected at least 2, found 1"):
        prepare.main(["--raw", str(write_raw(raw_content())), "--out", str(store), "--n-frames", "1"])
    assert not (store / "clips-1").exists()


def test_window_longer_than_every_run(raw_content, write_raw, tmp_path):
    with pytest.raises(
        PoseliftError, match=r"train: no sequence has n_frames = 13 frames, the longest has 12"
    ):
        prepare.main(
            ["--raw", str(write_raw(raw_content())), "--out", str(tmp_path / "s"), "--n-frames", "13"]
        )
    assert not (tmp_path / "s" / "clips-13").exists()


def test_store_with_another_length_is_refused(raw_content, write_raw, tmp_path):
    store = tmp_path / "store"
    prepare.main(["--raw", str(write_raw(raw_content())), "--out", str(store), "--n-frames", "4"])
    np.save(store / "frames/train/labels.npy", np.zeros((5, 17, 3), np.float32))
    with pytest.raises(PoseliftError, match=r"labels.npy: 5 frames, but sequences.json has 28"):
        open_split(store, "train", 4)


def test_manifest_hashes_the_files(raw_content, write_raw, tmp_path):
    import hashlib

    raw = write_raw(raw_content())
    prepare.prepare(dataset("human36m"), {"raw": raw}, tmp_path / "store")
    manifest = json.loads((tmp_path / "store/frames/manifest.json").read_text())
    assert manifest["raw"] == hashlib.sha256(raw.read_bytes()).hexdigest()
    assert manifest["frames"] == {"train": 28, "test": 19}
    assert len(manifest["arrays"]) == 9
    for name, digest in manifest["arrays"].items():
        assert hashlib.sha256((tmp_path / "store/frames" / name).read_bytes()).hexdigest() == digest


def test_exported_clips_are_those_of_the_store(raw_content, write_raw, tmp_path):
    store = tmp_path / "store"
    prepare.main(["--raw", str(write_raw(raw_content())), "--out", str(store), "--n-frames", "6"])
    folder = export_clips(store, 6, tmp_path)
    assert folder.name == "H36M-6"
    for split, count in (("train", 7), ("test", 2)):
        assert len(list((folder / split).iterdir())) == count
        for i in range(count):
            clip = pickle.loads((folder / split / f"{i:08d}.pkl").read_bytes())
            inputs, labels = open_split(store, split, 6).clip(i)
            np.testing.assert_array_equal(clip["data_input"], inputs)
            np.testing.assert_array_equal(clip["data_label"], labels)
