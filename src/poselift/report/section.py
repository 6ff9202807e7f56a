"""A part of a page: a title, text, tables. As Markdown, and as HTML."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from poselift.report import html
from poselift.tables.table import Cell, Column, Table


@dataclass(frozen=True)
class Section:
    """Paragraphs of plain text, and the tables that follow them."""

    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


def as_html(sections: Iterable[Section], level: int) -> Markup:
    """The sections with headings of this level."""
    return Markup(
        html.render(
            "sections",
            level=level,
            sections=[
                (section.title, section.paragraphs, [html.table(table) for table in section.tables])
                for section in sections
            ],
        )
    )


def as_markdown(title: str, marks: str, sections: Iterable[Section]) -> str:
    """The sections as one document; `marks` is what its reader must know first."""
    parts = [f"# {escaped(title)}"] + ([f"**{escaped(marks)}**"] if marks else [])
    for section in sections:
        parts.append(f"## {escaped(section.title)}")
        parts += map(escaped, section.paragraphs)
        for table in section.tables:
            parts.append(f"**{escaped(table.title)}.** {escaped(table.caption)}".rstrip())
            parts.append(_table(table))
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """`text` on one line, so that Markdown shows it literally."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&!])", r"\\\1", re.sub(r"[\r\n]+", " ", text))


def _table(table: Table) -> str:
    columns = (*([Column(table.titles, kind="text")] if table.titles else []), *table.columns)
    lines = [
        [escaped(f"{column.group} {column.heading}".strip()) for column in columns],
        ["---" if column.kind == "text" else "---:" for column in columns],
    ]
    for block in table.blocks:
        for row in block.rows:
            cells = [*([Cell(block.title)] if table.titles else []), *row]
            lines.append([escaped(f"{cell.text} {cell.small}".strip()) for cell in cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
