"""What files from outside hold, wherever they lie, and when they are not there."""

import hashlib
from pathlib import Path

import pytest

from poselift.data.outside import contents, used
from poselift.provenance.hashing import LARGE
from poselift.provenance.receipts import write_receipt

RESULTS = Path("results/x")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_it_is_the_content_that_counts(tmp_path):
    (tmp_path / "raw.pkl").write_bytes(b"one")
    (tmp_path / "away").mkdir()
    (tmp_path / "away/other.pkl").write_bytes(b"one")
    (tmp_path / "link.pkl").symlink_to("raw.pkl")
    expected = [f"raw@sha256:{hashlib.sha256(b'one').hexdigest()}"]
    for path in ("raw.pkl", "away/other.pkl", "link.pkl", "away/../raw.pkl", tmp_path / "raw.pkl"):
        assert contents({"raw": Path(path)}, RESULTS) == {expected[0]: Path(path)}
    (tmp_path / "raw.pkl").write_bytes(b"two")
    assert list(contents({"raw": Path("raw.pkl")}, RESULTS)) != expected


def test_hashes_of_large_files_are_noted_by_builds_alone(tmp_path):
    (tmp_path / "raw.pkl").write_bytes(bytes(LARGE + 1))
    first = contents({"raw": Path("raw.pkl")}, RESULTS)
    assert not (tmp_path / "results").exists()
    assert contents({"raw": Path("raw.pkl")}, RESULTS, keep=True) == first
    assert (tmp_path / "results/x/hashes/raw.pkl.json").is_file()


def test_a_missing_file_counts_as_the_one_that_was_used(tmp_path):
    files = {"train": Path("train.npz"), "test": Path("test.npz")}
    for path in files.values():
        path.write_bytes(path.name.encode())
    held = contents(files, RESULTS)
    assert used(RESULTS) == []
    write_receipt("results/x/logs/frames.log", "frames", {"code": "c", "content": list(held)}, [], [])
    assert used(RESULTS) == list(held)
    files["train"].unlink()
    assert contents(files, RESULTS) == held
    files["test"].write_bytes(b"another")
    assert [old == new for old, new in zip(held, contents(files, RESULTS), strict=True)] == [True, False]


def test_a_missing_file_that_was_never_used_has_no_content():
    assert list(contents({"raw": Path("/data/raw.pkl")}, RESULTS)) == ["raw@missing:raw.pkl"]
