"""Sections as Markdown and as stored content."""

import pytest

from poselift.analysis.stored import read_content, write_content
from poselift.errors import PoseliftError
from poselift.report.section import Section, as_html, as_markdown
from poselift.tables.table import Block, Cell, Column, Table

TABLE = Table(
    "t", "A table", "Of a|b.", "", (Column("Name", kind="text"), Column("mm", "Last")),
    (Block(((Cell("x_1"), Cell("1.0", "±0.2", value=1.04)),), "big"),), "Size",
)  # fmt: skip
SECTIONS = [Section("First <b>", ("Some *text*.",), (TABLE,))]


def test_markdown_shows_text_literally():
    assert as_markdown("Title", "DRAFT", SECTIONS) == (
        "# Title\n\n**DRAFT**\n\n## First \\<b\\>\n\nSome \\*text\\*.\n\n**A table.** Of a\\|b.\n\n"
        "| Size | Name | Last mm |\n| --- | --- | ---: |\n| big | x\\_1 | 1.0 ±0.2 |\n"
    )


def test_a_line_break_in_a_name_does_not_break_a_table():
    table = Table("t", "t", "", "", (Column("A", kind="text"),), (Block(((Cell("one\ntwo"),),)),))
    assert "| one two |" in as_markdown("T", "", [Section("S", (), (table,))])


def test_html_has_headings_of_the_level_asked_for():
    text = as_html(SECTIONS, level=3)
    assert "<h3>First &lt;b&gt;</h3>" in text
    assert "<p>Some *text*.</p>" in text
    assert ">1.0</span> <small>±0.2</small>" in text


def test_what_is_stored_is_read_back(tmp_path):
    write_content(tmp_path / "s.json", SECTIONS)
    assert read_content(tmp_path / "s.json", list[Section]) == SECTIONS
    write_content(tmp_path / "t.json", None)
    assert read_content(tmp_path / "t.json", Table | None) is None


@pytest.mark.parametrize("text", ["", "{", '{"name": 1}', "[]"])
def test_another_file_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(PoseliftError, match=r"t.json: not what its job wrote") as error:
        read_content(tmp_path / "t.json", Table | None)
    assert "\n" not in str(error.value)
    with pytest.raises(PoseliftError, match=r"u.json: no such file"):
        read_content(tmp_path / "u.json", Table | None)
