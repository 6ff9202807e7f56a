"""What co-authors get compiles far from here, and what they send back comes home without harm."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import pytest

from poselift.errors import PoseliftError
from poselift.files import MARK, write_text
from poselift.paper.archives import zipped
from poselift.paper.compile import compile_paper
from poselift.paper.crate import write_crate
from poselift.paper.handover import arxiv_files, main

needs_latex = pytest.mark.skipif(shutil.which("latexmk") is None, reason="no LaTeX here")

TEXT = {
    "main.tex": "\\documentclass{article}\n\\usepackage{graphicx}\n\\input{generated/numbers}\n"
    "\\begin{document}\n\\input{sections/intro}\n\\input{generated/tables/main}\n"
    "\\bibliographystyle{plain}\n\\bibliography{refs}\n\\end{document}\n",
    "sections/intro.tex": "We lift poses~\\cite{one}.\nIt works.\n",
    "refs.bib": "@book{one, author={A. One}, title={Poses}, publisher={P}, year={2001}}\n",
    "latexmkrc": "$pdf_mode = 1;\n$pdflatex = 'pdflatex -interaction=nonstopmode -halt-on-error %O %S';\n"
    "@default_files = ('main.tex');\n",
    "README.md": "How to compile.\n",
}
GENERATED = {
    "generated/numbers.tex": "\\newif\\ifdraft\n\\draftfalse\n",
    "generated/tables/main.tex": "A table.\n",
}
RECORD = {
    "hash": "0" * 64,
    "core": {"parts": [], "sources": {}, "jobs": {"table": {
        "rule": "table", "code": "abc", "params": {}, "inputs": [],
        "outputs": ["results/x/tables/main.tex"]}}},
    "outputs": {"results/x/tables/main.tex": {"sha256": "1" * 64, "size": 9}},
    "code": {"abc": None}, "frozen": {},
    "volatile": {"commit": None, "jobs": {"table": {"ended": "2026-01-01T00:00:00+00:00", "host": "h"}}},
}  # fmt: skip


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        write_text(folder / name, text)


@pytest.fixture
def project(tmp_path) -> Path:
    """The project's text, `paper`, and the built folder `built`."""
    write(tmp_path / "paper", TEXT)
    write(tmp_path / "built", {**TEXT, **GENERATED, "generated/provenance.json": json.dumps(RECORD)})
    texts = {name: text.encode() for name, text in TEXT.items()}
    (tmp_path / "built/generated/handed_over.zip").write_bytes(zipped(texts))
    return tmp_path


@pytest.fixture
def packed(project) -> Path:
    """The folder with what was handed over."""
    compile_paper(project / "built")
    write_crate(project / "built")
    main(["pack", str(project / "built"), "--out", str(project / "out")])
    return project / "out"


@pytest.fixture
def returned(project) -> Path:
    """The folder as co-authors have it; made without LaTeX, which merging does not need."""
    (project / "built" / "main.pdf").write_bytes(b"%PDF")
    write_crate(project / "built")
    return Path(shutil.copytree(project / "built", project / "returned"))


def latexmk(folder: Path, home: Path) -> Path:
    """Compile with nothing of this environment but the place of LaTeX."""
    clean = {
        "PATH": os.defpath + os.pathsep + str(Path(shutil.which("latexmk") or "").parent),
        "HOME": str(home),
    }
    answer = subprocess.run(["latexmk"], cwd=folder, env=clean, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout[-1500:]
    return folder / "main.pdf"


@needs_latex
def test_the_zip_compiles_and_checks_itself_elsewhere(packed, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with zipfile.ZipFile(packed / "paper.zip") as archive:
        archive.extractall(home)
    folder = home / "paper"
    check = [sys.executable, "-I", "-S", "verify.py"]
    assert subprocess.run(check, cwd=folder, capture_output=True).returncode == 0
    (folder / "main.pdf").unlink()
    assert latexmk(folder, home).read_bytes().startswith(b"%PDF")


@needs_latex
def test_folder_and_zip_hold_the_same(packed):
    with zipfile.ZipFile(packed / "paper.zip") as archive:
        zipped = {name: archive.read(name) for name in archive.namelist()}
    folder = packed / "paper"
    there = {
        f"paper/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MARK
    }
    assert zipped == there
    assert {"paper/main.pdf", "paper/verify.py", "paper/README.md", "paper/ro-crate-metadata.json"} <= set(
        there
    )


@needs_latex
def test_arxiv_gets_what_it_needs_and_typesets_it_without_bibtex(packed, tmp_path):
    folder = tmp_path / "arxiv"
    with tarfile.open(packed / "paper-arxiv.tar.gz") as archive:
        names = archive.getnames()
    shutil.unpack_archive(packed / "paper-arxiv.tar.gz", folder)
    assert sorted(names) == [
        "generated/numbers.tex", "generated/tables/main.tex", "main.bbl", "main.tex", "sections/intro.tex",
    ]  # fmt: skip
    for _ in range(2):
        answer = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "main.tex"], cwd=folder, capture_output=True, text=True
        )
        assert answer.returncode == 0, answer.stdout[-1500:]
    assert "undefined" not in (folder / "main.log").read_text().lower()
    assert not [name for name in names if str(packed) in (folder / name).read_text()]


