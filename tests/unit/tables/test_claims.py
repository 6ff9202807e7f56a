"""The table of claims: every verdict with what was measured, and a file that LaTeX takes."""

import shutil
from dataclasses import asdict

import pytest

from poselift.analysis.claims import Judgement, measured_text
from poselift.analysis.stored import read_content
from poselift.errors import PoseliftError
from poselift.files import write_json
from poselift.paper.compile import compile_paper
from poselift.tables import make
from poselift.tables.table import Table

GOOD = Judgement("Good by 100%.", "mpjpe(full, base) < 40 mm", "supported", "so", "mm", 35.1, 34.26, 36.0, 3)
NO_RUN = Judgement("No run.", "mpjve(full, large) < 4 mm/frame", "not tested", "no run", "mm/frame")


@pytest.mark.parametrize(
    ("estimate", "low", "high", "text"),
    [
        (35.1, 34.26, 36.0, "35.1\N{NARROW NO-BREAK SPACE}mm (34.3 to 36.0)"),
        (35.1, None, None, "35.1\N{NARROW NO-BREAK SPACE}mm"),
        (-0.04, -0.3, 0.2, "0.0\N{NARROW NO-BREAK SPACE}mm (−0.3 to 0.2)"),
        (None, None, None, "–"),
    ],
)
def test_what_was_measured(estimate, low, high, text):
    assert measured_text(Judgement("x", "y", "supported", "so", "mm", estimate, low, high), 1) == text


@pytest.fixture
def written(tmp_path):
    write_json(tmp_path / "judged.json", [asdict(GOOD), asdict(NO_RUN)])
    make.main(
        ["claims", "--judgements", str(tmp_path / "judged.json"), "--dataset-title", "motion",
         "--decimals", "2", "--confidence", "0.9", "--synthetic", "--out", str(tmp_path / "claims.tex")]
    )  # fmt: skip
    return tmp_path


def test_the_table_has_each_verdict(written):
    text = (written / "claims.tex").read_text()
    assert "Good by 100\\%. & mpjpe(full, base) \\textless{} 40 mm &" in text
    assert "\\textbf{supported} & so" in text
    assert "\\textbf{not tested} & no run" in text
    assert "35.10\\,mm (34.26 to 36.00)" in text
    assert "90\\,\\% confidence interval" in text
    assert "a family-wise error of 10\\,\\% (" in text
    assert "Synthetic data" in text
    assert "of this paper" not in text  # whose text need not make them
    content = read_content(written / "claims.json", Table)
    assert [row[2].value for row in content.blocks[0].rows] == [35.1, None]


@pytest.mark.skipif(shutil.which("latexmk") is None, reason="no LaTeX here")
def test_the_table_compiles(written):
    (written / "main.tex").write_text(
        "\\documentclass{article}\\usepackage{array,booktabs,graphicx}\\newcommand{\\missing}{--}"
        "\\begin{document}\\input{claims}\\end{document}"
    )
    (written / "latexmkrc").write_text("$pdf_mode=1; @default_files=('main.tex');")
    compile_paper(written)
    assert (written / "main.pdf").exists()


@pytest.mark.parametrize("text", ["", "{}", '[{"claim": 1}]'])
def test_another_file_is_refused(written, text):
    (written / "judged.json").write_text(text)
    with pytest.raises(PoseliftError, match=r"judged\.json: not what its job wrote"):
        make.main(
            ["claims", "--judgements", str(written / "judged.json"), "--dataset-title", "motion",
             "--decimals", "1", "--out", str(written / "claims.tex")]
        )  # fmt: skip
