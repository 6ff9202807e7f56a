"""The appendix of what the paper was made from, and the links that lead to it."""

import re
import shutil
import subprocess
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from poselift.files import write_text
from poselift.paper.compile import compile_paper
from poselift.paper.origins import entries, grouped, text

R = "results/toy"
RAW = "0123456789abcdef" * 4


def job(rule: str, inputs: list[str], outputs: list[str], code: str = "") -> dict:
    return {"rule": rule, "code": code or f"c-{rule}", "params": {}, "inputs": inputs, "outputs": outputs}


@pytest.fixture
def record() -> dict:
    runs = ("baseline-base-s0", "full-base-s0", "full-base-s1")
    jobs = {
        "raw": job("raw", ["raw_file.pkl"], [f"{R}/data/raw.json"]),
        **{
            f"train/{run}": job(
                "train", [f"{R}/data/raw.json"], [f"{R}/runs/{run}/provenance.json"], f"c-{run.split('-')[0]}"
            )
            for run in runs
        },
        "results": job("results", [f"{R}/runs/{run}/provenance.json" for run in runs], [f"{R}/results.csv"]),
        "table_main": job("table", [f"{R}/results.csv", "src/main.tex.j2"], [f"{R}/tables/main.tex"]),
        "curves": job("figure", [f"{R}/results.csv"], [f"{R}/figures/curves.pdf"]),
    }
    codes = {each["code"] for each in jobs.values()}
    made = {path: {"sha256": "1" * 64, "size": 1} for each in jobs.values() for path in each["outputs"]}
    return {
        "hash": "feed" * 16,
        "core": {
            "parts": [f"{R}/figures/curves.pdf", f"{R}/tables/main.tex"],
            "jobs": jobs,
            "sources": {"raw_file.pkl": RAW, "src/main.tex.j2": "9" * 64},
        },
        "outputs": made,
        "code": {code: {"entries": [f"poselift.{code}"], "modules": {}, "pins": {}} for code in codes},
        "frozen": {},
    }


def test_parts_come_first_and_the_raw_data_last(record):
    listed = entries(record)
    assert [str(entry.anchor) for entry in listed[:2]] == ["figures/curves.pdf", "tables/main.tex"]
    assert str(listed[2].anchor) == "results"
    assert str(listed[-1].anchor) == "raw"


def test_runs_of_the_same_code_are_one_entry(record):
    names = [entry.names for entry in entries(record)]
    assert ["train/{full-base-s0, full-base-s1}"] in names
    assert ["train/baseline-base-s0"] in names


def test_an_entry_says_by_whom_and_from_what(record):
    table = entries(record)[1]
    assert table.modules == ["poselift.c-table"]
    assert table.inputs == ["results", "main.tex.j2 (999999999999)"]


def test_names_of_many_jobs_are_counted():
    assert grouped(["a/1", "a/2", "b"], few=2) == ["a/{1, 2}", "b"]
    assert grouped(["a/1", "a/2", "a/3"], few=2) == ["a/* (3)"]


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


DOCUMENT = r"""\documentclass{article}
\pdfcompresslevel=0 \pdfobjcompresslevel=0 % so that the test can read the PDF
\usepackage{graphicx,xcolor,hyperref}
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


@pytest.mark.skipif(shutil.which("latexmk") is None or shutil.which("pdfinfo") is None, reason="no LaTeX")
def test_the_pdf_carries_the_hash(paper):
    compile_paper(paper)
    said = subprocess.run(
        ["pdfinfo", str(paper / "main.pdf")], check=True, capture_output=True, text=True
    ).stdout
    assert re.search(r"^Subject: +Provenance feedfeedfeed$", said, re.MULTILINE)
