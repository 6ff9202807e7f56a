"""Tables and pages as HTML: numbers as in LaTeX, everything escaped, nothing from outside."""

import base64
import csv
import re
from html.parser import HTMLParser

import pytest

from poselift.analysis.results import Estimate
from poselift.errors import PoseliftError
from poselift.evaluation.statistics import Interval
from poselift.report import html
from poselift.tables.table import Block, Cell, Column, Table, changed, estimated


class Rows(HTMLParser):
    """The text of each row's cells, and the values to sort by."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.values: list[list[str | None]] = []
        self.bodies = 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
            self.values.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.values[-1].append(dict(attributes).get("data-value"))
        self.bodies += tag == "tbody"

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip("\n")


def made_up(*blocks: Block, columns: tuple[Column, ...], titles: str = "") -> Rows:
    return Rows(html.table(Table("Made up", "No number was measured.", "", columns, blocks, titles)))


def test_a_cell_shows_what_latex_shows_and_keeps_the_whole_number():
    columns = (Column("Model", kind="text"), Column("MPJPE"), Column("Change"))
    table = made_up(
        Block(
            (
                (
                    Cell("one"),
                    estimated(Estimate(41.2468, 0.31, 3), 1, star=True),
                    changed(Interval(-0.42, -0.61, -0.2, 3), 1, star=True),
                ),
                (Cell("two"), estimated(None, 1)),
            )
        ),
        columns=columns,
    )
    assert table.rows[1:] == [["one", "41.2 ±0.3∗", "−0.42 [−0.61, −0.20]∗"], ["two", "–", ""]]
    assert table.values[1:] == [[None, "41.2468", "-0.42"], [None, None, None]]


def test_the_csv_has_whole_numbers_below_their_headings():
    columns = (Column("Model", kind="text"), Column("MPJPE", "Last epoch"), Column("Frames", kind="number"))
    row = (Cell("one"), estimated(Estimate(41.2468, 0.31, 3), 1), Cell("1,500", value=1500))
    blocks = (Block((row, (Cell("two"),)), "small"),)
    content = str(html.table(Table("Made up", "Nothing.", "", columns, blocks, "Size")))
    encoded = re.search(r"data:text/csv;charset=utf-8;base64,([\w+/=]+)", content)
    assert list(csv.reader(base64.b64decode(encoded[1]).decode().splitlines())) == [
        ["Size", "Model", "Last epoch MPJPE", "Last epoch MPJPE: spread", "Frames"],
        ["small", "one", "41.2468", "±0.3", "1500"],
        ["small", "two", "", "", ""],
    ]


def test_each_row_has_the_title_of_its_block_so_that_rows_can_change_places():
    rows = ((Cell("a"),), (Cell("b"),))
    table = made_up(
        Block(rows, "small"), Block(rows[:1], "large"), columns=(Column("Model", kind="text"),), titles="Size"
    )
    assert table.rows == [["Size", "Model"], ["small", "a"], ["small", "b"], ["large", "a"]]
    assert table.bodies == 2


def test_every_row_has_a_cell_for_each_column():
    columns = (Column("A", kind="text"), Column("B"), Column("C", "group"), Column("D", "group"))
    table = made_up(Block(((Cell("long", span=2), Cell("1")), (Cell("short"),))), columns=columns)
    assert [len(row) for row in table.rows] == [2, 4, 4, 4]  # the first: the groups
    assert table.rows[2] == ["long", "", "1", ""]


def test_names_are_escaped_everywhere():
    hostile = '<script>alert("1")</script>&'
    content = Table(
        hostile, hostile, hostile,
        (Column(hostile, kind="text"),), (Block(((Cell(hostile),),), hostile),),
        hostile,
    )  # fmt: skip
    page = html.page(hostile, html.table(content), hostile)
    assert page.count("<script") == 1  # the page's own
    assert "alert(" in page
    assert "&lt;script&gt;" in page


def test_mathematical_letters_are_set_in_italics():
    assert html.italics("Student's 𝑡 < 𝐴") == "Student&#39;s <i>t</i> &lt; <i>A</i>"


def test_a_page_names_no_address_outside_of_it():
    page = html.page("made up", "")
    assert not re.findall(r"(?:https?:)?//[a-z]", page.replace("// A click", ""))
    assert "@import" not in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)


def test_only_images_are_inlined(tmp_path):
    (tmp_path / "a.svg").write_bytes(b"<svg/>")
    assert html.inlined(tmp_path / "a.svg") == "data:image/svg+xml;base64,PHN2Zy8+"
    (tmp_path / "empty.png").touch()
    for name, reason in (("a.pdf", "not an image"), ("none.png", "no such file"), ("empty.png", "empty")):
        with pytest.raises(PoseliftError, match=f"{name}.*{reason}"):
            html.inlined(tmp_path / name)
