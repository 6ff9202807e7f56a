"""Atomic writes: the old content or the whole new one."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from poselift import files
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


def make(path, name, maker="predict", **options):
    with own_folder(path, maker, **options) as folder:
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


def test_what_another_command_made_is_not_replaced(tmp_path):
    make(tmp_path / "made", "model.onnx", "export")
    with pytest.raises(PoseliftError, match="made: is there already, made by poselift export; move it away"):
        make(tmp_path / "made", "poses.npz", "predict")
    assert (tmp_path / "made/model.onnx").exists()


@pytest.mark.parametrize("added", ["my-edited.blend", "scenes/walk.blend"])
def test_a_file_that_somebody_put_into_our_folder_is_not_lost(tmp_path, added):
    make(tmp_path / "made", "poses.npz")
    write_text(tmp_path / "made" / added, "mine")
    with pytest.raises(PoseliftError, match=f"made: holds {added}, which poselift did not make"):
        make(tmp_path / "made", "poses.npz")
    assert (tmp_path / "made" / added).read_text() == "mine"


def test_a_shared_folder_and_one_of_an_earlier_version_are_replaced(tmp_path):
    for older in ('{"command": "predict"}', "poselift made this folder\n"):
        make(tmp_path / "made", "one", shared=True)
        (tmp_path / "made" / MARK).write_text(older)
        write_text(tmp_path / "made/main.pdf", "of another command")
        make(tmp_path / "made", "two")
        assert {path.name for path in (tmp_path / "made").iterdir()} == {MARK, "two"}


def test_a_link_to_a_folder_stays_one(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "made").symlink_to(tmp_path / "disk")
    for name in ("one", "two"):
        make(tmp_path / "made", name)
    assert (tmp_path / "made").is_symlink()
    assert {path.name for path in (tmp_path / "disk").iterdir()} == {MARK, "two"}
    assert {path.name for path in tmp_path.iterdir()} == {"made", "disk"}


@pytest.mark.parametrize("place", [".", "..", ""])
def test_the_folder_that_one_is_in_is_not_replaced(tmp_path, monkeypatch, place):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(PoseliftError, match="the folder that you are in"):
        make(Path(place), "new")
    assert list(tmp_path.rglob("*")) == [tmp_path / "here"]


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
    with pytest.raises(OSError, match="nothing"), own_folder(tmp_path / "made", "predict") as folder:
        (folder / "nothing" / "two").write_text("")
    assert {path.name for path in (tmp_path / "made").iterdir()} == {MARK, "one"}
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_json_refuses_what_json_has_not(tmp_path):
    with pytest.raises(ValueError, match=r"JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not list(tmp_path.iterdir())


WRITER = """
import sys, time
from pathlib import Path
from poselift.files import atomic_path
with atomic_path(Path(sys.argv[1])) as temporary:
    if temporary.suffix:
        temporary.write_text("half")
    else:
        (temporary / "deep").mkdir(parents=True)
        (temporary / "deep" / "a.npy").write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


def start_writing(path):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
    assert writer.stdout.readline() == b"writing\n"
    return writer


@pytest.mark.parametrize("name", ["results.csv", "frames"])
def test_what_a_killed_process_left_is_cleared_by_the_next_writer_but_not_what_another_is_writing(
    tmp_path, name
):
    killed, alive = start_writing(tmp_path / name), start_writing(tmp_path / name)
    other = start_writing(tmp_path / f"other-{name}")
    killed.kill()
    killed.wait()
    (tmp_path / ".results.backup.csv").write_text("mine")
    (tmp_path / ".frames.mine").write_text("mine")
    assert len(list(tmp_path.iterdir())) == 5
    with atomic_path(tmp_path / name) as temporary:
        temporary.write_text("whole")
    left = {path.name for path in tmp_path.iterdir()}
    assert {name, ".results.backup.csv", ".frames.mine"} <= left
    assert len(left) == 5  # and one of each of those that are alive
    for writer in (alive, other):
        writer.kill()
        writer.wait()
    write_text(tmp_path / name, "again")
    write_text(tmp_path / f"other-{name}", "again")
    assert {path.name for path in tmp_path.iterdir()} == {
        name, f"other-{name}", ".results.backup.csv", ".frames.mine"
    }  # fmt: skip


def test_what_another_host_left_is_cleared_after_a_day(tmp_path):
    old, new = tmp_path / ".a.ffff0000010a0b.csv", tmp_path / ".a.ffff0000020a0b.csv"
    for path in (old, new):
        path.write_text("half")
    os.utime(old, (time.time() - 1.1 * files.DAY,) * 2)
    write_text(tmp_path / "a.csv", "whole")
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", new.name}


def test_folder_that_was_moved_aside_by_a_process_that_died_comes_back(tmp_path):
    writer = start_writing(tmp_path / "frames")
    writer.kill()
    writer.wait()
    (left,) = tmp_path.iterdir()
    aside = left.with_name(f"{left.name}.old")
    aside.mkdir()
    (aside / "good.npy").write_text("good")

    def fail() -> None:
        with atomic_path(tmp_path / "frames"):
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fail()
    assert (tmp_path / "frames" / "good.npy").read_text() == "good"
    assert [path.name for path in tmp_path.iterdir()] == ["frames"]
