"""Compiling: the line of the log that matters, and the whole paper from made-up results."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from poselift.errors import PoseliftError
from poselift.files import write_text
from poselift.paper import assemble, numbers, results, show
from poselift.paper.compile import compile_paper, error_in, warnings_in
from poselift.paper.figures import architecture, comparison, curves, qualitative
from poselift.paper.figures import per_action as per_action_figure
from poselift.paper.tables import ablation, cost, main, per_action, published

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


def test_warnings_that_a_reader_would_stumble_over():
    log = (
        "Overfull \\hbox (13.5pt too wide) in paragraph at lines 9--18\n"
        "Underfull \\hbox (badness 1000) in paragraph at lines 1--2\n"
        "LaTeX Warning: Reference `fig:x' on page 1 undefined on input line 5.\n"
    )
    assert len(warnings_in(log, 'Warning--I didn\'t find a database entry for "x"\n')) == 3
    assert warnings_in("Underfull \\hbox (badness 1000)\n", "") == []


PREAMBLE = "\\documentclass{article}\n\\newif\\ifsynthetic\\newif\\ifdraft\n"


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
def test_an_unknown_number_is_named(tmp_path):
    template = numbers.render("numbers", entries=[], synthetic=False, draft=False)
    write_text(tmp_path / "numbers.tex", template)
    with pytest.raises(PoseliftError, match=r"Unknown number `full.huge.mpjpe'"):
        compile_paper(small_paper(tmp_path, "\\input{numbers}\\num{full.huge.mpjpe}"))


def test_a_folder_without_a_paper_is_refused(tmp_path):
    with pytest.raises(PoseliftError, match=r"main\.tex"):
        compile_paper(tmp_path)


@needs_latex
def test_the_whole_paper(tmp_path, make_inputs, capsys):
    """Every stage from evaluations to the PDF, by the command lines that the workflow uses."""
    inputs = make_inputs(tmp_path)
    marks = ["--dataset-title", "made-up motion (100% synthetic)", "--decimals", "1", "--synthetic"]
    table = ["--results", str(tmp_path / "results.csv")]
    costs = ["--costs", str(tmp_path / "cost.csv")]
    runs = ["--runs", *map(str, inputs.runs)]
    size = ["--per-action-size", "base"]
    examples = ["--examples", str(tmp_path / "evaluation" / "full-base-s0-examples.npz")]
    references = ["--references", str(tmp_path / "evaluation" / "references.json")]

    def out(name):
        return ["--out", str(tmp_path / name)]

    results.main(["--evaluations", *map(str, inputs.evaluations), *references, *out("results.csv")])
    main.main([*table, *inputs.grid, *marks, *out("tables/main.tex")])
    per_action.main([*table, *inputs.grid, *marks, *size, *out("tables/per_action.tex")])
    ablation.main([*table, *costs, *inputs.grid, *marks, *size, *out("tables/ablation.tex")])
    cost.main([*costs, *inputs.grid[:7], *out("tables/cost.tex")])
    published.main([*table, *costs, *inputs.grid, *marks, *out("tables/published.tex")])
    comparison.main([*table, *inputs.grid, *marks, *out("figures/comparison.pdf")])
    curves.main([*runs, *inputs.grid, *marks, *out("figures/curves.pdf")])
    per_action_figure.main([*table, *inputs.grid, *marks, *size, *out("figures/per_action.pdf")])
    qualitative.main([*examples, *marks, *out("figures/qualitative.pdf")])
    architecture.main(out("figures/architecture.pdf"))
    store = ["--store", str(tmp_path / "store")]
    title = ["--title", "A Title & More", "--authors", "One", "Another"]
    numbers.main(
        [*table, *costs, *runs, *store, *inputs.grid, *marks, *size, *title, *out("numbers.tex")]
    )  # fmt: skip
    paper = tmp_path / "paper"
    assemble.main(
        ["--sources", str(SOURCES), "--tables", *map(str, (tmp_path / "tables").glob("*.tex")),
         "--figures", *map(str, (tmp_path / "figures").glob("*.pdf")),
         "--numbers", str(tmp_path / "numbers.tex"), "--out", str(paper)]
    )  # fmt: skip

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
        assert re.search(r"40\.3\s*±\s*0\.3\s*mm for the baseline", text)
        fonts = pdf_tool("pdffonts", paper / "main.pdf").splitlines()[2:]
        assert fonts
        assert not [line for line in fonts if "Type 3" in line or " yes " not in line]

    show.main([*table, *inputs.grid, *marks, "--pdf", str(paper / "main.pdf")])
    shown = capsys.readouterr().out
    assert re.search(r"base +Full +39\.5 ± 0\.3 +31\.6 ± 0\.2 +39\.0 ± 0\.3", shown)
    assert "SYNTHETIC DATA" in shown
    assert str(paper / "main.pdf") in shown


def pdf_tool(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def test_no_result_is_typed_in_the_prose():
    """Decimal fractions, and numbers before a unit, come from macros."""
    typed = re.compile(r"\d\.\d|\d\s*(?:\\,)?\s*(?:mm|px|\\%|GB|epochs|seeds|clips|frames|million)\b")
    for path in sorted((SOURCES / "sections").glob("*.tex")):
        prose = re.sub(
            r"Human3\.6M|(?<!\\)%.*|\\num\{[^}]*\}|\\includegraphics\[[^]]*\]", "", path.read_text()
        )
        assert typed.findall(prose) == [], path.name


def test_every_citation_has_an_entry():
    entries = set(re.findall(r"^@\w+\{([^,]+),", (SOURCES / "refs.bib").read_text(), re.MULTILINE))
    text = "".join(path.read_text() for path in SOURCES.rglob("*.tex"))
    cited = {key for keys in re.findall(r"\\cite[tp]?\{([^}]+)\}", text) for key in keys.split(",")}
    cited |= set(re.findall(r"cite: (\w+)", (SOURCES / "published.yaml").read_text()))
    assert cited == entries
