"""Atomic writes: the old content or the whole new one."""

import pytest

from poselift.errors import PoseliftError
from poselift.files import MARK, atomic_path, own_folder, write_json, write_text


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


def make(path, name):
    with own_folder(path) as folder:
        (folder / name).write_text(name)


def test_a_folder_of_ours_is_replaced(tmp_path):
    for name in ("one", "two"):
        make(tmp_path / "made", name)
    assert {path.name for path in (tmp_path / "made").iterdir()} == {MARK, "two"}
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


@pytest.mark.parametrize("there", ["text.tex", "sections/text.tex", ".hidden", ""])
def test_what_others_made_is_not_replaced(tmp_path, there):
    mine = tmp_path / "mine" / there
    write_text(mine, "mine")
    with pytest.raises(PoseliftError, match=r"mine: is there already and poselift did not make it"):
        make(tmp_path / "mine", "new")
    assert mine.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_dangling_link_is_somebodys_file(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(PoseliftError, match="poselift did not make it"):
        make(tmp_path / "mine", "new")


def test_empty_folders_are_filled(tmp_path):
    (tmp_path / "made" / "below").mkdir(parents=True)
    make(tmp_path / "made", "new")
    assert {path.name for path in (tmp_path / "made").iterdir()} == {MARK, "new"}


def test_a_failure_keeps_the_older_folder(tmp_path):
    make(tmp_path / "made", "one")
    with pytest.raises(OSError, match="nothing"), own_folder(tmp_path / "made") as folder:
        (folder / "nothing" / "two").write_text("")
    assert {path.name for path in (tmp_path / "made").iterdir()} == {MARK, "one"}
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_json_refuses_what_json_has_not(tmp_path):
    with pytest.raises(ValueError, match=r"JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not list(tmp_path.iterdir())
