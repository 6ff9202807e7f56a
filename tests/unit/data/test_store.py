"""A damaged store: every fault ends in one line that names the file."""

import io
import mmap
import random
from pathlib import Path

import numpy as np
import pytest

from poselift.data import prepare
from poselift.data.store import open_array, open_split, windows
from poselift.errors import PoseliftError

NOTES = ("frames/train/sequences.json", "frames/manifest.json")


@pytest.fixture
def store(raw_content, write_raw, tmp_path) -> Path:
    prepare.main(
        ["--raw", str(write_raw(raw_content())), "--out", str(tmp_path / "store"), "--n-frames", "4"]
    )
    return tmp_path / "store"


def fault(store: Path, file: str, split: str = "train") -> str:
    """What is wrong with a file of the store, behind its name."""
    with pytest.raises(PoseliftError) as caught:
        open_split(store, split, 4)
    name, what = str(caught.value).split(": ", 1)
    assert name == str(store / file)
    assert what.isprintable()
    return what


def saved(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


WHOLE = saved(np.zeros((28, 17, 3), np.float32))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        WHOLE[:5],
        WHOLE[:60],
        WHOLE[:-1],
        b"PK\x03\x04" + bytes(100),
        WHOLE.replace(b"(28, 17, 3)", b"(28, 17, 3,"),
        WHOLE.replace(b"(28, 17, 3)", b"(1.5, 7, 3)"),
        WHOLE.replace(b"(28, 17, 3), }        ", b"(9999999999, 17, 3), }"),
        WHOLE.replace(b"(28, 17, 3)", b"((((((((((("),
        WHOLE.replace(b"<f4", b"|O8"),
        saved(np.zeros((), np.float32)),
        saved(np.zeros((28, 17, 2), np.float32)),
        saved(np.zeros((28, 17, 3))),
        saved(np.array({"a": 1}, dtype=object)),
    ],
    ids=[
        "empty", "magic", "header", "data", "zip", "open header", "float shape", "huge", "nested", "objects",
        "no shape", "other shape", "other dtype", "pickle",
    ],
)  # fmt: skip
def test_a_damaged_array_is_named(store, data):
    assert data != WHOLE
    (store / "frames/train/labels.npy").write_bytes(data)
    assert fault(store, "frames/train/labels.npy").endswith("; delete it and run again")


@pytest.mark.filterwarnings("ignore:invalid escape sequence")
def test_any_damage_to_a_header_is_named(store):
    rng = random.Random(0)
    path = store / "frames/train/labels.npy"
    messages = []
    for _ in range(2000):
        data = bytearray(WHOLE)
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(128)] = rng.choice([rng.randrange(256), *b"()[]{}',0123456789\n\\#"])
        path.write_bytes(data)
        try:
            labels = open_split(store, "train", 4).labels
        except PoseliftError as error:
            messages.append(str(error))
        else:  # the spaces that fill the header do not matter
            assert labels.shape == (28, 17, 3)
            assert labels.dtype == np.float32
    assert len(messages) > 1000
    assert all(message.startswith(f"{path}: ") and message.isprintable() for message in messages)


def test_another_index_of_clips_is_named(store):
    np.save(store / "clips-4/train.npy", np.zeros((5, 9), np.int32))
    assert "expected int32 of shape (N, 4), found int32 of shape (5, 9)" in fault(store, "clips-4/train.npy")


def test_an_array_of_another_length_is_named(store):
    np.save(store / "frames/test/factor.npy", np.ones(5, np.float32))
    assert fault(store, "frames/test/factor.npy", "test").startswith("5 frames, but sequences.json has 19")


@pytest.mark.parametrize("file", NOTES)
@pytest.mark.parametrize("text", ["", "{", "[{}]", "[[1]]", "3", "null", "[]", "\x00"])
def test_damaged_notes_are_named(store, file, text):
    (store / file).write_text(text)
    assert fault(store, file).startswith("not as it was written")


def test_a_folder_in_the_place_of_an_array_is_named(store):
    (store / "frames/train/labels.npy").unlink()
    (store / "frames/train/labels.npy").mkdir()
    with pytest.raises(IsADirectoryError) as caught:  # which `errors.run` prints in one line
        open_split(store, "train", 4)
    assert caught.value.filename == str(store / "frames/train/labels.npy")


@pytest.mark.parametrize("mapped", [True, False])
def test_windows_are_the_frames_asked_for(store, mapped):
    labels = open_split(store, "train", 4).labels
    frames = np.array([[0, 1, 2], [25, 26, 27], [7, 7, 8]], np.int32)
    found = windows(labels if mapped else np.array(labels), frames)
    assert type(found) is np.ndarray
    assert found.flags.writeable
    np.testing.assert_array_equal(found, np.array(labels)[frames])


def test_the_system_is_asked_for_the_pages_of_each_window(tmp_path):
    rows = np.arange(5000 * 51, dtype=np.float32).reshape(5000, 17, 3)  # 204 bytes each
    np.save(tmp_path / "rows.npy", rows)
    array = open_array(tmp_path / "rows.npy", np.float32, (None, 17, 3))
    asked = []

    class Recorder:
        def madvise(self, *advice: int) -> None:
            asked.append(advice)

    array._mmap = Recorder()
    windows(array, np.array([[0, 242], [4000, 4242]]))
    assert asked[0] == (mmap.MADV_RANDOM,)
    data = (tmp_path / "rows.npy").read_bytes()
    for (what, start, length), first in zip(asked[1:], (0, 4000), strict=True):
        assert what == mmap.MADV_WILLNEED
        assert start % mmap.PAGESIZE == 0
        window = rows[first : first + 243].tobytes()
        assert data[start : start + length].endswith(window)
        assert length < len(window) + mmap.PAGESIZE


@pytest.mark.parametrize("content", ["{}", '{"protocol": "mpi_inf_3dhp"}', '{"evaluates": "some"}'])
def test_store_of_another_version_is_refused(store, content):
    (store / "frames/manifest.json").write_text(content)
    assert fault(store, "frames/manifest.json").startswith("of another version of poselift; delete")


def test_missing_manifest_is_named(store):
    (store / "frames/manifest.json").unlink()
    remedy = "say where the store is (--store), or make it with `poselift prepare`"
    assert fault(store, "frames/manifest.json") == f"no such file; {remedy}"


@pytest.mark.parametrize(
    ("split", "array"),
    [("train", "inputs"), ("train", "labels"), ("test", "target_mm"), ("test", "factor"), ("test", "valid")],
)
def test_a_flipped_bit_is_found_when_the_store_is_opened(store, split, array):
    path = store / "frames" / split / f"{array}.npy"
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    file = f"frames/{split}/{array}.npy"
    assert fault(store, file, split).startswith("not as it was written (its hash is not the one in manifest")
    open_split(store, "test" if split == "train" else "train", 4)
