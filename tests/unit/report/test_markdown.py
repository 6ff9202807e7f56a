"""Values in Markdown are shown literally, also once it is HTML."""

import jinja2
import pytest

from poselift.report import markdown
from poselift.report.markdown import as_html, rows

TEMPLATE = "# {{ title }}\n\n{{ text }}\n\n| A | mm |\n| --- | ---: |\n{{ cells | rows }}\n"
HOSTILE = "*a* <b>|`c`_d_ [e](f) \\\\ ~g~ & !h #"


@pytest.fixture
def rendered(monkeypatch) -> str:
    monkeypatch.setattr(markdown._environment, "loader", jinja2.DictLoader({"t.md.j2": TEMPLATE}))
    return markdown.render("t", title="First <b>", text=HOSTILE, cells=[(HOSTILE, 1.5), ("x_1", 2)])


def test_markdown_shows_text_literally(rendered):
    assert rendered.startswith("# First \\<b\\>\n\n\\*a\\* \\<b\\>\\|")
    assert rendered.endswith("| x\\_1 | 2 |\n")


def test_html_shows_the_same_text(rendered):
    html = as_html(rendered)
    shown = HOSTILE.replace("&", "&amp;").replace("<b>", "&lt;b&gt;")
    assert f"<p>{shown}</p>" in html
    assert f'<td>{shown}</td>\n<td style="text-align:right">1.5</td>' in html


def test_a_line_break_in_a_name_does_not_break_a_table():
    assert rows([("one\ntwo", "x")]) == "| one two | x |"


def test_headings_go_down_as_asked_for():
    assert as_html("# A\n\n## B\n", lower=1) == "<h2>A</h2>\n<h3>B</h3>\n"


def test_a_value_that_a_template_lacks_is_an_error(monkeypatch):
    monkeypatch.setattr(markdown._environment, "loader", jinja2.DictLoader({"x.md.j2": "{{ unknown }}"}))
    with pytest.raises(jinja2.UndefinedError, match="unknown"):
        markdown.render("x")
