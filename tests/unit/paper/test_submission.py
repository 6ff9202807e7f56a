"""The forms in which the paper is handed in: publishers' styles, anonymous, with a page limit.

The text is the project's own; tables, figures and numbers are stand-ins, as are the publishers' files.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from poselift.config.experiment import Paper
from poselift.config.submission import StyleName, Submission
from poselift.errors import PoseliftError
from poselift.files import write_text
from poselift.latex import Tex, render
from poselift.paper import submission
from poselift.paper.assemble import assemble, parts_named
from poselift.paper.compile import compile_paper, typeset

SOURCES = Path(__file__).parents[3] / "paper"
STYLES = get_args(StyleName)

needs_latex = pytest.mark.skipif(
    shutil.which("latexmk") is None or shutil.which("pdftotext") is None, reason="needs LaTeX and poppler"
)

TITLE = r"""
\def\@maketitle{\newpage\begin{center}{\Large\bf\@title\par}\begin{tabular}[t]{c}%s\end{tabular}\end{center}}
"""
CONFERENCE = (
    r"""
\newif\ifreview
\DeclareOption{review}{\reviewtrue}
\DeclareOption{algorithms}{}
\ProcessOptions\relax
\RequirePackage{times}
\RequirePackage[numbers,sort&compress]{natbib}
\setlength{\textwidth}{6.875in}\setlength{\columnsep}{0.3125in}\setlength{\textheight}{8.875in}
\setlength{\topmargin}{0in}\setlength{\headheight}{0in}\setlength{\headsep}{0in}
\setlength{\oddsidemargin}{-0.1875in}
\def\section{\@ifstar{\cvprsection*}{\cvprsect}}
\def\cvprsect#1{\cvprsection{\hskip -1em.~#1}}
\def\cvprsection{\@startsection{section}{1}{\z@}{-10pt}{7pt}{\large\bf}}
"""
    + TITLE % r"\ifreview Anonymous \confName{} submission \paperID\else\@author\fi"
)
STAND_INS = {
    "cvpr": ("cvpr.sty", CONFERENCE),
    "wacv": ("wacv.sty", CONFERENCE),
    "neurips": (
        "neurips_1987.sty",
        r"""
\newif\iffinal
\DeclareOption{final}{\finaltrue}
\ProcessOptions\relax
\renewcommand{\rmdefault}{ptm}
\RequirePackage{natbib}
\RequirePackage[letterpaper,textwidth=5.5in,textheight=9in]{geometry}
"""
        + TITLE
        % r"\def\And{\end{tabular}\hfil\begin{tabular}[t]{c}}\iffinal\@author\else Anonymous Author(s)\fi",
    ),
    "ieee": (
        "IEEEtran.cls",
        r"\renewcommand{\rmdefault}{ptm}\DeclareOption{journal}{}\ProcessOptions\relax"
        r"\LoadClass[10pt,twocolumn]{article}\setcounter{secnumdepth}{4}"
        r"\RequirePackage[letterpaper,textwidth=7.16in,textheight=9.4in,columnsep=0.25in]{geometry}",
    ),
}
"""By style: the publisher's file, with what of it matters here, its measures and how it hides the authors."""

TITLE_TEXT = "A Rather Long Title That Needs More Than One Line in Every Style There Is"
LATE = r"""
\begin{figure*}\rule{1in}{5in}\caption{Early.}\end{figure*}
\begin{figure*}\rule{1in}{5in}\caption{Late.}\label{fig:late}\end{figure*}
"""
"""Two floats at the end of the main text, which find no room on their own page."""
NUMBER = "12.3\N{PLUS-MINUS SIGN}0.4"


@pytest.fixture
def parts(tmp_path):
    """Tables, figures and numbers of the size that real ones have: where they stand, how wide they are."""
    made: dict[str, list[Path]] = {"tables": [], "figures": [], "others": []}
    for part in parts_named(SOURCES):
        kind, _, name = part.partition("/")
        if not name:
            continue
        wide = name in ("main.tex", "pareto.tex", "qualitative.tex", "architecture.tex", "published.tex")
        environment = kind.removesuffix("s") + "*" * wide
        label = f"{kind[:3]}:{name.removesuffix('.tex').replace('_', '-')}"
        flags = "\\comparabletrue\n" * (name == "published.tex")
        body = f"\\rule{{{'.9' * wide}\\linewidth}}{{{2 + wide}in}}\\caption{{A caption.}}\\label{{{label}}}"
        path = tmp_path / part
        write_text(path, f"{flags}\\begin{{{environment}}}{body}\\end{{{environment}}}\n")
        made[kind].append(path)
    write_text(tmp_path / "provenance.tex", "\\newcommand{\\provenanceappendix}{Made from nothing.}\n")
    made["others"] = [tmp_path / "numbers.tex", tmp_path / "provenance.tex"]
    return made


