"""Two edits of one text: none is lost, and what both sides changed stands there twice, as in git."""

import random
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from poselift.errors import PoseliftError
from poselift.files import write_json
from poselift.paper.assemble import assemble
from poselift.paper.crate import write_crate
from poselift.paper.handover import main
from poselift.paper.three_way import conflicts, merged

JOB = {"rule": "x", "code": "abc", "inputs": [], "outputs": []}
RECORD = {
    "hash": "0" * 64, "core": {"parts": [], "sources": {}, "jobs": {"x": JOB}}, "outputs": {}, "code": {},
    "frozen": {}, "volatile": {"jobs": {"x": {"ended": "2026-01-01T00:00:00+00:00"}}},
}  # fmt: skip

INTRO = "".join(f"Sentence {n}.\n" for n in range(1, 10))


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def hand_over(project: Path, name: str) -> Path:
    """The folder that a co-author called `name` gets of the project's text as it is now."""
    parts = project / "parts"
    write(parts, {"main.tex": "A table.\n", "plot.pdf": b"%PDF", "numbers.tex": "\n"})
    write_json(parts / "provenance.json", RECORD)
    others = [parts / "numbers.tex", parts / "provenance.json"]
    out = project / name
    assemble(project / "paper", [parts / "main.tex"], [parts / "plot.pdf"], others, out)
    write_crate(out)
    return out


@pytest.fixture
def project(tmp_path) -> Path:
    write(tmp_path / "paper", {"main.tex": "\\input{intro}\n", "intro.tex": INTRO, "refs.bib": "@book{a}\n"})
    return tmp_path


def merge(project: Path, returned: Path, *more: str) -> None:
    main(["merge", str(returned), "--into", str(project / "paper"), "--apply", *more])


def intro(project: Path) -> str:
    return (project / "paper/intro.tex").read_text()


def edited(text: str, **lines: str) -> str:
    """The text with other lines: `_3="New."` replaces the third."""
    found = text.splitlines()
    for number, line in lines.items():
        found[int(number[1:]) - 1] = line
    return "\n".join(found) + "\n"


def test_edits_of_both_sides_in_one_file_come_together(project):
    returned = hand_over(project, "ann")
    write(returned, {"intro.tex": edited(INTRO, _2="Ann's.")})
    write(project / "paper", {"intro.tex": edited(INTRO, _8="Ours.")})
    merge(project, returned)
    assert intro(project) == edited(INTRO, _2="Ann's.", _8="Ours.")


def test_a_conflict_is_marked_listed_and_nothing_else_waits_for_it(project, capsys):
    returned = hand_over(project, "ann")
    write(returned, {"intro.tex": edited(INTRO, _2="Ann's.", _8="Ann's too."), "refs.bib": "@book{b}\n"})
    write(project / "paper", {"intro.tex": edited(INTRO, _2="Ours.")})
    with pytest.raises(PoseliftError, match="1 conflict to resolve by hand"):
        merge(project, returned)
    assert "intro.tex, lines 2 to 6: changed on both sides" in capsys.readouterr().err
    marked = "<<<<<<< paper\nOurs.\n=======\nAnn's.\n>>>>>>> ann"
    assert intro(project) == edited(INTRO, _2=marked, _8="Ann's too.")
    assert (project / "paper/refs.bib").read_text() == "@book{b}\n"


def test_a_text_with_a_conflict_is_left_alone_until_it_is_resolved(project, capsys):
    returned = hand_over(project, "ann")
    write(returned, {"intro.tex": edited(INTRO, _2="Ann's.")})
    write(project / "paper", {"intro.tex": edited(INTRO, _2="Ours.")})
    for _ in range(2):
        with pytest.raises(PoseliftError, match="1 conflict"):
            merge(project, returned)
    assert "intro.tex, line 2: has a conflict still; not merged" in capsys.readouterr().err
    assert intro(project).count("<<<<<<<") == 1
    write(project / "paper", {"intro.tex": edited(INTRO, _2="Both.")})
    second = hand_over(project, "again")
    write(second, {"intro.tex": edited(INTRO, _2="Both.", _9="The end.")})
    merge(project, second)
    assert intro(project) == edited(INTRO, _2="Both.", _9="The end.")


