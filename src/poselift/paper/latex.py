"""Text, numbers and tables as LaTeX, and the Jinja templates of what is LaTeX."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import jinja2

from poselift.tables import table
from poselift.tables.table import Cell, Column, Table

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    **{character: "\\" + character for character in "&%$#_{}"},
    "\N{NARROW NO-BREAK SPACE}": r"\,",
    "−": r"\ensuremath{-}",
    "+": r"\ensuremath{+}",
    "±": r"\ensuremath{\pm}",
    "×": r"\ensuremath{\times}",
    "⁻": r"\textsuperscript{\ensuremath{-}}",
    **{digit: rf"\textsuperscript{{{i}}}" for i, digit in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    "∥": r"\ensuremath{\parallel}",
    "→": r"\ensuremath{\to}",
    "…": r"\dots{}",
    # mathematical italic letters, but for the planck constant's place
    **{chr(0x1D434 + i): rf"\ensuremath{{{chr(ord('A') + i)}}}" for i in range(26)},
    **{chr(0x1D44E + i): rf"\ensuremath{{{chr(ord('a') + i)}}}" for i in range(26) if i != 7},
}
_SPECIAL_PATTERN = re.compile("[" + re.escape("".join(_SPECIAL)) + "]")
# all but the letters of European languages, typographic signs, and those above
_LACKING = re.compile(
    f"(?![{re.escape(''.join(_SPECIAL))}])([^\\n\\t -~\xa0-\u017eȘșȚț–—‘’‚“”„†‡•‰‹›€™]|[ĦħĸĿŀŉŦŧ])"
)


class Tex(str):
    """A string that is LaTeX already: templates print it as it is and escape every other."""


MISSING = Tex(r"\missing")
"""The dash of a number that is not there."""


@dataclass(frozen=True)
class Layout:
    """How a table is set: over one or both columns of the page, how far apart its columns are, the titles of
    its blocks in a column of their own or as rows. `widths`, as shares of the text's, are those of columns
    whose text runs over several lines."""

    wide: bool = False
    separation: str = ""
    titles: Literal["column", "row"] = "column"
    widths: tuple[float, ...] = ()


def escape(text: str) -> Tex:
    """`text` so that LaTeX prints it literally; what its fonts lack, by number: [U+9AA8]."""
    text = _LACKING.sub(lambda match: f"[U+{ord(match.group()):04X}]", unicodedata.normalize("NFC", text))
    return Tex(_SPECIAL_PATTERN.sub(lambda match: _SPECIAL[match.group()], text))


def _loud(text: str) -> Tex:
    return Tex(rf" \textbf{{{escape(text)}}}" if text else "")


def cell(content: Cell, kind: Literal["text", "number", "spread"] = "spread") -> Tex:
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


def tabulate(content: Table | None, layout: Layout, module: str, switches: Mapping[str, bool]) -> str:
    r"""The LaTeX of a table made by `module`, after the `switches` (\ifcomparable ...) that tell the text
    what there is; these alone without a table."""
    flags = [Tex(rf"\{name}{str(on).lower()}") for name, on in switches.items()]
    if content is None:
        return render("table", table=None, module=Tex(module), flags=flags)
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
    return render(
        "table",
        table=content,
        module=Tex(module),
        flags=flags,
        layout=layout,
        label=content.name.replace("_", "-"),
        marks=_loud(content.marks),
        format=Tex(
            "".join(rf">{{\raggedright\arraybackslash}}p{{{width}\textwidth}}" for width in layout.widths)
            or "".join(kinds[column.kind] for column in columns)
        ),
        width=_width(columns),
        headings=Tex(
            " & ".join(
                rf"\heading{{{escape(column.heading)}}}"
                if column.kind == "spread"
                else escape(column.heading)
                for column in columns
            )
        ),
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
            line.append(
                rf"\multicolumn{{{_width(columns[at : at + each.span])}}}{{l}}{{{cell(each, 'text')}}}"
            )
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


def _escape_unless_tex(value: Any) -> str:
    return value if isinstance(value, Tex) else escape(str(value))


_environment = jinja2.Environment(
    loader=jinja2.PackageLoader("poselift.paper", "templates"),
    undefined=jinja2.StrictUndefined,
    # braces and percent signs belong to LaTeX
    block_start_string=r"\BLOCK{",
    block_end_string="}",
    variable_start_string=r"\VAR{",
    variable_end_string="}",
    comment_start_string=r"\REMARK{",
    comment_end_string="}",
    line_statement_prefix="%%",
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    finalize=_escape_unless_tex,
)


def render(template: str, **values: Any) -> str:
    """Fill in `templates/<template>.tex.j2`; strings are escaped unless they are `Tex`."""
    return _environment.get_template(f"{template}.tex.j2").render(values)
