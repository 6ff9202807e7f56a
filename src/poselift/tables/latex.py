"""Tables and their numbers as LaTeX."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from poselift.latex import MISSING, Tex, bold, escape, render
from poselift.tables import table
from poselift.tables.table import Cell, Column, Kind, Layout, Table


def cell(content: Cell, kind: Kind = "spread") -> Tex:
    """A cell of a table: one of LaTeX's columns, for a number with small print two."""
    if kind == "text":
        text = Tex(MISSING if content.text == table.MISSING else escape(content.text))
        text = Tex(rf"\textbf{{{text}}}") if content.bold else text
        return Tex(rf"{text}~\cite{{{escape(content.cite)}}}") if content.cite else text
    main = MISSING if content.text == table.MISSING else escape(content.text)
    if kind == "number":
        return main
    main = Tex(rf"\textbf{{{main}}}") if content.bold else main
    small = content.small
    if small.startswith("±"):
        small = rf"\spread{{{small.removeprefix('±')}}}"
    elif small:
        small = rf"\interval{{{escape(small)}}}"
    return Tex(f"{main}&{small}" + (r"\significant" if content.star else ""))


def tabulate(content: Table | None, layout: Layout, switches: Mapping[str, bool]) -> str:
    r"""The LaTeX of a table, after the `switches` (\comparabletrue ...) that tell the text what there is.

    Without a table these alone."""
    flags = [Tex(rf"\{name}{str(on).lower()}") for name, on in switches.items()]
    if content is None:
        return render("table", table=None, flags=flags)
    in_column = bool(content.titles) and layout.titles == "column"
    columns = [*([Column(content.titles, kind="text")] if in_column else []), *content.columns]
    blocks = [
        (
            "" if in_column else block.title,
            [
                _line([*([Cell("" if i else block.title)] if in_column else []), *row], columns)
                for i, row in enumerate(block.rows)
            ],
        )
        for block in content.blocks
        if block.rows
    ]
    kinds = {"text": "l", "number": "r", "spread": r"r@{\,}l"}
    paragraphs = [rf">{{\raggedright\arraybackslash}}p{{{width}\textwidth}}" for width in layout.widths]
    headings = [
        rf"\heading{{{escape(column.heading)}}}" if column.kind == "spread" else escape(column.heading)
        for column in columns
    ]
    return render(
        "table",
        table=content,
        flags=flags,
        layout=layout,
        label=content.name.replace("_", "-"),
        notice=bold(content.notice),
        format=Tex("".join(paragraphs or [kinds[column.kind] for column in columns])),
        width=_width(columns),
        headings=Tex(" & ".join(headings)),
        groups=_groups(columns) if any(column.group for column in columns) else None,
        blocks=blocks,
    )


def _width(columns: Iterable[Column]) -> int:
    """How many of LaTeX's columns they are."""
    return sum(1 + (column.kind == "spread") for column in columns)


def _line(cells: Sequence[Cell], columns: Sequence[Column]) -> Tex:
    """A row of a table; columns without a cell are left empty."""
    line, at = [], 0
    for each in cells:
        if each.span > 1:
            width = _width(columns[at : at + each.span])
            line.append(rf"\multicolumn{{{width}}}{{l}}{{{cell(each, 'text')}}}")
        else:
            line.append(cell(each, columns[at].kind))
        at += each.span
    line += [cell(Cell(), column.kind) for column in columns[at:]]
    return Tex(" & ".join(line))


def _groups(columns: Sequence[Column]) -> tuple[Tex, list[Tex]]:
    """The row of headings that columns share, and the extents of the rules below them."""
    cells, rules, start = [], [], 1
    for group, members in groupby(columns, key=lambda column: column.group):
        width = _width(members)
        if group:
            cells.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(group)}}}")
            rules.append(Tex(f"{start}-{start + width - 1}"))
        else:
            cells.append("& " * (width - 1))
        start += width
    return Tex(" & ".join(cells)), rules
