"""Text as LaTeX, and the Jinja templates of what is LaTeX."""

import re
import unicodedata
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
_SPECIAL_PATTERN = re.compile("[" + re.escape("".join(_SPECIAL)) + "]")
# all but the letters of European languages, typographic signs, and those above
_LACKING = re.compile(
    f"(?![{re.escape(''.join(_SPECIAL))}])([^\\n\\t -~\xa0-\u017eȘșȚț–—‘’‚“”„†‡•‰‹›€™]|[ĦħĸĿŀŉŦŧ])"
)


class Tex(str):
    """A string that is LaTeX already: templates print it as it is and escape every other."""


MISSING = Tex(r"\missing")
"""The dash of a missing number."""


def escape(text: str) -> Tex:
    """`text` so that LaTeX prints it literally; what its fonts lack, by number: [U+9AA8]."""
    text = _LACKING.sub(lambda match: f"[U+{ord(match.group()):04X}]", unicodedata.normalize("NFC", text))
    return Tex(_SPECIAL_PATTERN.sub(lambda match: _SPECIAL[match.group()], text))


def bold(text: str) -> Tex:
    """Text in bold at the end of a caption; nothing for no text."""
    return Tex(rf" \textbf{{{escape(text)}}}" if text else "")


def _escape_unless_tex(value: Any) -> str:
    return value if isinstance(value, Tex) else escape(str(value))


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
    finalize=_escape_unless_tex,
)


def render(template: str, **values: Any) -> str:
    """Fill in `templates/<template>.tex.j2`; strings are escaped unless they are `Tex`."""
    return _environment.get_template(f"{template}.tex.j2").render(values)