@needs_latex
def test_the_same_folder_gives_the_same_bytes(packed, project):
    main(["pack", str(project / "built"), "--out", str(project / "again")])
    for name in ("paper.zip", "paper-arxiv.tar.gz"):
        assert (packed / name).read_bytes() == (project / "again" / name).read_bytes()


@needs_latex
def test_an_absolute_path_and_an_odd_name_are_refused(project):
    for text, name, message in (
        ("\\input{/etc/hostname}\n", "intro", r"intro.tex: names an absolute path"),
        ("Text.\n", "in tro", r"in tro.tex: arXiv takes names"),
    ):
        built = Path(shutil.copytree(project / "built", project / name))
        write(built, {f"sections/{name}.tex": text})
        main_tex = (built / "main.tex").read_text().replace("sections/intro", f'"sections/{name}"')
        write(built, {"main.tex": main_tex})
        compile_paper(built)
        write_crate(built)
        with pytest.raises(PoseliftError, match=message):
            main(["pack", str(built), "--out", str(project / "out")])
        assert not (project / "out").exists()


@pytest.mark.parametrize("name", ["main.tex", "plot.tikz", "main.bbl"])
def test_an_absolute_path_is_found_in_whatever_is_latex(tmp_path, name):
    text = "\\input{/etc/hostname}\n"
    write(tmp_path, {"main.fls": f"INPUT {name}\n", name: text})
    with pytest.raises(PoseliftError, match=f"{name}: names an absolute path"):
        arxiv_files({name: text.encode()}, tmp_path)


def test_a_figure_that_latex_looked_for_in_a_folder_goes_to_arxiv(tmp_path):
    """As LaTeX records it: with `\\graphicspath{{figs/}}` there are two slashes."""
    (tmp_path / "main.fls").write_text("INPUT ./figs//plot.png\nINPUT ./main.tex\n")
    files = {"main.tex": b"", "figs/plot.png": b"", "figs/other.png": b""}
    assert set(arxiv_files(files, tmp_path)) == {"main.tex", "figs/plot.png"}


# every kind of file that a text can read, in the form that people give it
JPEG = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300" + "01" * 64 + "ffc0000b080001000101011100ffc4001400"
    "01000000000000000000000000000000000000ffc40014100100000000000000000000000000000000ffda0008010100003f007fff"
    "d9"
)


