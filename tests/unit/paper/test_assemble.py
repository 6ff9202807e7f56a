"""The paper folder is complete or is not made, and people's sources are only read."""

import pytest

from poselift.config.submission import Submission
from poselift.errors import PoseliftError
from poselift.files import MARK
from poselift.paper import submission
from poselift.paper.archives import unzipped
from poselift.paper.assemble import HANDED_OVER, assemble, main, parts_named
from poselift.paper.sources import is_source, sources

SOURCES = {
    "main.tex": "\\input{generated/numbers}\n\\input{sections/results}\n% \\input{generated/tables/old}\n",
    "sections/results.tex": "\\input{generated/tables/main}\\includegraphics{generated/figures/plot}\n",
    "refs.bib": "@book{a}\n",
    ".notes": "private\n",
}
PARTS = {"main.tex": "table", "plot.pdf": "figure", "numbers.tex": "numbers"}


@pytest.fixture
def folders(tmp_path):
    for base, files in (("paper", SOURCES), ("parts", PARTS)):
        for name, text in files.items():
            path = tmp_path / base / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return tmp_path


def put_together(folders, **changes):
    parts = folders / "parts"
    arguments = {
        "sources": folders / "paper",
        "tables": [parts / "main.tex"],
        "figures": [parts / "plot.pdf"],
        "others": [parts / "numbers.tex"],
        "out": folders / "out" / "paper",
    }
    assemble(**{**arguments, **changes})


def content(folder):
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name not in (MARK, HANDED_OVER)]
    return {str(path.relative_to(folder)): path.read_text() for path in paths}


def test_sources_and_parts_are_put_together(folders):
    put_together(folders)
    assert content(folders / "out" / "paper") == {
        **{name: text for name, text in SOURCES.items() if name != ".notes"},
        "generated/tables/main.tex": "table",
        "generated/figures/plot.pdf": "figure",
        "generated/numbers.tex": "numbers",
        "generated/submission.tex": submission.text(Submission(), folders / "paper"),
    }


def test_the_command_line_says_the_form(folders):
    paper, parts, out = folders / "paper", folders / "parts", folders / "out"
    given = {"sources": paper, "tables": parts / "main.tex", "figures": parts / "plot.pdf"}
    given |= {"others": parts / "numbers.tex", "out": out, "anonymous": "true", "page-limit": 8}
    main([str(word) for name, value in given.items() for word in (f"--{name}", value)])
    form = submission.text(Submission(anonymous=True, page_limit=8), paper)
    assert content(out)["generated/submission.tex"] == form != submission.text(Submission(), paper)


