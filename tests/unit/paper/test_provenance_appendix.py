"""The appendix of what the paper was made from, and the links that lead to it."""

import re
import shutil
import subprocess
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from poselift.files import write_text
from poselift.paper.compile import compile_paper
from poselift.paper.provenance_appendix import text

R = "results/toy"
RAW = "0123456789abcdef" * 4


def test_the_text_has_the_hash_and_the_raw_data(record):
    made = text(record)
    assert "\\newcommand{\\provenancehash}{feedfeedfeed}" in made
    assert RAW in made.replace("\\allowbreak ", "")
    assert "Frozen" not in made


def test_frozen_runs_are_said(record):
    record["frozen"] = {"full-base-s0": {"code": "old", "now": "new", "changed": ["poselift.models.graph"]}}
    made = " ".join(text(record).split())
    assert "\\textbf{Frozen}: \\nolinkurl{full-base-s0} was made by older code, \\texttt{old}" in made
    assert "poselift.models.graph" in made


def with_versions(record: dict) -> dict:
    """The record with two versions of torch, one of which is not the pinned one."""
    for name, job in record["core"]["jobs"].items():
        job["environment"] = {"torch": "2.1" if name.endswith("s1") else "2.0", "cuda": None, "gpu": "A100"}
    said = "torch 2.1 instead of 2.0"
    return record | {
        "mixed": {f"{R}/tables/main.tex": "train: torch 2.0 (2), 2.1 (1)"},
        "unpinned": {f"{R}/tables/main.tex": said, f"{R}/figures/curves.pdf": said},
    }


def test_versions_that_ran_and_mixtures_are_said(record):
    assert "\\newcommand{\\versionmark}{}" in text(record)
    made = " ".join(text(with_versions(record)).split())
    assert (
        "What ran, as installed (of several, with the number of jobs); torch 2.0 (6), 2.1 (1); gpu A100."
        in made
    )
    assert "\\textbf{Mixed environments}: the jobs behind \\texttt{tables/" in made
    assert "(number of jobs): train: torch 2.0 (2), 2.1 (1)." in made
    assert "\\newcommand{\\versionmark}{\\textbf{torch 2.1 instead of 2.0}}" in made


DOCUMENT = r"""\documentclass{article}
\pdfcompresslevel=0 \pdfobjcompresslevel=0 % so that the test can read the PDF
\usepackage{graphicx,xcolor,multicol,hyperref}
\newif\iforigins\originstrue
\input{generated/provenance}
\begin{document}
\input{sections/results}
\appendix
\section{What this paper was made from}
\provenanceappendix
\end{document}
"""

SECTION = r"""\section{Results}
\input{generated/tables/main}
\begin{figure}\centering\includegraphics[width=2cm]{generated/figures/curves}\caption{A figure}\end{figure}
\begin{figure}\centering\includegraphics{own}\caption{No build made this one}\end{figure}
\begin{table}\caption{Typed by hand}\end{table}
"""


@pytest.fixture
def paper(record, tmp_path) -> Path:
    """A small paper with one generated table and figure and one of each that is not."""
    write_text(tmp_path / "main.tex", DOCUMENT)
    write_text(tmp_path / "sections/results.tex", SECTION)
    write_text(tmp_path / "generated/provenance.tex", text(record))
    write_text(tmp_path / "generated/tables/main.tex", "\\begin{table}\\caption{A table}\\end{table}\n")
    write_text(tmp_path / "latexmkrc", "$pdf_mode=1; @default_files=('main.tex');")
    figure, _ = plt.subplots(figsize=(1, 1))
    (tmp_path / "generated/figures").mkdir()
    figure.savefig(tmp_path / "generated/figures/curves.pdf")
    figure.savefig(tmp_path / "own.pdf")
    plt.close(figure)
    return tmp_path


@pytest.mark.skipif(shutil.which("latexmk") is None or shutil.which("pdftotext") is None, reason="no LaTeX")
def test_each_generated_float_links_to_its_entry_and_no_other(paper):
    assert compile_paper(paper) == []
    command = ["pdftotext", "-layout", str(paper / "main.pdf"), "-"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert shown.count("made from") == 1 + 1 + 1  # two floats, and the heading of the appendix
    pdf = (paper / "main.pdf").read_bytes()
    targets = set(re.findall(rb"made:[\w/.]+", pdf))
    assert {b"made:tables/main.tex", b"made:figures/curves.pdf"} <= targets
    # from an entry to that of what it was made from
    links = re.findall(rb"/Subtype\s*/Link.*?/D\s*\((made:[^)]*)\)", pdf, re.DOTALL)
    assert {b"made:results", b"made:train/full-base-s0", b"made:raw"} <= set(links)


@pytest.mark.skipif(shutil.which("latexmk") is None or shutil.which("pdftotext") is None, reason="no LaTeX")
def test_entries_stand_in_two_columns(paper):
    compile_paper(paper)
    command = ["pdftotext", "-bbox", str(paper / "main.pdf"), "-"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    starts = [float(x) for x in re.findall(r'xMin="([\d.]+)"[^>]*>by</word>', shown)]
    assert len(starts) == 7
    assert len({round(x) for x in starts}) == 2


@pytest.mark.skipif(shutil.which("latexmk") is None or shutil.which("pdftotext") is None, reason="no LaTeX")
def test_another_version_is_said_at_each_float(paper, record):
    write_text(paper / "generated/provenance.tex", text(with_versions(record)))
    assert compile_paper(paper) == []
    command = ["pdftotext", "-layout", str(paper / "main.pdf"), "-"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert shown.count("made from, with torch 2.1 instead of 2.0") == 2


@pytest.mark.skipif(shutil.which("latexmk") is None or shutil.which("pdfinfo") is None, reason="no LaTeX")
def test_the_pdf_carries_the_hash(paper):
    compile_paper(paper)
    said = subprocess.run(
        ["pdfinfo", str(paper / "main.pdf")], check=True, capture_output=True, text=True
    ).stdout
    assert re.search(r"^Subject: +Provenance feedfeedfeed$", said, re.MULTILINE)