def build(folder: Path, body: str = "", **files: bytes | str) -> Path:
    """The paper with more in its text and more files, built."""
    text = TEXT["sections/intro.tex"] + body
    for name, content in {"sections/intro.tex": text, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    compile_paper(folder)
    write_crate(folder)
    return folder


def submitted(archive: Path, folder: Path) -> list[str]:
    shutil.unpack_archive(archive, folder)
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@needs_latex
def test_arxiv_gets_whatever_the_text_reads_and_nothing_else(project, tmp_path):
    files = {
        "a.jpg": JPEG, "b.JPG": JPEG, "c.jpeg": JPEG, "figs/d.jpg": JPEG,
        "plot.tikz": "A plot.\n", "numbers.dat": "some data\n",
        "notes.txt": "private\n", "letter.docx": b"PK\0private", "mine.sty": "\\newcommand\\mine{M}\n",
        "main.tex": TEXT["main.tex"].replace("{graphicx}", "{graphicx,mine}"),
    }  # fmt: skip
    body = (
        "\\includegraphics{a.jpg}\\includegraphics{c.jpeg}\n"
        "\\DeclareGraphicsRule{.JPG}{jpg}{.JPG}{}\\includegraphics{b.JPG}\n"
        "\\input{plot.tikz}\\input{numbers.dat}\n\\graphicspath{{figs/}}\\includegraphics{d}\n"
    )
    built = build(project / "built", body, **files)
    main(["pack", str(built), "--out", str(project / "out")])
    names = submitted(project / "out/paper-arxiv.tar.gz", tmp_path / "arxiv")
    assert {
        "a.jpg",
        "b.JPG",
        "c.jpeg",
        "figs/d.jpg",
        "plot.tikz",
        "numbers.dat",
        "mine.sty",
        "main.bbl",
    } <= set(names)
    assert {"notes.txt", "letter.docx", "latexmkrc", "README.md", "main.aux", "main.pdf"}.isdisjoint(names)
    with zipfile.ZipFile(project / "out/paper.zip") as archive:
        assert {f"paper/{name}" for name in files} <= set(archive.namelist())


@needs_latex
def test_what_does_not_compile_from_the_archive_alone_is_not_handed_out(project):
    # found by a path that latexmkrc sets, which arXiv does not read
    rc = TEXT["latexmkrc"] + "$ENV{'TEXINPUTS'} = './styles//:';\n"
    built = build(
        project / "built",
        "\\input{mine.sty}\\mine\n",
        latexmkrc=rc,
        **{"styles/mine.sty": "\\def\\mine{M}\n"},
    )
    with pytest.raises(PoseliftError, match=r"arxiv.*intro.tex, line 3: .*`mine.sty' not found"):
        main(["pack", str(built), "--out", str(project / "out")])
    assert not (project / "out").exists()


@needs_latex
def test_undefined_citations_and_references_are_said_when_packing(project, capsys):
    built = build(project / "built", "See~\\cite{nobody} and~\\ref{nothing}.\n")
    main(["pack", str(built), "--out", str(project / "out")])
    said = capsys.readouterr().err
    assert "warning: sections/intro.tex: LaTeX Warning: Citation `nobody'" in said
    assert "warning: sections/intro.tex: LaTeX Warning: Reference `nothing'" in said


@needs_latex
def test_what_lies_about_in_the_folder_is_not_handed_over(project):
    built = build(project / "built")
    write(
        built, {"main.log": "/home/me", "generated/.DS_Store": "x", "generated/Thumbs.db": "x", "x.tex~": "x"}
    )
    main(["pack", str(built), "--out", str(project / "out")])
    names = [path.name for path in (project / "out/paper").rglob("*")]
    assert {"main.log", ".DS_Store", "Thumbs.db", "x.tex~"}.isdisjoint(names)


@needs_latex
def test_a_settings_file_of_the_user_changes_nothing(project, monkeypatch):
    home = project / "home"
    write(home, {".latexmkrc": "$out_dir = 'elsewhere';\n$jobname = 'other';\n"})
    monkeypatch.setenv("HOME", str(home))
    main(["pack", str(build(project / "built")), "--out", str(project / "out")])
    assert (project / "out/paper/main.pdf").exists()


@needs_latex
def test_packing_replaces_only_what_was_packed(packed, project):
    main(["pack", str(project / "built"), "--out", str(packed)])
    paper = project / "paper"
    for out, name, message in (
        (project, "paper", f"{paper}: is there already and poselift did not make it"),
        (packed, "", "--name ''"),
        (packed, "../x", "--name '../x'"),
        (packed, "..", r"--name '\.\.'"),
        (packed, "/etc/x", "--name '/etc/x'"),
        (project / "built", "paper", "must lie outside of the paper folder"),
        (project / "built/generated", "x", "must lie outside of the paper folder"),
        (project, "built", "must lie outside of the paper folder"),
    ):
        before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
        with pytest.raises(PoseliftError, match=message):
            main(["pack", str(project / "built"), "--out", str(out), "--name", name])
        assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


@needs_latex
def test_text_that_was_edited_where_it_was_packed_is_not_lost(packed, project):
    write(packed / "paper", {"sections/intro.tex": EDITED, "main.log": "x"})
    with pytest.raises(PoseliftError, match=r"edited since it was packed \(sections/intro.tex\)"):
        main(["pack", str(project / "built"), "--out", str(packed)])
    assert (packed / "paper/sections/intro.tex").read_text() == EDITED
    (packed / "paper/sections/intro.tex").unlink()  # which is an edit, too
    with pytest.raises(PoseliftError, match=r"edited since it was packed \(sections/intro.tex\)"):
        main(["pack", str(project / "built"), "--out", str(packed)])


@pytest.mark.parametrize("name", ["paper.zip", "paper-arxiv.tar.gz"])
def test_an_archive_of_somebody_else_is_not_replaced(project, returned, name):
    write(project / "out", {name: "mine"})
    with pytest.raises(PoseliftError, match=f"{name}: is there already"):
        main(["pack", str(returned), "--out", str(project / "out")])
    assert (project / "out" / name).read_text() == "mine"


def test_too_large_for_arxiv_is_what_latex_read_and_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "main.fls").write_text("INPUT main.tex\nINPUT ./plot.pdf\n")
    read = {"main.tex": b"12345", "plot.pdf": b"123456"}
    files = read | {"raw.png": b"0" * 1000}
    monkeypatch.setattr("poselift.paper.handover.ARXIV_LIMIT", 11)
    assert arxiv_files(files, tmp_path) == read
    monkeypatch.setattr("poselift.paper.handover.ARXIV_LIMIT", 10)
    with pytest.raises(PoseliftError, match=r"arXiv takes 0 MB.*largest is plot\.pdf"):
        arxiv_files(files, tmp_path)


