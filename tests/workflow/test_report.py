"""The report of a build and Snakemake's own: whole, true to the results, and nothing needed from outside."""

import json
import re
import shutil
import subprocess
import zipfile
from html import unescape

import pandas as pd
import pytest

from poselift.analysis.plan import Catalogue
from poselift.provenance.receipts import receipt_path
from poselift.provenance.verify import verify_results

pytestmark = pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs LaTeX")

RESULTS = "results/tiny"
WITHOUT = ["trials"]  # the search is not part of this paper
FIGURES = set(Catalogue("figures").names(without=WITHOUT))
TABLES = set(Catalogue("tables").names(without=WITHOUT))


@pytest.fixture
def page(built_once) -> str:
    return (built_once.folder / RESULTS / "report.html").read_text()


def test_the_report_has_every_figure_inside_and_nothing_from_outside(page):
    images = re.findall(r'<figure id="figure-(\w+)">\s*<button[^>]*><img src="data:image/(\w+)', page)
    assert dict(images) == dict.fromkeys(FIGURES - {"animation"}, "svg")
    assert 'href="figures/animation.gif"' in page
    assert not re.findall(r"https?:", page)
    assert ">Synthetic data.</p>" in page
    assert "figure-search" not in page  # the search is not part of this paper


def test_its_numbers_are_those_of_the_results(built_once, page):
    results = pd.read_csv(built_once.folder / RESULTS / "results.csv")
    chosen = (
        (results["run"] == "full-pico-s0")
        & (results["checkpoint"] == "last")
        & (results["metric"] == "mpjpe")
    )
    for group, name in (("all", ""), ("joint", "right wrist")):
        of_name = results["name"].isna() if not name else results["name"] == name
        error = results.loc[chosen & (results["group"] == group) & of_name, "value"].item()
        assert f">{error:.1f}<" in page


def test_it_says_what_it_was_made_from(built_once, page):
    record = json.loads((built_once.folder / RESULTS / "report_provenance.json").read_text())
    assert record["hash"] in page
    for part in record["core"]["parts"]:
        assert f'id="made/{part.removeprefix(RESULTS + "/")}"' in page
    assert 'href="#made/evaluation/shown_clips.npz"' in page
    assert f"{RESULTS}/figures/animation.gif" in record["outputs"]
    assert (built_once.folder / RESULTS / "data/raw.sha256").read_text().split()[0] in page


def test_the_setup_is_generated(built_once):
    text = (built_once.folder / RESULTS / "setup.md").read_text()
    assert "**Synthetic data.**" in text
    assert "| Full, pico | 0 | nothing |" in text
    assert "| epochs | 1 |" in text
    assert (built_once.folder / RESULTS / "data/raw.sha256").read_text().split()[0] in text


def test_what_is_beside_the_paper_is_verified_too(built):
    for name in ("figures/animation.gif", "report.html", "setup.md"):
        path = built.folder / RESULTS / name
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    assert sorted(verify_results(built.folder / RESULTS)) == [
        f"{RESULTS}/{name}: edited" for name in ("figures/animation.gif", "report.html", "setup.md")
    ]
    (built.folder / receipt_path(f"{RESULTS}/logs/paper/figure_animation.log")).unlink()
    assert f"{RESULTS}/figures/animation.gif: the receipt of its job is missing" in verify_results(
        built.folder / RESULTS
    )


def test_the_look_of_pages_touches_neither_tables_nor_the_paper(built):
    built.edit("src/poselift/report/templates/page.css", "--ink: #222", "--ink: #111")
    assert built.stale() == {"table_page": len(TABLES), "report_page": 1}


def test_a_caption_touches_its_figure_and_what_shows_it(built):
    built.edit("src/poselift/figures/joints.py", "MPJPE of each joint", "MPJPE of every joint")
    built.edit("workflow/report/tables.rst", "The table", "Table")
    paper = {"pdf": 1, "summary": 1, "provenance": 1, "prose": 1}
    assert built.stale() == {"figure": 1, "report_provenance": 1, "report_page": 1} | paper


def test_the_report_needs_no_latex(built):
    (built.folder / RESULTS / "report.html").unlink()
    answer = built.snakemake("--dry-run", f"{RESULTS}/report.html")
    assert answer.returncode == 0, answer.stderr
    assert "report_page" in answer.stdout
    assert not re.search(r"^rule pdf:", answer.stdout, re.MULTILINE)


@pytest.fixture(scope="module")
def snakemakes_report(built_once, tmp_path_factory):
    """Snakemake's report, unpacked."""
    folder = tmp_path_factory.mktemp("report")
    answer = built_once.snakemake("--report", str(folder / "report.zip"))
    assert answer.returncode == 0, answer.stderr
    with zipfile.ZipFile(folder / "report.zip") as archive:
        archive.extractall(folder)
    return folder / "report"


def test_snakemakes_report_has_every_figure_and_table_with_its_caption(snakemakes_report):
    text = (snakemakes_report / "report.html").read_text()
    script = text.partition('<script id="results">')[2]
    listed, _ = json.JSONDecoder().raw_decode(script[script.index("{") :])
    images = {f"figures/{name}.svg" for name in FIGURES - {"animation"}} | {"figures/animation.gif"}
    pages = {f"table_pages/{name}.html" for name in TABLES}
    others = {"paper/main.pdf", "report.html", "setup.md", "claims.json", "results.csv"}
    assert {path.removeprefix(f"{RESULTS}/") for path in listed} == images | pages | others
    for path, entry in listed.items():
        assert len(unescape(re.sub("<[^>]*>", "", entry["caption"]))) > 20, path
        assert entry["labels"], path
    assert "Synthetic data</strong>: Synthetic motion" in text
    assert (snakemakes_report / listed[f"{RESULTS}/report.html"]["data_uri"]).is_file()


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_both_reports_open_in_a_browser_without_complaint(built_once, snakemakes_report, tmp_path):
    for path in (built_once.folder / RESULTS / "report.html", snakemakes_report / "report.html"):
        answer = subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu",
             f"--user-data-dir={tmp_path / 'browser'}", "--enable-logging=stderr",
             "--virtual-time-budget=4000", "--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom", f"file://{path}"],
            capture_output=True, text=True, timeout=180,
        )  # fmt: skip
        said = [line for line in answer.stderr.splitlines() if "CONSOLE" in line]
        # Snakemake's style sheet library says that it should not be used as Snakemake uses it
        assert not [line for line in said if "tailwindcss" not in line]
        assert "Synthetic" in answer.stdout