def write_numbers(path: Path, shown: Paper) -> None:
    """Numbers for all keys that the text has."""
    text = "".join(path.read_text() for path in SOURCES.rglob("*.tex"))
    keys = set(re.findall(r"\\num\{([^}#]+)\}", text)) - {"paper.authors"}
    numbers = [
        *((Tex(key), NUMBER) for key in sorted(keys)),
        (Tex("paper.title"), shown.title),
        (Tex("paper.authors"), Tex(r" \nextauthor ".join(shown.authors))),
        (Tex("paper.authors.listed"), ", ".join(shown.authors)),
    ]
    switches = {"synthetic": True, "draft": False, "ablated": True, "human36m": True}
    switches |= {"excluded": True, "actions": True}
    there = map(Tex, ("baseline", "mamba_gcn", "full"))
    write_text(path, render("numbers", numbers=numbers, architectures=there, **switches))


@pytest.fixture
def build(tmp_path, parts):
    """A function that puts the paper together in a form; the folder."""

    def of(**form) -> Path:
        sources = tmp_path / "paper"
        shutil.copytree(SOURCES, sources, dirs_exist_ok=True)
        for name, content in STAND_INS.values():
            write_text(sources / name, content)
        thanks = "\\section*{Acknowledgements}\nWe thank Charles Babbage.\n"
        write_text(sources / "sections/acknowledgements.tex", thanks)
        with (sources / "sections/conclusion.tex").open("a") as conclusion:
            conclusion.write(LATE)
        paper = Paper(
            title=TITLE_TEXT, authors=["Ada Lovelace", "Alan Turing"], per_action_size="base", **form
        )
        write_numbers(tmp_path / "numbers.tex", paper.as_shown())
        assemble(sources, **parts, out=tmp_path / "built", submission=Submission(**form))
        return tmp_path / "built"

    return of


def read(folder: Path) -> tuple[list[str], str]:
    """The text of a PDF by page, and its metadata."""
    commands = (["pdftotext", "main.pdf", "-"], ["pdfinfo", "main.pdf"])
    text, about = (subprocess.run(c, cwd=folder, check=True, capture_output=True).stdout for c in commands)
    return text.decode().split("\f")[:-1], about.decode()


def labels_in(folder: Path) -> list[tuple[str, str, str]]:
    """The labels of a compiled paper in their order, but its equations: name, number, page."""
    label = r"\\newlabel\{((?:tab|fig|sec):[^@}]+)\}\{\{(\w+(?:\.\d)?)\}\{(\d+)\}"
    return re.findall(label, (folder / "main.aux").read_text())


def test_each_style_has_a_class_and_a_publisher():
    classes = {path.stem.removeprefix("paper-") for path in (SOURCES / "styles").glob("paper-*.cls")}
    assert classes == set(STYLES)
    assert {"article", *submission.PUBLISHERS} == set(STYLES)


@needs_latex
@pytest.mark.parametrize("style", STYLES)
def test_an_anonymous_paper_names_nobody_in_any_style(build, style):
    folder = build(style=style, anonymous=True, origins=False)
    assert compile_paper(folder) == []
    pages, about = read(folder)
    for name in ("Lovelace", "Turing", "Babbage"):
        assert name not in "".join(pages) + about
    assert b"Lovelace" not in (folder / "main.pdf").read_bytes()
    assert all("Synthetic data" in page for page in pages)
    assert "Made from nothing" not in "".join(pages)