def test_an_edited_table_is_not_handed_over(project, returned):
    write(returned, {"generated/tables/main.tex": "Another table.\n"})
    with pytest.raises(PoseliftError, match=r"generated/tables/main.tex: edited; build the paper again"):
        main(["pack", str(returned), "--out", str(project / "out")])


def test_a_draft_is_handed_over_only_as_such(project):
    write(project / "built", {"generated/numbers.tex": "\\newif\\ifdraft\n\\drafttrue\n", "main.pdf": "%PDF"})
    write_crate(project / "built")
    with pytest.raises(PoseliftError, match="a DRAFT, runs are missing; --draft"):
        main(["pack", str(project / "built"), "--out", str(project / "out")])
    if shutil.which("latexmk"):
        main(["pack", str(project / "built"), "--out", str(project / "out"), "--draft"])
        assert (project / "out" / "paper.zip").exists()


def test_a_folder_that_was_not_finished(project):
    with pytest.raises(PoseliftError, match="not a finished paper folder"):
        main(["pack", str(project / "paper"), "--out", str(project / "out")])


def merge(project: Path, returned: Path, *more: str) -> None:
    main(["merge", str(returned), "--into", str(project / "paper"), *more])


EDITED = "We lift poses well~\\cite{one}.\nIt works.\n"


def test_edited_text_comes_home_as_a_diff_and_then_for_good(project, returned, capsys):
    write(returned, {"sections/intro.tex": EDITED})
    merge(project, returned)
    shown = capsys.readouterr().out
    assert "-We lift poses~\\cite{one}.\n+We lift poses well~\\cite{one}.\n" in shown
    assert "1 changed file; --apply writes them" in shown
    assert (project / "paper/sections/intro.tex").read_text() == TEXT["sections/intro.tex"]
    merge(project, returned, "--apply")
    assert (project / "paper/sections/intro.tex").read_text() == EDITED
    capsys.readouterr()
    merge(project, returned)
    assert "nothing to bring home" in capsys.readouterr().out


def test_the_diff_is_one_that_patch_reads(project, returned, capsys):
    if shutil.which("patch") is None:
        pytest.skip("no patch here")
    write(returned, {"sections/intro.tex": EDITED.rstrip("\n"), "sections/new.tex": "More.\n"})
    merge(project, returned)
    subprocess.run(
        ["patch", "-p1"], cwd=project / "paper", input=capsys.readouterr().out, text=True, check=True
    )
    assert (project / "paper/sections/intro.tex").read_text() == EDITED.rstrip("\n")
    assert (project / "paper/sections/new.tex").read_text() == "More.\n"


