"""What co-authors get compiles far from here, and what they send back comes home without harm."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from poselift.errors import PoseliftError
from poselift.files import write_text
from poselift.paper.compile import compile_paper
from poselift.paper.handover import main
from poselift.provenance.crate import write_crate

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
        if path.is_file()
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


@needs_latex
def test_too_large_for_arxiv(project, monkeypatch):
    compile_paper(project / "built")
    write_crate(project / "built")
    monkeypatch.setattr("poselift.paper.handover.ARXIV_LIMIT", 100)
    with pytest.raises(PoseliftError, match=r"arXiv takes 0 MB.*largest is \w+"):
        main(["pack", str(project / "built"), "--out", str(project / "out")])


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
    assert "the text is as it was handed over" in capsys.readouterr().out


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
    assert "the text is as it was handed over" in capsys.readouterr().out
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


def test_conflicts_are_named_and_nothing_is_written(project, returned):
    write(returned, {"sections/intro.tex": EDITED, "README.md": "Theirs.\n"})
    write(project / "paper", {"sections/intro.tex": "Ours.\n"})
    with pytest.raises(PoseliftError, match=r"intro.tex: changed in .* and, since it was handed over, in"):
        merge(project, returned, "--apply")
    assert (project / "paper/README.md").read_text() == TEXT["README.md"]
    (returned / "sections/intro.tex").unlink()  # brought together by hand
    merge(project, returned, "--apply")
    assert (project / "paper/README.md").read_text() == "Theirs.\n"
    assert (project / "paper/sections/intro.tex").read_text() == "Ours.\n"


def test_the_same_edit_on_both_sides_is_no_conflict(project, returned):
    write(returned, {"sections/intro.tex": EDITED})
    write(project / "paper", {"sections/intro.tex": EDITED})
    merge(project, returned)


def test_an_added_file_that_is_here_already_is_a_conflict(project, returned):
    write(returned, {"sections/new.tex": "Theirs.\n"})
    write(project / "paper", {"sections/new.tex": "Ours.\n"})
    with pytest.raises(PoseliftError, match=r"sections/new.tex: changed in"):
        merge(project, returned)


def test_a_zip_comes_back(project, returned):
    write(returned, {"sections/intro.tex": EDITED})
    archive = shutil.make_archive(str(project / "back"), "zip", project, "returned")
    merge(project, Path(archive), "--apply")
    assert (project / "paper/sections/intro.tex").read_text() == EDITED


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