def test_the_texts_are_kept_as_they_were_handed_over(folders):
    (folders / "paper" / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n\0")
    put_together(folders)
    kept = unzipped((folders / "out/paper/generated" / HANDED_OVER).read_bytes())
    assert kept == {name: text.encode() for name, text in SOURCES.items() if name != ".notes"}


def test_a_conflict_that_was_left_in_the_text_is_named_with_its_line(folders):
    (folders / "paper/sections/results.tex").write_text("One.\n<<<<<<< paper\nA\n=======\nB\n>>>>>>> x\n")
    with pytest.raises(PoseliftError, match=r"sections/results\.tex, line 2: a conflict of two edits"):
        put_together(folders)


def test_the_sources_are_left_as_they_were(folders):
    before = content(folders / "paper")
    put_together(folders)
    assert content(folders / "paper") == before


def test_what_is_no_longer_there_goes(folders):
    put_together(folders)
    old = folders / "out" / "paper" / "sections" / "old.tex"
    old.write_text("old")
    put_together(folders)
    assert not old.exists()


def test_a_part_that_the_text_uses_has_to_be_given(folders):
    with pytest.raises(PoseliftError, match=r"results.tex.*generated/figures/plot.pdf"):
        put_together(folders, figures=[])
    assert not (folders / "out").exists()


def test_a_part_that_does_not_exist_is_named(folders):
    with pytest.raises(PoseliftError, match=r"gone.tex: no such file"):
        put_together(folders, tables=[folders / "parts" / "main.tex", folders / "parts" / "gone.tex"])


def test_an_older_folder_survives_a_failure(folders):
    put_together(folders)
    before = content(folders / "out")
    with pytest.raises(PoseliftError):
        put_together(folders, tables=[])
    assert content(folders / "out") == before


def test_generated_parts_are_not_sources(folders):
    (folders / "paper" / "generated").mkdir()
    with pytest.raises(PoseliftError, match="generated"):
        put_together(folders)


@pytest.mark.parametrize("out", ["paper", "paper/out", "."])
def test_the_folder_is_never_made_over_the_sources(folders, out):
    with pytest.raises(PoseliftError, match="outside"):
        put_together(folders, out=folders / out)
    assert (folders / "paper" / "main.tex").read_text() == SOURCES["main.tex"]


def test_a_folder_without_a_paper_is_refused(folders):
    with pytest.raises(PoseliftError, match=r"main\.tex"):
        put_together(folders, sources=folders / "parts" / "nothing")


def test_other_parts_have_to_exist(folders):
    with pytest.raises(PoseliftError, match=r"gone.json: no such file"):
        put_together(folders, others=[folders / "parts" / "gone.json"])


NO_SOURCES = (
    ".git/objects/ab/cdef", ".gitignore", ".#main.tex", "sections/._results.tex", ".DS_Store", "Thumbs.db",
    "main.tex~", "#main.tex#", "sections/results.tex.bak", "refs.bib.orig", ".main.tex.swp", "main.aux",
    "main.log", "main.fls", "main.fdb_latexmk", "main.synctex.gz", "main.bbl", "main.pdf", "auto/main.el",
    "plot-eps-converted-to.pdf", "__MACOSX/main.tex", "desktop.ini",
)  # fmt: skip
SOURCES_TOO = (
    "figure.pdf", "photo.jpeg", "photo.JPG", "plot.eps", "plot.svg", "plot.tikz", "notes.txt", "table.csv",
    "letter.docx", "journal.cls", "a.bst", "latexmkrc", "sections/main.pdf", "claims.yaml", "LICENSE",
)  # fmt: skip


@pytest.mark.parametrize("name", NO_SOURCES)
def test_what_tools_leave_behind_is_no_source(name):
    assert not is_source(name)


@pytest.mark.parametrize("name", SOURCES_TOO)
def test_whatever_else_people_put_there_is(name):
    assert is_source(name)


def test_only_sources_reach_the_paper(folders):
    for name in NO_SOURCES:
        path = folders / "paper" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"/home/me \xff\xfe")
    (folders / "paper" / ".#results.tex").symlink_to("me@here.1234")
    assert list(sources(folders / "paper")) == ["main.tex", "refs.bib", "sections/results.tex"]
    put_together(folders)
    assert {name for name in content(folders / "out" / "paper") if not name.startswith("generated/")} == {
        "main.tex", "refs.bib", "sections/results.tex",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["fig{1}.png", "a{b.tex", "50%.png", "new\nline.tex"])
def test_a_name_that_latex_cannot_read_is_one_line(folders, name):
    (folders / "paper" / name).write_text("x")
    with pytest.raises(PoseliftError, match="rename it") as caught:
        put_together(folders)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (r"\input{./generated/tables/x}", "tables/x.tex"),
        ("\\input generated/tables/x and more", "tables/x.tex"),
        ("\\input{%\n  generated/tables/x}", "tables/x.tex"),
        (r"\include{generated/tables/x.tex}", "tables/x.tex"),
        (r"\includegraphics*[width=2cm]{generated/figures/x}", "figures/x.pdf"),
        (r"\includegraphics[0,0][1,1]{generated/figures/x.pdf}", "figures/x.pdf"),
        (r"a \\% \input{generated/tables/x}", None),
    ],
)
def test_a_part_is_named_however_it_is_read(tmp_path, text, part):
    (tmp_path / "main.tex").write_text(text)
    assert list(parts_named(tmp_path)) == ([part] if part else [])


def test_a_text_that_is_not_utf8_is_named_with_its_line(folders):
    path = folders / "paper" / "sections" / "results.tex"
    path.write_bytes("one\ntwo\nna\xefve\n".encode("latin-1"))
    with pytest.raises(PoseliftError, match=r"sections/results\.tex, line 3: not UTF-8"):
        parts_named(folders / "paper")


def test_a_folder_of_somebody_else_is_not_replaced(folders):
    mine = folders / "out" / "paper" / "thesis.tex"
    mine.parent.mkdir(parents=True)
    mine.write_text("years of work")
    with pytest.raises(PoseliftError, match="poselift did not make it"):
        put_together(folders)
    assert mine.read_text() == "years of work"
