"""Compiling: the line of the log that matters, and the whole paper from made-up results."""

import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

import made_up_paper
from poselift.config.submission import Submission
from poselift.errors import PoseliftError
from poselift.files import write_json, write_text
from poselift.latex import MISSING, Tex, render
from poselift.paper import assemble, setting_text, submission
from poselift.paper.compile import compile_paper, error_in, main, warnings_in
from poselift.report import summary
from shown import told

SOURCES = Path(__file__).parents[3] / "paper"

needs_latex = pytest.mark.skipif(shutil.which("latexmk") is None, reason="no LaTeX here")

LOG = """\
(./sections/results.tex
./sections/results.tex:12: Undefined control sequence.
l.12 The error is \\nmu
                      {full.base.mpjpe}
No pages of output.
"""


def test_the_line_that_matters():
    assert (
        error_in(LOG) == r"sections/results.tex, line 12: Undefined control sequence at `The error is \nmu`"
    )
    assert error_in("! I can't find file `x'.\nl.1 y") == "I can't find file `x'."
    assert "without a LaTeX error" in error_in("all well")


BIBTEX = "I was expecting a `,' or a `}'---line 11 of file refs.bib\n : \n :   title\n"
REPEATED = (
    'Warning--string "x" is undefined\n--line 3 of file refs.bib\nRepeated entry---line 7 of file a.bib'
)


def test_an_error_of_the_bibliography_is_the_reason_if_latex_has_none():
    assert error_in("", BIBTEX) == "refs.bib, line 11: I was expecting a `,' or a `}'"
    assert error_in("", REPEATED) == "a.bib, line 7: Repeated entry"
    missing = (
        "Latexmk: I WON'T RUN 'bibtex main' because I don't find the following files:\n  refs.bib\nLatexmk: x"
    )
    assert error_in("", missing) == "there is no bibliography refs.bib"
    assert error_in(LOG, BIBTEX).startswith("sections/results.tex, line 12")


# as LaTeX writes it: `(` and a file when it opens one, the content of a box after the line on it
WARNINGS = r"""
(./main.tex
(/usr/share/texlive/article.cls
Document Class: article (standard class)
) (./generated/tables/main.tex
LaTeX Font Info:    External font `cmex10' loaded for size
(Font)              <7> on input line 2.

Overfull \hbox (64.25pt too wide) in paragraph at lines 8--26
[][]
 []

) (./sections/results.tex
Underfull \hbox (badness 1000) in paragraph at lines 1--2
[]\OT1/cmr/m/n/10 sparse (text
 []

Overfull \hbox (3.5pt too wide) in paragraph at lines 9--18
[]\T1/ptm/m/n/10 Some words of \T1/ptm/m/it/10 this text[]
 []

LaTeX Warning: Reference `fig:x' on page 1 undefined on input line 5.
LaTeX Warning: Label `fig:y' multiply defined.
Package natbib Warning: Citation `z' on page 1 undefined on input line 6.
Missing character: There is no ^^c4 in font ptmr7t!
LaTeX Font Warning: Some font shapes were not available, defaults substituted.

)
Overfull \vbox (12.0pt too high) has occurred while \output is active []

) """


def test_warnings_that_a_reader_would_stumble_over():
    bibtex = (
        "This is BibTeX\n", 'Warning--I didn\'t find a database entry for "x"\n',
        "Repeated entry---line 9 of file refs.bib\n", "I couldn't open database file more.bib\n",
    )  # fmt: skip
    found, faults = warnings_in(WARNINGS, "".join(bibtex))
    assert found == [
        "sections/results.tex: 3.5 pt too wide in paragraph at lines 9--18, `Some words of this text`",
        "sections/results.tex: LaTeX Warning: Reference `fig:x' on page 1 undefined on input line 5.",
        "sections/results.tex: LaTeX Warning: Label `fig:y' multiply defined.",
        "sections/results.tex: Package natbib Warning: Citation `z' on page 1 undefined on input line 6.",
        "sections/results.tex: Missing character: There is no ^^c4 in font ptmr7t!",
        *(line.rstrip() for line in bibtex[1:]),
    ]
    assert faults == [
        "generated/tables/main.tex: 64.25 pt too wide in paragraph at lines 8--26",
        "main.tex: 12.0 pt too high has occurred while \\output is active",
    ]
    assert warnings_in("Underfull \\hbox (badness 1000)\n", "") == ([], [])


