"""Text as LaTeX, and the Jinja templates of what is LaTeX."""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

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
# what LaTeX's fonts have: the letters of European languages and typographic signs
_PRINTED = re.compile("(?![ĦħĸĿŀŉŦŧ])[\\n\\t -~\xa0-\u017eȘșȚț–—‘’‚“”„†‡•‰‹›€™]")


class Tex(str):
    """A string that is LaTeX already: templates print it as it is and escape every other."""


MISSING = Tex(r"\missing")
"""The dash of a missing number."""


def defined_numbers(tex: str) -> dict[str, str]:
    r"""The numbers that `numbers.tex` defines, LaTeX by key."""
    return dict(re.findall(r"^\\defnum\{([^}]+)\}\{(.*)\}$", tex, re.MULTILINE))


def escape(text: str) -> Tex:
    """`text` so that LaTeX prints it literally; what its fonts lack, as `drawn`."""
    characters = unicodedata.normalize("NFC", text)
    return Tex("".join(_SPECIAL.get(c) or (c if _PRINTED.match(c) else drawn(c)) for c in characters))


_WORDS = sorted(_SPECIAL.values(), key=len, reverse=True)
_ESCAPED = re.compile(
    rf"{'|'.join(map(re.escape, _WORDS))}|\\glyph\{{(\w+)\}}(?:\{{[^}}]*\}}){{3}}|\[U\+(\w+)\]"
)


def unescape(tex: str) -> str:
    """The text that `escape` made `tex` of."""
    characters = {escaped: character for character, escaped in _SPECIAL.items()}
    return _ESCAPED.sub(lambda found: characters.get(found[0]) or chr(int(found[1] or found[2], 16)), tex)


@cache
def drawn(character: str) -> str:
    r"""The outline of a character in another font, as the macro `\glyph` of numbers.tex: its code point, that
    in UTF-16, its width and its path in thousandths of the font's size. Where no font has it, [U+9AA8].

    Scripts whose letters join or run from right to left need more than outlines and are not drawn.
    """
    code = ord(character)
    if unicodedata.bidirectional(character) in ("L", "ON", "ET", "EN"):
        for outline in _outlines(character):
            return rf"\glyph{{{code:X}}}{{{character.encode('utf-16-be').hex()}}}{outline}"
    return f"[U+{code:04X}]"


def _outlines(character: str) -> Iterator[str]:
    """The character in each font that has it: those of Matplotlib first, which are alike on all machines."""
    from matplotlib import get_data_path  # here: few texts need it
    from matplotlib.font_manager import FontProperties, findSystemFonts, get_font
    from matplotlib.ft2font import LoadFlags
    from matplotlib.textpath import TextPath

    own = (Path(get_data_path(), "fonts/ttf", f"{name}.ttf") for name in ("STIXGeneral", "DejaVuSerif"))
    for file in (*own, *map(Path, sorted(findSystemFonts()))):
        with suppress(RuntimeError):  # a file that is no font, or has pictures instead of outlines
            font = get_font(file)
            if font.get_char_index(ord(character)) and "LastResort" not in file.name:
                font.set_size(1000, 72)
                glyph = font.load_char(ord(character), flags=LoadFlags.NO_HINTING)
                path = TextPath((0, 0), character, size=1000, prop=FontProperties(fname=file))
                if len(path.vertices):
                    yield f"{{{glyph.linearHoriAdvance / 65536:.0f}}}{{{_operators(path)}}}"


def _operators(path: Any) -> str:
    """A path of Matplotlib as PDF draws it."""
    words, here = [], (0.0, 0.0)
    for points, code in path.iter_segments(simplify=False):
        ends = [(points[i], points[i + 1]) for i in range(0, len(points), 2)]
        if code == path.CURVE3:  # quadratic: PDF has cubic ones alone
            (cx, cy), (x, y) = ends
            ends = [((a + 2 * cx) / 3, (b + 2 * cy) / 3) for a, b in (here, (x, y))] + [(x, y)]
        operator = {path.MOVETO: "m", path.LINETO: "l", path.CLOSEPOLY: "h"}.get(code, "c")
        numbers = () if operator == "h" else (f"{value:.0f}" for end in ends for value in end)
        words += [*numbers, operator]
        here = ends[-1]
    return " ".join(words)


def bold(text: str) -> Tex:
    """Text in bold at the end of a caption; nothing for no text."""
    return Tex(rf" \textbf{{{escape(text)}}}" if text else "")


_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
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
    finalize=lambda value: value if isinstance(value, Tex) else escape(str(value)),
)


def render(template: str, **values: Any) -> str:
    """Fill in `templates/<template>.tex.j2`; strings are escaped unless they are `Tex`."""
    return _environment.get_template(f"{template}.tex.j2").render(values)