@needs_latex
@pytest.mark.parametrize("style", ["article", "neurips"])
def test_a_paper_with_names_in_its_order(build, style):
    """Authors in text and metadata; floats of the main text before the references, others after them."""
    folder = build(style=style)
    assert typeset(folder, folder) == []
    pages, about = read(folder)
    assert re.search(r"Ada Lovelace\s+Alan Turing", pages[0])
    assert "Charles Babbage" in "".join(pages)
    assert re.search(r"Author: +Ada Lovelace, Alan Turing", about)
    assert "Made from nothing" in pages[-1]
    (references,) = (i for i, page in enumerate(pages, start=1) if re.search(r"^References$", page, re.M))
    (supplement,) = (i for i, page in enumerate(pages, start=1) if "Supplementary material" in page)
    labels = labels_in(folder)
    floats = [each for each in labels if not each[0].startswith("sec:")]
    main = {name: int(page) for name, number, page in floats if not number.startswith("S")}
    rest = {name: int(page) for name, number, page in floats if number.startswith("S")}
    assert {"tab:overview", "fig:architecture", "fig:ablation", "fig:late"} <= main.keys()
    assert {"tab:main", "tab:ablation", "fig:joints", "tab:claims"} <= rest.keys()
    assert max(main.values()) <= references < supplement <= min(rest.values())
    if style == "article":  # a title of two lines: no lonely last word
        title = re.search(r"A Rather.*?(?=Ada)", pages[0], re.DOTALL)[0]
        lines = [line for line in title.split("\n") if line]
        assert len(lines) == 2
        assert min(map(len, lines)) > 0.7 * max(map(len, lines))


@needs_latex
@pytest.mark.parametrize("style", ["article", "cvpr", "neurips"])
def test_a_heading_of_the_supplement_stands_on_the_page_of_its_first_table_or_figure(build, style):
    """Of sections with less text than could go over two pages."""
    folder = build(style=style)
    assert typeset(folder, folder) == []
    pages = {name: page for name, _, page in labels_in(folder)}
    first = {
        "sec:metrics": "tab:main", "sec:training": "fig:curves", "sec:ground-truth": "tab:ground-truth-2d",
        "sec:ablation-numbers": "tab:ablation", "sec:claims": "tab:claims",
    }  # fmt: skip
    assert {heading: pages[heading] for heading in first} == {at: pages[it] for at, it in first.items()}


@needs_latex
def test_a_main_text_that_is_too_long_fails_but_can_be_looked_at(build, tmp_path):
    folder, kept = build(page_limit=2), tmp_path / "kept.pdf"
    said = r"the main text has (\d+) pages, paper\.page_limit allows 2; shorten it"
    with pytest.raises(PoseliftError, match=said) as raised:
        compile_paper(folder, kept)
    assert kept.read_bytes().startswith(b"%PDF")
    assert not (folder / "main.pdf").exists()
    (warning,) = compile_paper(folder, draft=True)
    assert "paper.page_limit allows 2" in warning
    used = int(re.search(said, str(raised.value))[1])
    before = [page.partition("\nReferences\n")[0] for page in read(folder)[0]]
    assert "Conclusion" in "".join(before[:used])
    assert compile_paper(build(page_limit=used)) == []


@pytest.mark.parametrize("style", sorted(submission.PUBLISHERS))
def test_a_missing_style_file_is_named_with_where_it_is_to_be_had(tmp_path, style):
    needed = submission.PUBLISHERS[style]
    with pytest.raises(PoseliftError) as caught:
        submission.style_file(tmp_path, style)
    for word in (style, needed.file, needed.source, str(tmp_path)):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    (tmp_path / STAND_INS[style][0]).touch()
    assert submission.style_file(tmp_path, style) == STAND_INS[style][0].rpartition(".")[0]


def test_of_several_years_the_last_style_file_is_taken(tmp_path):
    for year in (2024, 2026, 2025):
        (tmp_path / f"neurips_{year}.sty").touch()
    assert submission.style_file(tmp_path, "neurips") == "neurips_2026"


@pytest.mark.parametrize("anonymous", [True, False])
@pytest.mark.parametrize("origins", [True, False])
def test_names_and_origins_are_left_out_each_by_its_own_setting(tmp_path, anonymous, origins):
    text = submission.text(Submission(anonymous=anonymous, origins=origins), tmp_path)
    said = dict(re.findall(r"^\\newif\\if(\w+)\\\1(true|false)$", text, re.MULTILINE))
    assert said == {"anonymous": str(anonymous).lower(), "origins": str(origins).lower()}
