"""Content hashes, against the system's sha256sum."""

import hashlib
import os
import subprocess

import pytest

from poselift.errors import PoseliftError
from poselift.provenance import hashing


def test_digest_is_what_sha256sum_checks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.npz").write_bytes(b"train")
    (tmp_path / "test.npz").write_bytes(b"test")
    hashing.main(["train.npz", "test.npz", "--out", "raw.sha256"])
    command = ["sha256sum", "--strict", "--check", "raw.sha256"]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "train.npz: OK\ntest.npz: OK\n"
    (tmp_path / "test.npz").write_bytes(b"Test")
    assert subprocess.run(command, capture_output=True).returncode == 1


def test_hash_is_taken_from_the_cache_only_while_size_and_time_are_the_same(tmp_path):
    file, cache = tmp_path / "raw.pkl", tmp_path / "raw.sha256.json"
    file.write_bytes(b"one")
    first = hashing.cached_sha256(file, cache)
    status = file.stat()
    file.write_bytes(b"two")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert hashing.cached_sha256(file, cache) == first  # was not read again
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert hashing.cached_sha256(file, cache) == hashing.sha256(file) != first


@pytest.mark.parametrize(("size", "read_again"), [(10**6, True), (10**6 + 1, False)])
def test_only_a_large_file_is_not_read_again(tmp_path, size, read_again):
    hashes = set()
    for content in (b"a", b"b"):
        (tmp_path / "raw.pkl").write_bytes(content * size)
        os.utime(tmp_path / "raw.pkl", ns=(0, 0))
        hashes.add(hashing.file_hash(tmp_path, "raw.pkl", tmp_path / "results"))
    assert len(hashes) == 1 + read_again


def test_the_hash_of_a_json_value_is_that_of_its_keys_in_order():
    assert hashing.json_hash({"b": 1, "a": [2]}) == hashlib.sha256(b'{"a": [2], "b": 1}').hexdigest()


def test_a_hash_that_cannot_be_noted_is_given_all_the_same(tmp_path):
    (tmp_path / "raw.pkl").write_bytes(b"one")
    (tmp_path / "results").touch()  # no folder can be made there, whoever asks
    found = hashing.cached_sha256(tmp_path / "raw.pkl", tmp_path / "results" / "note.json")
    assert found == hashlib.sha256(b"one").hexdigest()


@pytest.mark.parametrize("note", ["", "{", "[]", "null", '{"sha256": "x"}', "[" * 100_000, "\udcff"])
def test_a_note_that_cannot_be_read_is_none(tmp_path, note):
    file, cache = tmp_path / "raw.pkl", tmp_path / "raw.json"
    file.write_bytes(b"one")
    digest = hashing.cached_sha256(file, cache)
    whole = cache.read_text()
    cache.write_bytes(note.encode(errors="surrogateescape"))
    assert hashing.cached_sha256(file, cache) == digest
    assert cache.read_text() == whole


def test_what_differs_from_its_record_is_named(tmp_path):
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    hashing.require_recorded(file, hashlib.sha256(b"one").hexdigest(), "train again")
    with pytest.raises(PoseliftError, match=r"weights: not as it was recorded .*; train again$"):
        hashing.require_recorded(file, hashlib.sha256(b"two").hexdigest(), "train again")
