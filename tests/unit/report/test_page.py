"""The report: a page that needs nothing but itself and shows the numbers of results.csv."""

import base64
import csv
import io
import json
import re
import statistics
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from browser import Browser, needs_chromium
from clips import write_clips
from poselift.analysis import results
from poselift.analysis.stored import FigureContent, write_content
from poselift.analysis.view import AblationEntry, DataNotice, Grid, View
from poselift.errors import PoseliftError
from poselift.evaluation.report import write_reports
from poselift.files import write_json, write_text
from poselift.report import page
from poselift.tables import make
from shown import command, told, view

TABLES = ("main", "per_action", "published", "differences", "claims")
ACTIONS = ("Walking", "<b>&Sitting")


class Page(HTMLParser):
    """The images, links, marks and tables (by id) of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []
        self.links: list[str | None] = []
        self.tags: set[str] = set()
        self.tables: dict[str, list[list[str]]] = {}
        self.banner = ""
        self._in_banner = False
        self._table: list[list[str]] | None = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.add(tag)
        if tag == "img":
            self.images.append(found)
        if tag in ("a", "link"):
            self.links.append(found.get("href"))
        if tag == "figure" and found.get("class") == "table":
            self._table = self.tables.setdefault(found["id"], [])
        if self._table is not None and tag == "tr":
            self._table.append([])
        if self._table and tag in ("td", "th"):
            self._table[-1].append("")
        self._in_banner = tag == "p" and found.get("class") == "banner"

    def handle_endtag(self, tag):
        if tag == "table":
            self._table = None
        self._in_banner = self._in_banner and tag != "p"

    def handle_data(self, data):
        if self._in_banner:
            self.banner += data
        if self._table and self._table[-1]:
            self._table[-1][-1] += data.strip("\n")


@pytest.fixture
def inputs(tmp_path, make_report, make_references, make_result):
    """Two models of two seeds each, evaluated on two actions, and everything that the report shows."""

    def on_two_actions(report):
        checkpoints = {name: make_result(each.mpjpe, ACTIONS) for name, each in report.checkpoints.items()}
        return report.model_copy(update={"checkpoints": checkpoints})

    reports = [
        *map(on_two_actions, make_references()),
        *(on_two_actions(make_report("baseline", "base", n, 40.0 + n, 39.0 + n)) for n in (0, 1)),
        *(on_two_actions(make_report("full", "base", n, 36.0 + 2 * n, 35.0)) for n in (0, 1)),
    ]
    write_reports(tmp_path / "references.json", reports[:3])
    write_reports(tmp_path / "runs.json", reports[3:])
    results.main(
        ["--evaluations", str(tmp_path / "runs.json"), "--references", str(tmp_path / "references.json"),
         "--out", str(tmp_path / "results.csv")]
    )  # fmt: skip
    figures = tmp_path / "figures"
    figures.mkdir()
    for name in ("comparison", "animation"):
        points = ((0.25, 0.5, "Full: 40"), (0.5, 0.5, "Baseline: 41")) if name == "comparison" else ()
        write_content(
            figures / f"{name}.json", FigureContent(f"Errors of <{name}> on motion & more.", points)
        )
    (figures / "comparison.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="100pt" height="9pt"></svg>'
    )
    (figures / "animation.gif").write_bytes(
        b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00"
        b"\x02\x02D\x01\x00;"
    )
    claim = {"claim": "It is < 40 mm.", "test": "mpjpe(full, base) < 40 mm", "unit": "mm"}
    measured = {"estimate": 37.04, "low": -0.04, "high": 38.06, "seeds": 2}
    write_json(tmp_path / "claims.json", [claim | measured | {"verdict": "supported", "reason": "so"}])
    write_clips(tmp_path / "clips.npz", ["baseline-base-s0", "full-base-s0"], ACTIONS)
    remark = {"file": "sections/<a>.tex", "line": 3, "text": "a typed number"}
    write_json(tmp_path / "prose.json", [remark])
    write_text(tmp_path / "setup.md", "# Experimental setup\n\n## Data\n\n| Joints |\n| ---: |\n| 17 |\n")
    base = "results/made"
    outputs = {name: f"{base}/{name}" for name in ("tables/main.json", "results.csv")}
    jobs = {
        "table_main": {"rule": "table", "code": "c" * 16, "inputs": [outputs["results.csv"]]},
        "results": {"rule": "raw", "code": "d" * 16, "inputs": ["raw.pkl"]},
    }
    for job, output in zip(jobs.values(), outputs.values(), strict=True):
        job["outputs"] = [output]
    write_json(
        tmp_path / "record.json",
        {
            "hash": "feed" * 16,
            "core": {"parts": [outputs["tables/main.json"]], "jobs": jobs, "sources": {"raw.pkl": "1" * 64}},
            "outputs": {path: {"sha256": "2" * 64} for path in outputs.values()},
            "code": {"c" * 16: {"entries": ["poselift.<made>"]}, "d" * 16: None},
            "mixed": {},
            "unpinned": {},
            "frozen": {"full-base-s0": {"code": "e" * 16, "changed": ["poselift.models.ssd"]}},
        },
    )
    return tmp_path


def shown(seeds: str = "0 1", synthetic: bool = False) -> View:
    grid = Grid(("baseline", "full"), ("base",), tuple(map(int, seeds.split())))
    return view(grid, DataNotice("motion & more", synthetic))


def arguments(folder: Path, view: View) -> list[str]:
    return [
        *told(page, view), "--results", str(folder / "results.csv"),
        "--costs", str(folder / "cost.csv"), "--judgements", str(folder / "claims.json"),
        "--evaluations", str(folder / "runs.json"), "--title", "A <title>", "--authors", "A. B.", "C. D.",
        "--tables", *(str(folder / f"tables/{name}.json") for name in TABLES),
        "--figures", str(folder / "figures/comparison.svg"), str(folder / "figures/animation.gif"),
        "--clips", str(folder / "clips.npz"), "--setup", str(folder / "setup.md"),
        "--record", str(folder / "record.json"), "--prose", str(folder / "prose.json"),
        "--files", str(folder / "results.csv"), str(folder / "paper/main.pdf"),
        "--out", str(folder / "report.html"),
    ]  # fmt: skip


SHOWN = shown()


def made(folder: Path, view: View = SHOWN) -> Page:
    costs = folder / "cost.csv"
    write_text(costs, "architecture,size,n_frames,parameters,macs_linear,macs_all\nfull,base,27,1,1,1\n")
    files = {"results": folder / "results.csv", "costs": costs, "judgements": folder / "claims.json"}
    for name in TABLES:
        make.main(command("tables", name, view, folder / f"tables/{name}.tex", **files))
    page.main(arguments(folder, view))
    return Page((folder / "report.html").read_text())


def by_hand(folder: Path, architecture: str, metric: str, group: str, name: str, decimals: int) -> str:
    """Mean and spread after the last epoch, from the lines of results.csv."""
    with (folder / "results.csv").open(newline="") as file:
        values = [
            float(row["value"])
            for row in csv.DictReader(file)
            if (row["architecture"], row["metric"], row["group"], row["name"], row["checkpoint"])
            == (architecture, metric, group, name, "last")
        ]
    assert len(values) == 2
    return f"{statistics.mean(values):.{decimals}f} ±{statistics.stdev(values):.{decimals}f}"


def test_numbers_are_those_of_the_results(inputs):
    tables = made(inputs).tables
    baseline = next(row for row in tables["table-main"] if "Baseline" in row)
    assert baseline[:3] == ["base", "Baseline", by_hand(inputs, "baseline", "mpjpe", "all", "", 1)]
    assert baseline[5] == by_hand(inputs, "baseline", "mpjve", "all", "", 2)
    sitting = next(row for row in tables["table-per_action"] if row[0] == ACTIONS[1])
    assert sitting[2] == by_hand(inputs, "full", "mpjpe", "action", ACTIONS[1], 1)
    assert tables["table-differences"][1][:2] == ["base", "Full − Baseline"]
    assert tables["table-differences"][1][2].startswith("−3.5")  # 37 - 40.5
    assert tables["table-claims"][1][2:4] == ["37.0\N{NARROW NO-BREAK SPACE}mm (0.0 to 38.1)", "supported"]


def test_nothing_comes_from_outside_and_every_image_is_inside(inputs):
    seen = made(inputs)
    text = (inputs / "report.html").read_text()
    assert [image["src"].split(",")[0] for image in seen.images] == [
        "data:image/svg+xml;base64", "data:image/gif;base64",
    ]  # fmt: skip
    assert seen.images[0]["width"] == "190"
    assert seen.images[0]["alt"] == "Errors of <comparison> on motion & more."
    assert not re.findall(r"https?:", text)
    assert {"iframe", "object", "embed"}.isdisjoint(seen.tags)
    for link in seen.links:
        assert link.startswith(("#", "data:text/csv;")) or link in (
            "data:,",
            "results.csv",
            "paper/main.pdf",
        ), link
    assert str(inputs) not in text


def test_each_sentence_of_the_head_leads_to_its_table(inputs):
    seen = made(inputs)
    text = (inputs / "report.html").read_text()
    found = re.findall(r'<li id="finding-\w+"><a href="#([\w-]+)">(\w+)</a> (.*)</li>', text)
    assert [(title, link) for link, title, _ in found] == [
        ("Improvement", "table-differences"), ("Cost", "table-cost"), ("Speed", "table-cost"),
        ("Ablation", "table-ablation"), ("Open", "table-claims"),
    ]  # fmt: skip
    assert {"table-differences", "table-claims"} <= seen.tables.keys()
    assert "MPJPE of Full, base is 3.5" in found[0][2]  # 37 against 40.5
    assert "nothing about the models" not in text
    made(inputs, shown(synthetic=True))
    assert "nothing about the models" in (inputs / "report.html").read_text()


def test_names_are_escaped(inputs):
    seen = made(inputs)
    text = (inputs / "report.html").read_text()
    assert "&lt;b&gt;&amp;Sitting" in text
    assert "<b>&" not in text
    assert "A &lt;title&gt;" in text
    assert "poselift.&lt;made&gt;" in text
    assert [ACTIONS[0], ACTIONS[1], "Mean"] == [row[0] for row in seen.tables["table-per_action"][2:]]


def test_synthetic_data_and_missing_runs_are_said_first(inputs):
    assert made(inputs).banner == ""
    assert made(inputs, shown(synthetic=True)).banner == "Synthetic data."
    entry = AblationEntry(name="thin", title="", architecture="full", size="base", seeds=(0,))
    draft = made(inputs, shown("0 1 2").model_copy(update={"ablation": (entry,)}))
    missing = "baseline-base-s2, full-base-s2, full-base-thin-s0"
    assert draft.banner == f"DRAFT: 3 runs are missing ({missing})."


def test_what_is_not_there_has_no_section_and_the_rest_is_linked_to_its_origin(inputs):
    seen = made(inputs)
    assert "table-published" not in seen.tables
    text = (inputs / "report.html").read_text()
    assert ">Published results<" not in text
    assert "#made/tables/main.json" in seen.links
    assert 'id="made/tables/main.json"' in text
    assert "full-base-s0</code> was made by older code" in text
    assert f"sha256 <code>{'1' * 64}</code>" in text


def test_remarks_on_the_text_are_listed_with_their_lines(inputs):
    made(inputs)
    text = (inputs / "report.html").read_text()
    assert "<li><code>sections/&lt;a&gt;.tex</code>, line 3: a typed number</li>" in text
    write_json(inputs / "prose.json", [])
    made(inputs)
    assert "No number of the text is typed" in (inputs / "report.html").read_text()


def test_another_version_is_said_on_top_and_at_each_part(inputs):
    record = json.loads((inputs / "record.json").read_text())
    said = "torch 2.1 instead of 2.0"
    record["unpinned"] = {"results/made/tables/main.json": said}
    record["mixed"] = {"results/made/tables/main.json": "train: torch 2.0 (2), 2.1 (1)"}
    write_json(inputs / "record.json", record)
    shown = made(inputs)
    text = (inputs / "report.html").read_text()
    assert f"Made with {said}, the pinned version." in shown.banner
    assert f'made from</a>, with <strong class="mark">{said}</strong>' in text
    assert "(number of jobs): train: torch 2.0 (2), 2.1 (1)." in text


def test_the_setup_is_a_section(inputs):
    made(inputs)
    text = (inputs / "report.html").read_text()
    assert text.index(">Experimental setup</h2>") < text.index("<h3>Data</h3>")
    assert '<td style="text-align:right">17</td>' in text


def test_the_same_inputs_give_the_same_bytes(inputs):
    made(inputs)
    first = (inputs / "report.html").read_bytes()
    made(inputs)
    assert (inputs / "report.html").read_bytes() == first


@pytest.mark.parametrize(
    "file",
    [
        "results.csv",
        "tables/main.json",
        "figures/animation.gif",
        "tables/claims.json",
        "clips.npz",
        "setup.md",
        "record.json",
    ],
)
def test_a_missing_input_is_named(inputs, file):
    made(inputs)
    (inputs / "report.html").unlink()
    (inputs / file).unlink()
    with pytest.raises(PoseliftError, match=f"{file}: no such file"):
        page.main(arguments(inputs, shown()))
    assert not (inputs / "report.html").exists()


@pytest.mark.parametrize("file", ["tables/main.json", "tables/claims.json", "setup.md", "record.json"])
@pytest.mark.parametrize("text", ["", "{}", '[{"title": 1}]'])
def test_a_damaged_input_is_named(inputs, file, text):
    made(inputs)
    (inputs / file).write_text(text)
    with pytest.raises(PoseliftError, match=f"{file}: not ") as error:
        page.main(arguments(inputs, shown()))
    assert "\n" not in str(error.value)


def test_a_paper_may_claim_nothing(inputs):
    (inputs / "claims.json").write_text("[]")
    assert made(inputs).tables["table-claims"] == [["Claim", "Test", "Measured", "Verdict", "Reason"]]


def test_a_figure_without_caption_is_refused_and_one_without_a_place_comes_at_the_end(inputs):
    made(inputs)
    figure = inputs / "figures/new.svg"
    figure.write_text("<svg/>")
    given = arguments(inputs, shown())
    given.insert(given.index("--figures") + 1, str(figure))
    with pytest.raises(PoseliftError, match=r"new\.json: no such file"):
        page.main(given)
    write_content(figure.with_suffix(".json"), FigureContent("A new one."))
    page.main(given)
    text = (inputs / "report.html").read_text()
    assert text.index(">Further tables and figures</h2>") < text.index("A new one.")


@pytest.fixture
def opened(inputs, chromium) -> Iterator[Browser]:
    """The page in a browser; nothing may have been complained of at the end."""
    made(inputs, shown(synthetic=True))
    chromium.window(1400)
    chromium.open(inputs / "report.html")
    chromium.wait_for("document.getElementById('player').dataset.ready")
    chromium.said.clear()
    yield chromium
    assert chromium.said == []


@needs_chromium
def test_a_click_sorts(opened):
    heading = "#table-per_action thead tr:last-child th:nth-child(2)"
    rows = "[...document.querySelectorAll('#table-per_action tbody tr')]"
    order = f"document.querySelector('{heading}').getAttribute('aria-sort')"
    seen = f"[{order}, ...{rows}.map((row) => row.cells[0].innerText)]"
    walking, sitting = ACTIONS  # the second action has the larger error, their mean lies between
    assert opened.ask(seen) == [None, walking, sitting, "Mean"]
    for expected in (
        ["ascending", walking, "Mean", sitting],
        ["descending", sitting, "Mean", walking],
        [None, walking, sitting, "Mean"],
    ):
        opened.click(f"{heading} button")
        assert opened.ask(seen) == expected


@needs_chromium
@pytest.mark.parametrize("width", [390, 1400, 2560])
def test_nothing_but_frames_scrolls_sideways(opened, width):
    opened.window(width, touch=width < 500)
    opened.wait_for("true")
    assert opened.ask("document.documentElement.scrollWidth") == width
    wide = opened.ask(
        "[...document.querySelectorAll('.scroll')].map((e) => e.scrollWidth > e.clientWidth + 1)"
    )
    said = opened.ask("[...document.querySelectorAll('.scroll')].map((e) => e.dataset.more ?? null)")
    assert said == ["right" if each else None for each in wide]
    assert any(wide) is (width == 390)


@needs_chromium
def test_a_frame_says_on_which_side_there_is_more(opened):
    opened.window(390, 844)
    frame = "document.querySelector('#table-main .scroll')"
    for left, sides in ((0, "right"), (40, "left right"), (9999, "left")):
        opened.ask(f"{frame}.scrollLeft = {left}")
        opened.wait_for(f"{frame}.dataset.more === '{sides}'")


@needs_chromium
def test_the_bar_stays_and_marks_what_is_read(opened):
    opened.click(".bar nav a:nth-child(3)")
    opened.wait_for("document.querySelector('.bar [aria-current]')?.textContent === 'Claims'")
    assert opened.ask("document.querySelector('.bar').getBoundingClientRect().top") == 0
    # the heading is not under the bar
    bar = opened.ask("document.querySelector('.bar').offsetHeight")
    top = opened.ask("document.getElementById('section-2').getBoundingClientRect().top")
    assert bar <= top < 450


@needs_chromium
def test_a_tap_enlarges_a_figure_and_another_puts_it_back(opened):
    opened.window(390, 844, touch=True)
    before = opened.ask("document.querySelector('#figure-comparison img').getBoundingClientRect().width")
    opened.click("#figure-comparison .plot")
    assert opened.ask("document.querySelector('dialog').open")
    assert opened.ask("document.querySelector('dialog img').getBoundingClientRect().width") > 2 * before
    opened.click("dialog", 0.5, 0.9)
    assert not opened.ask("document.querySelector('dialog').open")


@needs_chromium
def test_a_figure_answers_the_pointer_and_the_keys(opened):
    tip = "document.querySelector('#figure-comparison .tip')"
    opened.pointer("mouseMoved", *opened.place("#figure-comparison img", 0.25, 0.5))
    assert opened.ask(f"[{tip}.hidden, {tip}.textContent]") == [False, "Full: 40"]
    opened.pointer("mouseMoved", *opened.place("#figure-comparison img", 0.9, 0.5))
    assert opened.ask(f"{tip}.hidden")
    opened.ask("document.querySelector('#figure-comparison .plot').focus()")
    opened.press("ArrowLeft", 37)
    assert opened.ask(f"{tip}.textContent") == "Baseline: 41"
    # enlarged, a click at a value reads it, one beside closes
    opened.click("#figure-comparison .plot", 0.9)
    opened.click("dialog img", 0.5, 0.5)
    assert opened.ask("document.querySelector('dialog .tip').textContent") == "Baseline: 41"
    assert opened.ask("document.querySelector('dialog').open")
    opened.click("dialog img", 0.9, 0.5)
    assert not opened.ask("document.querySelector('dialog').open")


def test_no_caption_says_its_title_twice(inputs):
    made(inputs)
    text = (inputs / "report.html").read_text()
    pattern = r'<figure class="table" id="table-(\w+)">\s*<figcaption><b>([^<]*)</b> (\S+ \S+)'
    leads = {name: (bold, rest) for name, bold, rest in re.findall(pattern, text)}
    assert leads["main"] == ("Errors", "on motion")
    assert leads["differences"] == ("Differences", "of errors")
    assert leads["claims"] == ("Claims", "that were")


def test_a_csv_is_beside_each_table(inputs):
    made(inputs)
    text = (inputs / "report.html").read_text()
    found = dict(re.findall(r'download="(\w+)\.csv" href="data:text/csv;charset=utf-8;base64,([^"]+)"', text))
    assert set(found) == {"main", "per_action", "differences", "claims"}
    rows = list(csv.reader(io.StringIO(base64.b64decode(found["main"]).decode(), newline="")))
    assert rows[0][:5] == [
        "Size",
        "Model",
        "Last epoch MPJPE",
        "Last epoch MPJPE: spread",
        "Last epoch P-MPJPE",
    ]
    assert len({len(row) for row in rows}) == 1
    baseline = next(row for row in rows if row[1] == "Baseline")
    assert float(baseline[2]) == pytest.approx(40.5)
    assert baseline[3] == f"±{statistics.stdev([40, 41]):.1f}"
