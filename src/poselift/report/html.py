"""Tables and pages as HTML that needs nothing but itself: one style sheet and a small script are inside each
page, and no address outside of it is used."""

import base64
import mimetypes
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from poselift.errors import PoseliftError
from poselift.tables.table import Cell, Column, Table

_environment = jinja2.Environment(
    loader=jinja2.PackageLoader("poselift.report", "templates"),
    undefined=jinja2.StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def italics(text: str) -> Markup:
    """`text` escaped, with mathematical italic letters, which few fonts have, as plain ones in italics."""

    def shown(character: str) -> Markup:
        for first, plain in ((0x1D434, "A"), (0x1D44E, "a")):
            if 0 <= ord(character) - first < 26:
                return Markup("<i>{}</i>").format(chr(ord(plain) + ord(character) - first))
        return Markup.escape(character)

    return Markup("").join(map(shown, text))


_environment.filters["italics"] = italics


def render(template: str, **values: Any) -> Markup:
    """Fill in `templates/<template>.html.j2`; everything but markup is escaped."""
    return Markup(_environment.get_template(f"{template}.html.j2").render(values))


def table(content: Table) -> Markup:
    """A table, a part of its body per block. The title of a block stands in each of its rows, so that these
    can be sorted."""
    columns = [*([Column(content.titles, kind="text")] if content.titles else []), *content.columns]
    blocks = [
        [
            _filled([*([Cell(block.title)] if content.titles else []), *row], len(columns))
            for row in block.rows
        ]
        for block in content.blocks
        if block.rows
    ]
    widths = [
        max((len(row[i].text) for rows in blocks for row in rows), default=0) for i in range(len(columns))
    ]
    return render(
        "table",
        table=content,
        columns=columns,
        groups=[
            (group, len(list(members))) for group, members in groupby(column.group for column in columns)
        ],
        blocks=[[list(zip(row, columns, widths, strict=True)) for row in rows] for rows in blocks],
    )


def _filled(cells: list[Cell], length: int) -> list[Cell]:
    """One cell for each column: empty ones where a text runs over several, and at the end."""
    row = [each for cell in cells for each in (cell, *[Cell()] * (cell.span - 1))]
    return row + [Cell()] * (length - len(row))


def page(title: str, body: Markup, banner: str = "") -> Markup:
    """A whole page with a title above its `body`; `banner` is what its reader must know first."""
    return render("page", title=title, body=body, banner=banner)


def inlined(path: Path) -> str:
    """The address of an image that holds the image itself. Raises `PoseliftError` if there is none."""
    kind = mimetypes.guess_type(path.name)[0]
    if kind is None or not kind.startswith("image/"):
        raise PoseliftError(f"{path}: not an image that a page can show; give SVG, PNG or GIF")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file; build it with snakemake") from None
    if not content:
        raise PoseliftError(f"{path}: empty; remove it and build it again")
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