def test_several_folders_come_home_one_after_the_other_in_two_rounds(project):
    for turn in (0, 1):
        names = [f"{name}{turn}" for name in ("ann", "bob", "cy")]
        text = intro(project)
        for number, returned in enumerate([hand_over(project, name) for name in names]):
            line = {f"_{2 + 3 * number}": f"By {returned.name}."}
            write(returned, {"intro.tex": edited(text, **line), f"{returned.name}.tex": "New.\n"})
        for name in names:
            merge(project, project / name)
        assert intro(project) == edited(
            text, **{f"_{2 + 3 * i}": f"By {name}." for i, name in enumerate(names)}
        )
        assert all((project / "paper" / f"{name}.tex").is_file() for name in names)


def test_a_folder_that_comes_twice_changes_nothing_the_second_time(project, capsys):
    returned = hand_over(project, "ann")
    write(returned, {"intro.tex": edited(INTRO, _2="Ann's.")})
    write(project / "paper", {"intro.tex": edited(INTRO, _8="Ours.")})
    merge(project, returned)
    once = intro(project)
    merge(project, returned)
    assert intro(project) == once
    assert "nothing to bring home" in capsys.readouterr().out


def test_without_what_was_handed_over_both_texts_stand_there(project):
    returned = hand_over(project, "ann")
    (returned / "generated/handed_over.zip").unlink()
    write(returned, {"intro.tex": edited(INTRO, _2="Ann's.")})
    write(project / "paper", {"intro.tex": edited(INTRO, _8="Ours.")})
    with pytest.raises(PoseliftError, match="conflict"):
        merge(project, returned)
    lines = {line for line in intro(project).splitlines() if not re.match("[<=>]{7}", line)}
    assert lines == {*INTRO.splitlines(), "Ann's.", "Ours."}


def test_a_file_that_both_sides_added_has_both_texts(project):
    returned = hand_over(project, "ann")
    write(returned, {"new.tex": "Ann's.\n"})
    write(project / "paper", {"new.tex": "Ours.\n"})
    with pytest.raises(PoseliftError, match="1 conflict"):
        merge(project, returned)
    text = (project / "paper/new.tex").read_text()
    assert text == "<<<<<<< paper\nOurs.\n=======\nAnn's.\n>>>>>>> ann\n"


def test_a_picture_that_both_sides_replaced_comes_beside_ours(project, capsys):
    write(project / "paper", {"photo.png": b"\x89PNG\0before"})
    returned = hand_over(project, "ann")
    write(returned, {"photo.png": b"\x89PNG\0theirs"})
    write(project / "paper", {"photo.png": b"\x89PNG\0ours"})
    for _ in range(2):
        with pytest.raises(PoseliftError, match="1 conflict"):
            merge(project, returned)
    beside = next((project / "paper").glob("photo-returned-*.png"))
    assert f"photo.png: replaced on both sides; theirs is {beside.name}" in capsys.readouterr().err
    assert beside.read_bytes() == b"\x89PNG\0theirs"
    assert (project / "paper/photo.png").read_bytes() == b"\x89PNG\0ours"
    assert len(list((project / "paper").glob("photo*"))) == 2
    write(returned, {"photo.png": b"\x89PNG\0a third"})
    with pytest.raises(PoseliftError, match="1 conflict"):
        merge(project, returned)
    endings = {path.read_bytes()[5:] for path in (project / "paper").glob("photo*")}
    assert endings == {b"ours", b"theirs", b"a third"}


def test_a_picture_that_they_replaced_comes_home_byte_for_byte(project):
    before, after = b"\x89PNG\r\n\x1a\n\0before", b"\x89PNG\r\n\x1a\n\0after\n"
    write(project / "paper", {"photo.png": before})
    returned = hand_over(project, "ann")
    write(returned, {"photo.png": after})
    merge(project, returned)
    assert (project / "paper/photo.png").read_bytes() == after


def test_a_file_that_was_removed_here_and_changed_there_is_back(project, capsys):
    returned = hand_over(project, "ann")
    write(returned, {"intro.tex": edited(INTRO, _2="Ann's.")})
    (project / "paper/intro.tex").unlink()
    with pytest.raises(PoseliftError, match="1 conflict"):
        merge(project, returned)
    assert "intro.tex: was removed here and changed there; it is back" in capsys.readouterr().err
    assert intro(project) == edited(INTRO, _2="Ann's.")


