"""The raw pickle: every accepted variant, and every fault as one line that says where."""

import hashlib
import json
import pickle
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from poselift.data import check
from poselift.datasets.human36m.raw import read_raw
from poselift.errors import PoseliftError


def fault(path: Path) -> str:
    """The message that reading `path` ends with: one line that names the file."""
    with pytest.raises(PoseliftError) as caught:
        read_raw(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message


def test_runs_of_one_name_are_sequences_of_their_own(raw_content, write_raw):
    train = read_raw(write_raw(raw_content()))["train"]
    assert [(s.name, s.first_frame, s.length) for s in train.sequences] == [
        ("s_01_act_02_cam_01", 0, 9),
        ("s_01_act_02_cam_02", 9, 7),
        ("s_01_act_02_cam_01", 16, 12),
    ]
    assert [(s.subject, s.camera, s.width, s.height) for s in train.sequences[:2]] == [
        ("S1", "54138969", 1000, 1002),
        ("S1", "55011271", 1000, 1000),
    ]


def test_touching_runs_of_one_name_are_one_sequence(raw_content, write_raw):
    runs = (("s_01_act_02_cam_01", "54138969", 4), ("s_01_act_02_cam_01", "54138969", 5))
    assert [s.length for s in read_raw(write_raw(raw_content(train=runs)))["train"].sequences] == [9]


def test_actions_are_kept_for_test_only(raw_content, write_raw):
    splits = read_raw(write_raw(raw_content()))
    assert [s.action for s in splits["test"].sequences] == ["action 0", "action 1"]
    assert {s.action for s in splits["train"].sequences} == {None}


def test_lists_float64_and_flat_confidence_are_read_alike(raw_content, write_raw):
    plain = raw_content()
    varied = raw_content()
    for entries in varied.values():
        entries["confidence"] = entries["confidence"][:, :, 0].astype(np.float64)
        entries["joint_2d"] = list(entries["joint_2d"])
        entries["source"] = np.array(entries["source"])
        entries["camera_name"] = [np.str_(name) for name in entries["camera_name"]]
    first, second = read_raw(write_raw(plain)), read_raw(write_raw(varied, "varied.pkl"))
    for split in first:
        assert first[split].sequences == second[split].sequences
        np.testing.assert_array_equal(first[split].joint_2d, second[split].joint_2d)
        np.testing.assert_array_equal(first[split].confidence, second[split].confidence)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_pickle_protocol_is_read(raw_content, tmp_path, protocol):
    content = raw_content()
    path = tmp_path / "raw.pkl"
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    np.testing.assert_array_equal(read_raw(path)["test"].target_mm, content["test"]["joints_2.5d_image"])


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("order", ["<", ">", "="])
def test_every_byte_order_is_read(raw_content, tmp_path, protocol, order):
    content = raw_content()
    for entries in content.values():
        for key, value in entries.items():
            if isinstance(value, np.ndarray):
                entries[key] = value.astype(value.dtype.newbyteorder(order))
    (tmp_path / "raw.pkl").write_bytes(pickle.dumps(content, protocol=protocol))
    read, plain = read_raw(tmp_path / "raw.pkl"), raw_content()
    for split in plain:
        np.testing.assert_array_equal(read[split].joint_2d, plain[split]["joint_2d"])
        assert read[split].joint3d_image.dtype == np.float32
    assert [s.camera for s in read["train"].sequences] == ["54138969", "55011271", "54138969"]


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize(
    "extra",
    [
        datetime(2024, 5, 6, 7, 8, tzinfo=UTC), date(2024, 5, 6), timedelta(hours=1), 1 + 2j,
        np.array(["2024-05-06"], "datetime64[ns]"), np.array([1 + 2j]), np.complex64(1j), {1 + 2j: None},
    ],
    ids=lambda extra: type(extra).__name__,
)  # fmt: skip
def test_what_is_noted_beside_the_frames_does_not_matter(raw_content, tmp_path, protocol, extra):
    content = raw_content()
    content["train"]["noted"] = content["made"] = extra
    (tmp_path / "raw.pkl").write_bytes(pickle.dumps(content, protocol=protocol))
    assert len(read_raw(tmp_path / "raw.pkl")["train"]) == 28


def test_array_that_is_not_read_is_named_and_no_damage(raw_content, write_raw):
    content = raw_content()
    content["train"]["noted"] = np.zeros(3, [("a", "f4")])
    message = fault(write_raw(content))
    assert "holds an array of dtype V" in message
    assert "cut short" not in message


def test_factor_may_be_a_column(raw_content, write_raw):
    content = raw_content()
    content["test"]["2.5d_factor"] = content["test"]["2.5d_factor"][:, None]
    read = read_raw(write_raw(content))["test"].factor
    np.testing.assert_array_equal(read, content["test"]["2.5d_factor"][:, 0])


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("2.5d_factor", np.ones((19, 3)), "expected shape (N) or (N, 1), found (19, 3)"),
        ("2.5d_factor", np.ones((19, 17, 3)), "expected shape (N) or (N, 1), found (19, 17, 3)"),
        ("joint_2d", np.ones((19, 2)), "expected shape (N, 17, 2), found (19, 2)"),
        ("joint_2d", np.ones((19, 17, 3)), "expected shape (N, 17, 2), found (19, 17, 3)"),
    ],
)
def test_other_shapes_are_no_other_joints(raw_content, write_raw, key, value, words):
    content = raw_content()
    content["test"][key] = value
    message = fault(write_raw(content))
    assert message.endswith(words)


def test_confidence_may_be_absent(raw_content, write_raw):
    content = raw_content()
    del content["train"]["confidence"]
    assert read_raw(write_raw(content))["train"].confidence is None


