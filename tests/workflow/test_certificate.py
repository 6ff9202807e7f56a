"""`snakemake certificate` makes the paper again, apart from what was built, and builds nothing before."""

import shutil
import subprocess

import pytest

from poselift.paper.assemble import assemble
from poselift.paper.crate import write_crate

pytestmark = pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs LaTeX")

R = "results/tiny"

TEXT = (
    r"Few people: \num{full.pico.mpjpe}. \input{generated/tables/main} \input{generated/figures/comparison}"
)


@pytest.fixture
def short(built):
    """The built project, with a paper of one table and one figure: little to be made again."""
    paper, results = built.folder / "paper", built.folder / R
    shutil.rmtree(paper / "sections")
    (paper / "sections").mkdir()
    (paper / "sections/limits.tex").write_text(TEXT)
    head = (paper / "main.tex").read_text().partition("\\begin{document}")[0]
    (paper / "main.tex").write_text(f"{head}\\begin{{document}}\\input{{sections/limits}}\\end{{document}}\n")
    answer = built.snakemake(f"{R}/provenance.tex")
    assert answer.returncode == 0, answer.stderr
    figures = [results / f"figures/comparison.{kind}" for kind in ("pdf", "tex")]
    others = [results / name for name in ("numbers.tex", "provenance.tex", "provenance.json")]
    assemble(paper, [results / "tables/main.tex"], figures, others, results / "paper")
    write_crate(results / "paper")
    return built


def test_the_paper_is_certified_and_then_a_swapped_checkpoint_is_found(short):
    changes = "certificate: {taken: evaluations}"
    # a build would stop at it; a certificate does not read it
    edited = short.folder / R / "tables/main.tex"
    edited.write_text(edited.read_text() + "% edited\n")
    answer = short.snakemake("certificate", changes=changes)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert " no\n" not in answer.stdout
    assert "\nresults/tiny/paper: reproduced exactly; the certificate is " in answer.stdout
    bundle = short.folder / R / "certificate"
    assert (bundle / "paper/generated/tables/main.tex").read_text() + "% edited\n" == edited.read_text()
    page = (bundle / "codecheck/certificate.html").read_text()
    assert "taken as given; the rest was made again. All data are synthetic: " in page
    inputs = "\\input{artifact_appendix}\\input{neurips_checklist}"
    text = f"\\documentclass{{article}}\\begin{{document}}{inputs}\\end{{document}}\n"
    (bundle / "codecheck/both.tex").write_text(text)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "both.tex"]
    subprocess.run(command, cwd=bundle / "codecheck", check=True, capture_output=True)
    answer = short.snakemake("certificate", changes=changes)
    assert "certificate: holds codecheck/both." in answer.stdout  # nobody's files are replaced
    for path in (bundle / "codecheck").glob("both.*"):
        path.unlink()
    weights = "runs/{}-pico-s0/best_model.safetensors"
    shutil.copy(short.folder / R / weights.format("baseline"), short.folder / R / weights.format("full"))
    answer = short.snakemake("certificate", changes=changes)
    assert answer.returncode != 0
    assert "taken as given what the record names? no\n  results/tiny/runs/full-pico-s0/best" in answer.stdout
    assert "results/tiny/paper: not reproduced; the certificate is " in answer.stdout