def test_line_ends_of_another_system_are_no_edit(project, returned, capsys):
    for path in [*returned.rglob("*.tex"), *returned.rglob("*.bib")]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    merge(project, returned, "--apply")
    assert "nothing to bring home" in capsys.readouterr().out
    write_bytes = EDITED.replace("\n", "\r\n").encode()
    (returned / "sections/intro.tex").write_bytes(write_bytes)
    merge(project, returned, "--apply")
    assert (project / "paper/sections/intro.tex").read_bytes() == EDITED.encode()


def test_bytes_of_a_picture_that_look_like_line_ends_come_home_as_they_are(project, returned):
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) + b"\r\n\n\r"
    (returned / "photo.png").write_bytes(picture)
    merge(project, returned, "--apply")
    assert (project / "paper/photo.png").read_bytes() == picture


def test_what_latex_wrote_stays_away(project, returned, capsys):
    write(returned, {"main.aux": "x", "main.log": "x", "main.bbl": "x", "main.pdf": "compiled there"})
    merge(project, returned, "--apply")
    assert not (project / "paper/main.aux").exists()
    assert not (project / "paper/main.pdf").exists()


def test_edited_generated_files_are_refused_and_named(project, returned):
    write(returned, {"sections/intro.tex": EDITED, "generated/tables/main.tex": "Better numbers.\n"})
    with pytest.raises(PoseliftError, match=r"generated files were edited: generated/tables/main.tex;"):
        merge(project, returned, "--apply")
    assert (project / "paper/sections/intro.tex").read_text() == TEXT["sections/intro.tex"]


def test_the_same_edit_on_both_sides_is_no_conflict(project, returned):
    write(returned, {"sections/intro.tex": EDITED})
    write(project / "paper", {"sections/intro.tex": EDITED})
    merge(project, returned)


def test_a_zip_comes_back(project, returned):
    write(returned, {"sections/intro.tex": EDITED})
    archive = shutil.make_archive(str(project / "back"), "zip", project, "returned")
    merge(project, Path(archive), "--apply")
    assert (project / "paper/sections/intro.tex").read_text() == EDITED


NEW = {
    "photo.jpeg": b"\xff\xd8new", "photo.JPG": b"\xff\xd8new", "plot.eps": b"%!PS\n", "plot.svg": b"<svg/>\n",
    "plot.tikz": b"new\n", "notes.txt": b"new\n", "table.csv": b"1,2\n", "letter.docx": b"PK\0\r\n\xff",
    "sections/deep/new.tex": b"new\n", "empty.tex": b"",
}  # fmt: skip


def test_whatever_is_new_comes_home_byte_for_byte(project, returned, capsys):
    for name, content in NEW.items():
        (returned / name).parent.mkdir(parents=True, exist_ok=True)
        (returned / name).write_bytes(content)
    merge(project, returned, "--apply")
    assert {name: (project / "paper" / name).read_bytes() for name in NEW} == NEW
    assert f"{len(NEW)} changed files" in capsys.readouterr().out


@pytest.mark.parametrize("renamed", [True, False])
def test_a_deleted_or_renamed_file_is_said_and_stays(project, returned, capsys, renamed):
    if renamed:
        (returned / "sections/intro.tex").rename(returned / "sections/start.tex")
    else:
        (returned / "sections/intro.tex").unlink()
    merge(project, returned, "--apply")
    assert "sections/intro.tex: did not come back; it stays here" in capsys.readouterr().out
    assert (project / "paper/sections/intro.tex").read_text() == TEXT["sections/intro.tex"]
    assert (project / "paper/sections/start.tex").exists() == renamed
    (project / "paper/sections/intro.tex").unlink()
    merge(project, returned)
    assert "did not come back" not in capsys.readouterr().out