ACCENTS = "Na\xefve caf\xe9s.\n" * 3


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "windows-1252"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_the_form_in_which_an_editor_writes_is_no_edit(project, capsys, encoding, ends):
    write(project / "paper", {"intro.tex": ACCENTS})
    returned = hand_over(project, "ann")
    (returned / "intro.tex").write_bytes(ACCENTS.replace("\n", ends).encode(encoding))
    merge(project, returned)
    assert "nothing to bring home" in capsys.readouterr().out
    (returned / "intro.tex").write_bytes(edited(ACCENTS, _1="H\xf4tel.").replace("\n", ends).encode(encoding))
    merge(project, returned)
    assert intro(project) == edited(ACCENTS, _1="H\xf4tel.")
    assert ("not UTF-8, read as windows-1252" in capsys.readouterr().out) == (encoding == "windows-1252")


def test_a_text_in_no_known_encoding_is_named_with_its_line(project):
    returned = hand_over(project, "ann")
    write(returned, {"intro.tex": b"One.\nTwo \x81\xff.\n"})
    with pytest.raises(PoseliftError, match=r"ann/intro.tex, line 2: in no known encoding"):
        merge(project, returned)
    assert intro(project) == INTRO


@pytest.mark.parametrize("way", ["clone", "flat zip"])
def test_it_comes_back_from_overleaf(project, way):
    """By its git bridge, or as its zip, which has no folder around the files."""
    handed = hand_over(project, "ann")
    write(project / "paper", {"intro.tex": edited(INTRO, _8="Ours.")})
    write(handed, {"intro.tex": edited(INTRO, _2="Ann's.")})
    if way == "clone":
        git = ["git", "-C", str(handed), "-c", "user.name=a", "-c", "user.email=a@b"]
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
            subprocess.run([*git, *words], check=True)
        returned = project / "clone"
        subprocess.run(
            ["git", "clone", "-q", "-c", "core.autocrlf=true", str(handed), str(returned)], check=True
        )
    else:
        returned = project / "overleaf.zip"
        with zipfile.ZipFile(returned, "w") as archive:
            for path in handed.rglob("*"):
                archive.write(path, path.relative_to(handed))
    merge(project, returned)
    assert intro(project) == edited(INTRO, _2="Ann's.", _8="Ours.")


def test_without_git_two_edits_are_one_line(project, monkeypatch):
    returned = hand_over(project, "ann")
    write(returned, {"intro.tex": edited(INTRO, _2="Ann's.")})
    merge(project, returned)
    write(project / "paper", {"intro.tex": edited(INTRO, _8="Ours.")})
    monkeypatch.setenv("PATH", str(project))
    with pytest.raises(PoseliftError, match="git is not installed"):
        merge(project, returned)


PAIRS = 500


def random_edit(random: random.Random, lines: list[str], side: str) -> list[str]:
    """Lines with up to three lines removed, replaced or added, each new one like no other."""
    lines = list(lines)
    for number in range(random.randint(0, 3)):
        at, new = random.randrange(len(lines) + 1), f"{side} {number} {random.random()}"
        how = random.choice(("add", "replace", "remove"))
        lines[at : at if how == "add" else at + 1] = [] if how == "remove" else [new]
    return lines


def as_text(lines: list[str], ended: bool = True) -> str:
    return "\n".join(lines) + ("\n" if lines and ended else "")


def test_of_500_random_pairs_of_edits_none_is_lost_and_git_merges_alike(tmp_path):
    seeded, clean = random.Random(18), 0
    for pair in range(PAIRS):
        before = [f"{line} {seeded.random()}" for line in range(seeded.randint(0, 12))]
        ours, theirs = (random_edit(seeded, before, side) for side in ("ours", "theirs"))
        texts = [as_text(lines, seeded.random() < 0.9).encode() for lines in (ours, before, theirs)]
        found = merged(texts[1], texts[0], texts[2], ("paper", "handed over", "ann"))
        write(tmp_path, dict(zip("abc", texts, strict=True)))
        command = ["git", "merge-file", "-p", "-L", "paper", "-L", "handed over", "-L", "ann", *"abc"]
        git = subprocess.run(command, capture_output=True, cwd=tmp_path)
        assert found == git.stdout, pair
        assert len(conflicts(found)) == 2 * git.returncode
        lines, kept = set(found.decode().splitlines()), set(ours) & set(theirs)
        assert {*ours, *theirs} - set(before) <= lines, pair  # all that is new
        assert kept & set(before) <= lines, pair  # all that neither side removed
        if git.returncode == 0:
            assert lines <= {*ours, *theirs}, pair
            assert not lines & (set(before) - kept), pair  # nothing that a side removed
            clean += 1
    assert PAIRS / 4 < clean < PAIRS