SWITCHES = ("synthetic", "draft", "ablated", "humanthreesixm", "excluded", "actions")
PREAMBLE = "\\documentclass{article}\n" + "".join(f"\\newif\\if{name}" for name in SWITCHES) + "\n"


def small_paper(folder: Path, body: str) -> Path:
    shutil.copyfile(SOURCES / "latexmkrc", folder / "latexmkrc")
    write_text(folder / "main.tex", PREAMBLE + f"\\begin{{document}}\n{body}\n\\end{{document}}\n")
    return folder


@needs_latex
def test_an_error_is_one_line_and_the_older_pdf_stays(tmp_path):
    compile_paper(small_paper(tmp_path, "Well."))
    before = (tmp_path / "main.pdf").read_bytes()
    write_text(tmp_path / "sections" / "bad.tex", "\n\nIt is \\wrong here.\n")
    with pytest.raises(
        PoseliftError, match=r"sections/bad.tex, line 3: Undefined control.*\\wrong"
    ) as caught:
        compile_paper(small_paper(tmp_path, "\\input{sections/bad}"))
    assert "\n" not in str(caught.value)
    assert (tmp_path / "main.pdf").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"main.tex", "main.pdf", "latexmkrc", "sections"}


@needs_latex
@pytest.mark.parametrize(("width", "fails"), [("5pt", False), ("30pt", True)])
def test_what_sticks_out_is_named_and_if_far_an_error(tmp_path, width, fails):
    write_text(tmp_path / "sections/wide.tex", f"\n\\noindent\\rule{{\\dimexpr\\hsize+{width}}}{{1pt}}\n\n")
    paper = small_paper(tmp_path, "\\input{sections/wide}")
    message = rf"sections/wide.tex: {width[:-2]}\.0\d* pt too wide in paragraph at lines 2--3"
    if fails:
        with pytest.raises(PoseliftError, match=message):
            compile_paper(paper)
        assert not (tmp_path / "main.pdf").exists()
    else:
        assert re.match(message, *compile_paper(paper))


@needs_latex
def test_the_last_good_pdf_is_kept_elsewhere(tmp_path):
    paper, kept = small_paper(tmp_path, "Well."), tmp_path / "kept" / "paper.pdf"
    main([str(paper), "--keep", str(kept)])
    good = kept.read_bytes()
    assert good == (paper / "main.pdf").read_bytes()
    (paper / "main.pdf").unlink()  # as Snakemake does before a job starts
    with pytest.raises(
        PoseliftError, match=r"Undefined control sequence.*\(the last PDF: .*kept/paper.pdf\)"
    ):
        main([str(small_paper(tmp_path, "\\wrong")), "--keep", str(kept)])
    assert kept.read_bytes() == good


@needs_latex
def test_a_settings_file_of_the_user_changes_nothing(tmp_path, monkeypatch):
    write_text(tmp_path / "home/.latexmkrc", "$out_dir = 'elsewhere';\n$jobname = 'other';\n$pdf_mode = 0;\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "paper").mkdir()
    paper = small_paper(tmp_path / "paper", "Well, on \\today.")
    assert compile_paper(paper) == []
    before = (paper / "main.pdf").read_bytes()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")  # as tools for reproducible builds set it
    assert compile_paper(paper) == []
    assert (paper / "main.pdf").read_bytes() == before


def test_a_full_disk_is_said_in_one_line(tmp_path, monkeypatch):
    def full(*_, **__):
        raise shutil.Error([("a.tex", "/tmp/x/a.tex", "[Errno 28] No space left on device: '/tmp/x/a.tex'")])

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(PoseliftError, match=r"^/tmp/x/a.tex: .*No space left"):
        compile_paper(small_paper(tmp_path, "Well."))


@needs_latex
def test_latex_on_a_full_disk_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5))
    with pytest.raises(PoseliftError, match="no space left for LaTeX; free some, or set TMPDIR"):
        compile_paper(small_paper(tmp_path, "\\wrong"))


def numbers_tex(numbers, **others):
    """`numbers.tex` of these numbers, for Human3.6M and `full` alone, if not for others."""
    switches = {"synthetic": False, "draft": False, "ablated": False, "human36m": True}
    switches |= {"excluded": True, "actions": True}
    return render("numbers", numbers=numbers, **switches | {"architectures": ["full"]} | others)


