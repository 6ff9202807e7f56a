"""Numbers that are typed in LaTeX where a reader takes them for results: digits, and words beside a unit."""

import re
from collections.abc import Iterable, Iterator

ALLOWED = "typed_numbers.yaml"
"""In the folder of the text: digits that may be typed, each with the reason."""

_GROUP = r"\{(?:[^{}]|\{[^{}]*\})*\}"
_OPTION = r"\[[^]]*\]"
# commands by the number of arguments that hold names, lengths, columns or colours, and no text
_SILENT = {
    3: r"definecolor|specialrule",
    2: r"begin\{(?:tabular[xy]|tabular\*|wrap\w+)\}|setlength|addtolength|setcounter|addtocounter|fontsize"
    r"|resizebox|rule|raisebox|multicolumn|multirow|fcolorbox|newcolumntype",
    1: r"begin\{(?:tabular|longtable|array|minipage|subfigure|subtable|multicols|thebibliography)\}|begin|end"
    r"|num|label|url|doi|href|[a-zA-Z]*[cC]ite[a-zA-Z]*|[a-zA-Z]*[rR]ef(?:range)?|input|include|includegraphics"
    r"|bibliography|bibliographystyle|usepackage|color|textcolor|colorbox|rowcolor|cellcolor|hspace|vspace|scalebox"
    r"|renewcommand\*?\{?\\\w*stretch\}?|parbox|cline|cmidrule|captionsetup|textsuperscript|ifarchitecture",
}
_FORMULA = (
    r"(?P<formula>\\begin\{(?P<kind>(?:equation|align|aligned|gather|multline|displaymath)\*?)\}.*?\\end\{(?P=kind)\}"
    r"|(?<!\\)\$\$.*?\$\$|(?<!\\)\$[^$]*\$|\\\(.*?\\\)|(?<!\\)\\\[.*?\\\])"
)
# what holds digits that are not said
_UNSAID = re.compile(
    rf"{_FORMULA}|\\begin\{{tikzpicture\}}.*?\\end\{{tikzpicture\}}"
    + "".join(
        rf"|\\(?:{names})\*?(?:\([^)]*\))?(?:(?:{_OPTION})*\s*(?:{_GROUP}|\\[a-zA-Z]+)){{{count}}}(?:{_OPTION})?"
        for count, names in _SILENT.items()
    )
    + rf"|\\(?!caption|(?:sub)*section|(?:sub)?paragraph)[a-zA-Z]+\*?{_OPTION}|\\\\\*?{_OPTION}"
    r"|\\(?:new|renew|provide)command\*?\{?\\\w+\}?(?:\[\d\])?|\#\d"
    r"|\\(?:vskip|hskip|kern)\s*-?[\d.]+\s*\w+|\\[a-zA-Z]+=-?[\d.]+\w*|\\[a-z]*penalty-?\d+"
    r"|-?[\d.]+(?:\s*\\(?:line|text|column|paper)(?:width|height)|(?:pt|em|ex|bp|sp|pc|mu)\b)",
    re.DOTALL,
)

_UNIT = (
    r"(?:\\?%|(?:mm|cm|m|ms|s|h|GB|milli\w+|percent\w*|per[\s~]cent|percentage[\s~]points?|seconds?|minutes?|hours?"
    r"|days?|epochs?|seeds?)(?![a-zA-Z-]))"
)
_SPACE = r"(?:[\s~]|\\[,;:! ]|\{\})*"
# a formula that is nothing but a number as results have them, with a point or a spread
_BARE = re.compile(
    r"(?:\$\$?|\\[(\[])(?=[^$]*(?:\d\.\d|\\pm))(?:\\(?:pm|times|approx|sim|mathbf|boldsymbol|,|;|:|!|%|\s)"
    r"|\\(?:mathrm|text|textrm)\{[^{}]*\}|[-+\d.,\s~<>={}])*(?:\$\$?|\\[)\]])"
)
_MEASURED = re.compile(rf"\\(?:mathrm|text|textrm)\{{{_SPACE}{_UNIT}|\\%|\d\s*\\times[\s}}]*(?:\$|\\\))")
_INDEX = re.compile(rf"[_^]\s*(?:{_GROUP}|\\?\w)")
_FOLLOWED = re.compile(_SPACE + _UNIT)

_WORD = (
    r"(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand)"
)
_TYPED = re.compile(
    rf"(?<!\w)(?<!\d\.)[+-]?\.?\d[\d.,]*\w*|\b{_WORD}(?:[-\s]+(?:one|{_WORD}))*(?=[\s~\\])(?={_SPACE}{_UNIT})",
    re.IGNORECASE,
)


def typed(text: str, allowed: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Each typed number in the body of a LaTeX text: its place, and it with what is around it."""
    said = _UNSAID.sub(lambda found: found[0] if _is_said(found) else blank(found), text)
    names = sorted(map(re.escape, allowed), key=len, reverse=True)
    if names:
        said = re.sub(rf"(?<![\w.])(?:{'|'.join(names)})(?!\w|[.,]\d)", blank, said)
    for found in _TYPED.finditer(said):
        before, after = text[: found.start()].rpartition("\n")[2], text[found.end() :].partition("\n")[0]
        around = f"{before[-15:]}{found[0]}{after[:15]}".strip()
        yield found.start(), f"a typed number, `{around}`: \\num{{...}}, or list it in {ALLOWED}"


def _is_said(found: re.Match[str]) -> bool:
    """Whether it is a formula that says a result: a mere number, or one with a unit."""
    formula = found["formula"]
    if not formula or not re.search(r"\d", _INDEX.sub("", formula)):
        return False
    return bool(
        _BARE.fullmatch(formula) or _MEASURED.search(formula) or _FOLLOWED.match(found.string, found.end())
    )


def blank(found: re.Match[str]) -> str:
    """As many blanks, so that every place keeps its line."""
    return re.sub(r"[^\n]", " ", found[0])
