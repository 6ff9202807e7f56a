"""Tables, figures and pages as HTML that needs nothing but itself: no address outside of a page is used."""

import base64
import csv
import io
import mimetypes
import re
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain, groupby, takewhile
from pathlib import Path
from typing import Any
from unicodedata import normalize

import jinja2
from markupsafe import Markup

from poselift.analysis.stored import FigureContent, read_content
from poselift.errors import PoseliftError, untrusted
from poselift.tables.table import Cell, Column, Table

PIXELS_PER_POINT = 1.9
"""How much larger than in print figures are shown."""

templates = partial(
    jinja2.Environment,
    loader=jinja2.PackageLoader("poselift.report", "templates"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
"""The environment of the templates of pages."""


def italics(text: str) -> Markup:
    """`text` escaped, with mathematical italic letters, which few fonts have, as plain ones in italics."""
    letter = "([\U0001d434-\U0001d467])"
    parts = re.split(letter, text)
    italic = Markup("<i>{}</i>").format
    return Markup("").join(italic(normalize("NFKC", part)) if i % 2 else part for i, part in enumerate(parts))


_environment = templates(autoescape=True)
_environment.filters["italics"] = italics


def render(template: str, **values: Any) -> Markup:
    """Fill in `templates/<template>.html.j2`; everything but markup is escaped."""
    return Markup(_environment.get_template(f"{template}.html.j2").render(values))


def table(content: Table) -> Markup:
    """A table, a part of its body per block, whose title stands in each of its rows: these can be sorted."""
    columns = [*([Column(content.titles, kind="text")] if content.titles else []), *content.columns]

    def filled(title: str, cells: Iterable[Cell]) -> list[Cell]:
        """One cell for each column: empty ones where a text runs over several, and at the end."""
        row = [Cell(title)] if content.titles else []
        row += [each for cell in cells for each in (cell, *[Cell()] * (cell.span - 1))]
        return row + [Cell()] * (len(columns) - len(row))

    blocks = [[filled(block.title, row) for row in block.rows] for block in content.blocks if block.rows]
    widths = [max(len(cell.text) for cell in cells) for cells in zip(*chain(*blocks), strict=True)]
    groups = [(group, len(list(members))) for group, members in groupby(column.group for column in columns)]
    cells = [[list(zip(row, columns, widths, strict=True)) for row in rows] for rows in blocks]
    rows = chain([_headings(columns)], (_numbers(row, columns) for block in blocks for row in block))
    lead, caption = _lead(content.title, content.caption)
    return render(
        "table", table=content, lead=lead, caption=caption, columns=columns, groups=groups, blocks=cells,
        csv=_csv(rows),
    )  # fmt: skip


def _lead(title: str, caption: str) -> tuple[str, str]:
    """What stands in bold before a caption, and the rest of it: the title, or as much of it as the caption
    begins with, so that nothing is said twice."""
    words = caption.split(" ")
    pairs = zip(title.split(" "), words, strict=False)
    same = len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
    return (" ".join(words[:same]), " ".join(words[same:])) if same else (f"{title}.", caption)


def _headings(columns: Iterable[Column]) -> list[str]:
    """The headings of a table's CSV: numbers with a spread have two columns."""
    named = [(" ".join(filter(None, (each.group, each.heading))), each.kind) for each in columns]
    return [
        text for name, kind in named for text in ([name, f"{name}: spread"] if kind == "spread" else [name])
    ]


def _numbers(row: Iterable[Cell], columns: Iterable[Column]) -> list[str]:
    """A row of a table's CSV: numbers unrounded."""
    fields = []
    for cell, column in zip(row, columns, strict=True):
        fields.append(cell.text if cell.value is None else f"{cell.value:.9g}")
        if column.kind == "spread":
            fields.append(cell.small)
    return fields


def _csv(rows: Iterable[Sequence[str]]) -> str:
    """The address of a CSV that holds it."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(text.getvalue().encode()).decode()}"


def figure(path: Path) -> Markup:
    """An image with what `<name>.json` beside it says. Raises `PoseliftError` if one is missing."""
    content: FigureContent = read_content(path.with_suffix(".json"), FigureContent)
    source = inlined(path)
    points = re.search(rb'<svg[^>]*\bwidth="([\d.]+)pt"', path.read_bytes())
    width = round(float(points[1]) * PIXELS_PER_POINT) if points else None
    return render("figure", name=path.stem, source=source, width=width, content=content)


def page(title: str, body: Markup, banner: str = "", sections: Sequence[str] = ()) -> Markup:
    """A whole page with a title above its `body`; `banner` is what its reader must know first.

    `section-1` ... in the body have these headings: a bar that stays leads to them.
    """
    return render("page", title=title, body=body, banner=banner, sections=sections)


def inlined(path: Path) -> str:
    """The address of an image that holds the image itself. Raises `PoseliftError` if there is none."""
    kind = mimetypes.guess_type(path.name)[0]
    if kind is None or not kind.startswith("image/"):
        raise PoseliftError(f"{path}: not an image that a page can show; give SVG, PNG or GIF")
    with untrusted(path, "cannot be read ({})", "; build it with snakemake"):
        content = path.read_bytes()
    if not content:
        raise PoseliftError(f"{path}: empty; remove it and build it again")
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