@needs_latex
def test_an_unknown_number_is_named(tmp_path):
    write_text(tmp_path / "numbers.tex", numbers_tex([]))
    with pytest.raises(PoseliftError, match=r"Unknown number `full.huge.mpjpe'"):
        compile_paper(small_paper(tmp_path, "\\input{numbers}\\num{full.huge.mpjpe}"))


@needs_latex
def test_a_dash_is_named_and_text_follows_the_experiment(tmp_path):
    known = [(Tex("full.base.mpjpe"), "39.5"), (Tex("other.base.mpjpe"), MISSING)]
    write_text(tmp_path / "numbers.tex", numbers_tex(known))
    body = (
        "\\newcommand{\\missing}{--}\\input{numbers}\n\\ifarchitecture{full}{\\num{full.base.mpjpe}}{\\wrong}\n"
        "\\ifarchitecture{other}{\\num{other.base.mpjpe}}{without}\n"
    )
    assert compile_paper(small_paper(tmp_path, body)) == []
    (warning,) = compile_paper(small_paper(tmp_path, body + "\\num{other.base.mpjpe}"))
    assert re.fullmatch(
        r"main.tex: Package poselift Warning: \\num\{other.base.mpjpe\} is a dash: .* on input line 7\.",
        warning,
    )


@needs_latex
@pytest.mark.parametrize("absent", ["mamba_gcn", "full"])
def test_the_prose_names_no_architecture_that_the_experiment_lacks(tmp_path, absent):
    """Of the whole text: no number is a dash, and what is left out leaves whole sentences."""
    shutil.copytree(SOURCES, tmp_path, dirs_exist_ok=True)
    for part in assemble.parts_named(SOURCES):
        write_text(tmp_path / "generated" / part, "")
    text = "".join(path.read_text() for path in SOURCES.rglob("*.tex"))
    keys = sorted(
        set(re.findall(r"\\num\{([^}#]+)\}", text)) | {"paper.title", "paper.authors", "paper.authors.listed"}
    )
    numbers = [(Tex(key), MISSING if absent in key.split(".") else "1") for key in keys]
    there = [Tex(name) for name in ("baseline", "mamba_gcn", "full") if name != absent]
    write_text(tmp_path / "generated/numbers.tex", numbers_tex(numbers, ablated=True, architectures=there))
    write_text(tmp_path / "generated/provenance.tex", "\\newcommand{\\provenanceappendix}{}\n")
    write_text(tmp_path / "generated/submission.tex", submission.text(Submission(), SOURCES))
    assert [warning for warning in compile_paper(tmp_path) if "is a dash" in warning] == []
    if shutil.which("pdftotext"):
        shown = " ".join(pdf_tool("pdftotext", tmp_path / "main.pdf", "-").split())
        assert not re.search(r"\(\)|\b(and|by|is|has|MPJPE) [.,;]", shown)


@needs_latex
def test_a_sentence_that_is_not_there_leaves_no_space(tmp_path):
    write_text(tmp_path / "numbers.tex", numbers_tex([(Tex("said"), ""), (Tex("epochs"), "2")]))
    body = (
        "\\input{numbers}\\sbox0{One. \\num{said} Two: \\num{epochs} epochs.}\\sbox1{One. Two: 2 epochs.}\n"
        "\\ifdim\\wd0=\\wd1 Well.\\else\\wrong\\fi\n"
    )
    assert compile_paper(small_paper(tmp_path, body)) == []


ALPHABETS = "Nguyễn Thị Hồng Ánh, Lǐ Nǚ, Ἀρχιμήδης, Παπαδόπουλος, Юрий Жуков, Łukasz, Ħ, ứ"


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs LaTeX and poppler")
def test_names_of_all_alphabets_are_printed(tmp_path):
    numbers = [(Tex("paper.title"), f"On {ALPHABETS}"), (Tex("paper.authors"), ALPHABETS)]
    write_text(tmp_path / "generated/numbers.tex", numbers_tex(numbers))
    shutil.copyfile(SOURCES / "latexmkrc", tmp_path / "latexmkrc")
    preamble = "\\usepackage[T1]{fontenc}\\usepackage{mathptmx}\\usepackage[hidelinks]{hyperref}\n"
    title = "\\hypersetup{pdftitle={\\csname num:paper.title\\endcsname}}\\begin{document}\n"
    body = (
        "\\noindent\\num{paper.authors}\\par\\noindent\\textbf{\\num{paper.authors}}\\tiny\\tableofcontents"
        "\\section{\\tiny\\num{paper.title}}"
    )
    write_text(
        tmp_path / "main.tex",
        f"{PREAMBLE}{preamble}\\input{{generated/numbers}}\n{title}{body}\\end{{document}}\n",
    )
    assert compile_paper(tmp_path) == []
    text = pdf_tool("pdftotext", tmp_path / "main.pdf", "-")
    assert "".join(text.split()).count("".join(ALPHABETS.split())) == 4
    assert f"On {ALPHABETS}" in pdf_tool("pdfinfo", tmp_path / "main.pdf")