def test_a_renamed_file_that_was_changed_here_is_to_be_decided(project, returned, capsys):
    """Removing it would lose the change: what came back under another name has not got it."""
    (returned / "sections/intro.tex").rename(returned / "sections/start.tex")
    (project / "paper/sections/intro.tex").write_text("Mine.\n")
    with pytest.raises(PoseliftError, match="1 conflict to resolve by hand"):
        merge(project, returned, "--apply")
    out, err = capsys.readouterr()
    assert "sections/intro.tex: was changed here and did not come back" in err
    assert "did not come back; it stays here" not in out
    assert (project / "paper/sections/intro.tex").read_text() == "Mine.\n"


@pytest.mark.parametrize("ours", ["NFC", "NFD"])
def test_names_with_accents_that_macos_writes_otherwise_are_the_same_files(project, capsys, ours):
    """Both forms look alike; one system takes what the other sends for a new file."""
    name, others = (unicodedata.normalize(form, "sections/é.tex") for form in (ours, "NFD"))
    for folder in ("paper", "built"):
        write(project / folder, {name: "One.\nTwo.\nThree.\n"})
    write_crate(project / "built")
    back = Path(shutil.copytree(project / "built", project / "returned"))
    (back / name).rename(back / others)
    (back / others).write_text("One.\nTwo.\nFour.\n")
    write(back, {unicodedata.normalize("NFD", "sections/ü.tex"): "New.\n"})
    merge(project, back, "--apply")
    assert "did not come back" not in capsys.readouterr().out
    assert (project / "paper" / name).read_text() == "One.\nTwo.\nFour.\n"
    assert (project / "paper" / unicodedata.normalize("NFC", "sections/ü.tex")).read_text() == "New.\n"
    assert len(list((project / "paper/sections").iterdir())) == 3


def test_what_systems_and_tools_leave_blocks_nothing(project, returned, capsys):
    names = (".DS_Store", "generated/.DS_Store", "generated/tables/Thumbs.db", "auto/main.el", ".git/config")
    more = ("generated/figures/a-eps-converted-to.pdf", "sections/intro.tex~")
    write(returned, dict.fromkeys((*names, *more), "x"))
    (returned / ".#main.tex").symlink_to("me@there.77")
    merge(project, returned, "--apply")
    assert "nothing to bring home" in capsys.readouterr().out


@pytest.mark.parametrize("side", ["returned", "paper", "handed over"])
def test_line_ends_of_windows_are_no_change_on_any_side(project, returned, capsys, side):
    def to_windows(folder: Path) -> None:
        for path in (path for path in folder.rglob("*") if path.suffix in (".tex", ".bib", ".md", ".json")):
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    if side == "handed over":
        to_windows(project / "built")
        write_crate(project / "built")
        shutil.rmtree(returned)
        shutil.copytree(project / "built", returned)
        for path in returned.rglob("*.tex"):
            path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))
    else:
        to_windows(project / side)
    merge(project, returned, "--apply")
    assert "nothing to bring home" in capsys.readouterr().out
    (returned / "sections/intro.tex").write_bytes(EDITED.encode())
    merge(project, returned, "--apply")
    ends = b"\r\n" if side == "paper" else b"\n"
    assert (project / "paper/sections/intro.tex").read_bytes() == EDITED.encode().replace(b"\n", ends)


def test_carriage_returns_in_a_picture_are_its_own(project, returned):
    for name, content in (("a.png", b"\x89PNG\r\n\x1a\n\0\r\n"), ("b.pdf", b"%PDF\r\n\xe2\xe3\r\n")):
        (returned / name).write_bytes(content)
        merge(project, returned, "--apply")
        assert (project / "paper" / name).read_bytes() == content


@pytest.mark.parametrize("archived", [True, False])
def test_a_link_is_not_followed(project, returned, archived):
    secret = project / "secret.tex"
    secret.write_text("secret")
    target = returned
    (returned / "sections/new.tex").symlink_to(secret)
    if archived:
        (returned / "sections/new.tex").unlink()
        target = Path(shutil.make_archive(str(project / "back"), "zip", project, "returned"))
        entry = zipfile.ZipInfo("returned/sections/new.tex")
        entry.external_attr = 0o120777 << 16
        with zipfile.ZipFile(target, "a") as archive:
            archive.writestr(entry, str(secret))
    with pytest.raises(PoseliftError, match=r"sections/new.tex: a link, which is not followed"):
        merge(project, target, "--apply")
    (returned / "sections/new.tex").unlink(missing_ok=True)
    (returned / "more").symlink_to(project)
    with pytest.raises(PoseliftError, match="more: a link"):
        merge(project, returned, "--apply")


