"""Atomic writes: the old content or the whole new one."""

import pytest

from poselift.files import atomic_path, write_json, write_text


def test_file_is_replaced_whole(tmp_path):
    path = tmp_path / "folder" / "a.txt"
    write_text(path, "one")
    write_text(path, "two")
    assert path.read_text() == "two"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_failure_keeps_the_old_file_and_leaves_no_litter(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "one")

    def fail() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fail()
    assert path.read_text() == "one"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_folder_is_replaced_whole(tmp_path):
    for content in ("one", "two"):
        with atomic_path(tmp_path / "made") as folder:
            folder.mkdir()
            (folder / content).write_text(content)
    assert [p.name for p in (tmp_path / "made").iterdir()] == ["two"]
    assert [p.name for p in tmp_path.iterdir()] == ["made"]


def test_json_refuses_what_json_has_not(tmp_path):
    with pytest.raises(ValueError, match=r"JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not list(tmp_path.iterdir())