def test_missing_file_says_where_it_belongs_and_that_the_demo_needs_none(tmp_path):
    with pytest.raises(PoseliftError) as caught:
        check.main(["--raw", str(tmp_path / "absent.pkl")])
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert str(tmp_path / "absent.pkl") in lines[0]
    assert "MotionBERT" in lines[1]
    assert "Human3.6M" in lines[1]
    assert "make demo" in lines[1]


def test_folder_in_place_of_the_file_is_named(tmp_path):
    with pytest.raises(
        PoseliftError, match=r"^.*: is a folder; set its key `raw` \(--raw\) to the file in it$"
    ):
        check.main(["--raw", str(tmp_path)])


def test_truncated_pickle(raw_content, write_raw):
    path = write_raw(raw_content())
    path.write_bytes(path.read_bytes()[:-1000])
    assert "not a whole pickle" in fault(path)


class Hostile:
    """Pickles to a call that leaves a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple:
        return Path.touch, (self.trace,)


def test_pickle_that_runs_code_is_refused_and_does_not_run(raw_content, write_raw, tmp_path):
    content = raw_content()
    content["train"]["joint_2d"] = Hostile(tmp_path / "trace")
    assert "could run code" in fault(write_raw(content))
    assert not (tmp_path / "trace").exists()


def test_codec_by_name_is_refused(tmp_path):
    path = tmp_path / "raw.pkl"
    path.write_bytes(b"c_codecs\nencode\n(V68656c6c6f\nVhex_codec\ntR.")
    assert "not a whole pickle" in fault(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([1, 2], "expected a dict of the splits"),
        ({"train": {}}, "train: joint_2d: the key is missing"),
        ({"train": 3}, "train: expected a dict of frames, found int"),
    ],
)
def test_other_content(write_raw, content, expected):
    assert expected in fault(write_raw(content))


@pytest.mark.parametrize("key", ["joint_2d", "joint3d_image", "camera_name", "source"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_missing_key(raw_content, write_raw, split, key):
    content = raw_content()
    del content[split][key]
    assert f"{split}: {key}: the key is missing" in fault(write_raw(content))


@pytest.mark.parametrize("key", ["joints_2.5d_image", "2.5d_factor", "action"])
def test_missing_test_key(raw_content, write_raw, key):
    content = raw_content()
    del content["test"][key]
    assert f"test: {key}: the key is missing" in fault(write_raw(content))


@pytest.mark.parametrize(
    "key",
    ["confidence", "joint3d_image", "camera_name", "source", "joints_2.5d_image", "2.5d_factor", "action"],
)
def test_lengths_that_differ(raw_content, write_raw, key):
    content = raw_content()
    content["test"][key] = content["test"][key][:-1]
    assert f"test: {key}: 18 frames, but joint_2d has 19" in fault(write_raw(content))


def test_wrong_joint_count(raw_content, write_raw):
    content = raw_content()
    content["train"]["joint_2d"] = content["train"]["joint_2d"][:, :16]
    message = fault(write_raw(content))
    assert "train: joint_2d: expected shape (N, 17, 2), found (28, 16, 2): 16 joints, not 17" in message


@pytest.mark.parametrize("key", ["joint_2d", "confidence", "joint3d_image"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_number_that_is_not_finite_names_sequence_and_frame(raw_content, write_raw, key, value):
    content = raw_content()
    content["train"][key][13, 5, 0] = value  # frame 13 is the fifth of the run that starts at 9
    content["train"][key][20, 1, 0] = value
    message = fault(write_raw(content))
    assert f"train: {key}: expected finite numbers" in message
    assert "sequence s_01_act_02_cam_02, its frame 4, frame 13 of the split" in message


def test_factor_that_is_not_positive(raw_content, write_raw):
    content = raw_content()
    content["test"]["2.5d_factor"][9] = 0
    message = fault(write_raw(content))
    assert "test: 2.5d_factor: expected mm per pixel above 0, found 0.0" in message
    assert "its frame 1, frame 9 of the split" in message


def test_wrong_dtype(raw_content, write_raw):
    content = raw_content()
    content["train"]["joint_2d"] = content["train"]["joint_2d"].astype(int)
    assert "train: joint_2d: expected float32 or float64, found int64" in fault(write_raw(content))


def test_unknown_camera(raw_content, write_raw):
    content = raw_content()
    content["train"]["camera_name"][9:16] = "12345678"
    message = fault(write_raw(content))
    assert (
        "train: camera_name: unknown camera '12345678' in sequence s_01_act_02_cam_02, at frame 9" in message
    )


def test_unknown_sequence_name(raw_content, write_raw):
    content = raw_content()
    content["train"]["source"] = ["walking"] * 28
    assert "train: source: expected names like s_09_act_02_subact_01_ca_01, found 'walking'" in fault(
        write_raw(content)
    )


def test_strings_that_are_none(raw_content, write_raw):
    content = raw_content()
    content["train"]["source"][3] = None
    assert "train: source: expected strings, found NoneType" in fault(write_raw(content))


def test_action_that_changes_within_a_sequence(raw_content, write_raw):
    content = raw_content()
    content["test"]["action"][3] = "other"
    assert "test: action: changes within sequence s_09_act_02_subact_01_ca_01, at frame 3" in fault(
        write_raw(content)
    )


@pytest.mark.parametrize("split", ["train", "test"])
def test_empty_split(raw_content, write_raw, split):
    content = raw_content()
    content[split] = {key: value[:0] for key, value in content[split].items()}
    assert f"{split}: joint_2d: the split is empty" in fault(write_raw(content))


def test_what_is_in_a_file_is_said(raw_content, write_raw, tmp_path):
    path = write_raw(raw_content())
    check.main(["--raw", str(path), "--out", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["train"] == {"frames": 28, "sequences": 3}
    assert found["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