def test_a_program_is_shown_whole_and_never_written(project, returned, capsys):
    write(returned, {"latexmkrc": TEXT["latexmkrc"] + "system('rm -rf /');\n", "sections/intro.tex": EDITED})
    merge(project, returned, "--apply")
    said = capsys.readouterr().out
    assert "+system('rm -rf /');" in said
    assert "latexmkrc: is run as a program by each build, so it is not merged" in said
    assert (project / "paper/latexmkrc").read_text() == TEXT["latexmkrc"]
    assert (project / "paper/sections/intro.tex").read_text() == EDITED


def test_what_a_terminal_would_obey_is_quoted(project, returned, capsys):
    write(returned, {"sections/intro.tex": "a\x1b]0;owned\x07b\x9b2Jc\u202ed\ttab\n", "x\x1b[2J.png": "x"})
    merge(project, returned)
    said, warned = capsys.readouterr()
    assert "LaTeX reads no file of such a name; rename it" in warned
    assert not set("\x1b\x07\x9b\u202e") & set(warned)
    assert "+a\\x1b]0;owned\\x07b\\x9b2Jc\\u202ed\ttab\n" in said
    assert not set("\x1b\x07\x9b\u202e") & set(said)
    (returned / "generated/\x1b[2J.tex").write_text("x")
    with pytest.raises(PoseliftError) as caught:
        merge(project, returned)
    assert "\x1b" not in str(caught.value)


def zip_of(project: Path, change) -> Path:
    """A returned zip whose bytes were changed."""
    path = Path(shutil.make_archive(str(project / "back"), "zip", project, "returned"))
    path.write_bytes(change(path.read_bytes()))
    return path


def encrypted(content: bytes) -> bytes:
    """The zip with all entries marked as encrypted, in their own and the central headers."""
    marked = bytearray(content)
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := content.find(signature, start + 1)) >= 0:
            marked[start + at] |= 1
    return bytes(marked)


def broken(content: bytes) -> bytes:
    """The zip with its first long stretch of compressed bytes overwritten."""
    start = content.index(b"main.tex") + len("main.tex") + 30
    return content[:start] + b"\xff" * 20 + content[start + 20 :]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (encrypted, "back.zip: has a password; get it without one"),
        (broken, "back.zip: a damaged zip"),
        (lambda content: content[: len(content) // 2], "back.zip: neither a folder nor a zip"),
    ],
)
def test_a_zip_that_cannot_be_unpacked_is_one_line(project, returned, change, message):
    with pytest.raises(PoseliftError, match=message) as caught:
        merge(project, zip_of(project, change))
    assert "\n" not in str(caught.value)


def test_a_zip_that_would_fill_the_disk_is_not_unpacked(project, returned, monkeypatch):
    monkeypatch.setattr("poselift.paper.merge.LIMIT", 3_000_000)
    with (returned / "zeros.png").open("wb") as file:
        file.truncate(4_000_000)
    with pytest.raises(PoseliftError, match="4 MB when unpacked, more than 3 MB"):
        merge(project, zip_of(project, bytes))


def test_what_cannot_be_merged_is_said(project, returned):
    with pytest.raises(PoseliftError, match="no such file or folder"):
        merge(project, project / "nothing")
    with pytest.raises(PoseliftError, match="neither a folder nor a zip"):
        merge(project, project / "paper/main.tex")
    with pytest.raises(PoseliftError, match="not a folder that was handed over"):
        merge(project, project / "paper")
    with pytest.raises(PoseliftError, match=r"no main.tex; --into"):
        main(["merge", str(returned), "--into", str(project / "nothing")])
    sums = (returned / "SHA256SUMS").read_text()
    (returned / "SHA256SUMS").write_text(sums.replace("  main.tex", " main.tex"))
    with pytest.raises(PoseliftError, match=r"SHA256SUMS, line \d+: damaged"):
        merge(project, returned)
