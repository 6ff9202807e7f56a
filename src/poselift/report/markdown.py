"""Markdown filled in from templates, whose values are shown literally; and Markdown as HTML."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from poselift.report.html import templates


def escape(text: str) -> str:
    """`text` on one line, so that Markdown shows it literally."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&!])", r"\\\1", re.sub(r"[\r\n]+", " ", text))


def rows(cells: Iterable[Sequence[Any]]) -> Markup:
    """The rows of a table, one per line."""
    return Markup("\n".join(f"| {' | '.join(escape(str(cell)) for cell in row)} |" for row in cells))


_environment = templates(finalize=lambda value: value if isinstance(value, Markup) else escape(str(value)))
_environment.filters["rows"] = rows

_parser = MarkdownIt("commonmark", {"html": False}).enable("table")
_parser.add_render_rule("table_open", lambda *_: '<div class="scroll" tabindex="0" role="region"><table>\n')
_parser.add_render_rule("table_close", lambda *_: "</table></div>\n")


def render(template: str, **values: Any) -> str:
    """Fill in `templates/<template>.md.j2`; strings are escaped unless they are `Markup`."""
    return _environment.get_template(f"{template}.md.j2").render(values)


def as_html(text: str, lower: int = 0) -> Markup:
    """The HTML of a document; `lower` is how many levels its headings go down."""
    tokens = _parser.parse(text)
    for token in tokens:
        if token.type.startswith("heading_"):
            token.tag = f"h{int(token.tag[1]) + lower}"
    return Markup(_parser.renderer.render(tokens, _parser.options, {}))