@needs_latex
@pytest.mark.parametrize("character", ["\ue000", "ع", "\u0301"])
def test_what_no_font_has_is_named_with_its_key(tmp_path, character):
    numbers = numbers_tex([(Tex("paper.title"), f"A {character}")])
    write_text(tmp_path / "generated/numbers.tex", numbers)
    (warning,) = compile_paper(small_paper(tmp_path, "\\input{generated/numbers}\\num{paper.title}"))
    code = f"{character} (U+{ord(character):04X})"
    assert warning == f"generated/numbers.tex, paper.title: no font here has {code}; write it otherwise"


def test_a_folder_without_a_paper_is_refused(tmp_path):
    with pytest.raises(PoseliftError, match=r"main\.tex"):
        compile_paper(tmp_path)


@needs_latex
def test_the_whole_paper(tmp_path, make_inputs, make_report):
    """Every stage from evaluations to the PDF, by the command lines that the workflow uses."""
    paper, shown = made_up_paper.make(make_inputs(tmp_path), make_report)

    assert compile_paper(paper) == []  # no overfull box, no undefined reference
    pdf = (paper / "main.pdf").read_bytes()
    compile_paper(paper)
    assert (paper / "main.pdf").read_bytes() == pdf
    assert str(tmp_path).encode() not in pdf

    if shutil.which("pdftotext"):
        text = pdf_tool("pdftotext", paper / "main.pdf", "-")
        pages = text.count("\f")
        assert text.lower().count("synthetic data: no measured motion") == pages
        assert "??" not in text
        assert re.search(r"40\.3\s*mm\s+for\s+the\s+baseline\s+\(95\s*%\s*interval\s*\[", text)
        fonts = pdf_tool("pdffonts", paper / "main.pdf").splitlines()[2:]
        assert fonts
        assert not [line for line in fonts if "Type 3" in line or " yes " not in line]

    write_json(tmp_path / "provenance.json", made_up_paper.record([]))
    summary.main(
        ["--table", str(tmp_path / "tables/main.json"), *told(summary, shown),
         "--pdf", str(paper / "main.pdf"), "--record", str(tmp_path / "provenance.json"),
         "--out", str(tmp_path / "summary.txt")]
    )  # fmt: skip
    text = (tmp_path / "summary.txt").read_text(encoding="utf-8")
    # 0.8 less than the baseline with each seed
    assert re.search(r"base +Full +39\.5 ± 0\.3\*\* +31\.6 ± 0\.2 +39\.0 ± 0\.3", text)
    assert "* differs significantly from the baseline" in text
    assert "SYNTHETIC DATA" in text
    assert str(paper / "main.pdf") in text


def pdf_tool(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def test_every_entry_says_where_it_was_checked():
    _, *entries = re.split(r"^@\w+\{", (SOURCES / "refs.bib").read_text(), flags=re.MULTILINE)
    unchecked = [each.partition(",")[0] for each in entries if not re.search(r"\n *checked *= *\{\w", each)]
    assert (len(entries) > 20, unchecked) == (True, [])


def test_every_citation_has_an_entry():
    entries = set(re.findall(r"^@\w+\{([^,]+),", (SOURCES / "refs.bib").read_text(), re.MULTILINE))
    text = "".join(path.read_text() for path in SOURCES.rglob("*.tex"))
    text += Path(setting_text.__file__).read_text()
    cited = {key for keys in re.findall(r"\\cite[tp]?\{([^}]+)\}", text) for key in keys.split(",")}
    cited |= set(re.findall(r"cite: (\w+)", (SOURCES / "published.yaml").read_text()))
    assert cited == entries
