r"""What a careful reader would object to in the text, each with file and line.

- a number that is typed: all come from the results, by `\num`; `typed_numbers.yaml` lists those that do not;
- a key that no result has;
- words that the results contradict: "outperforms" in the sentence of a change that is not significant;
- names of authors in an anonymous paper, but where \ifanonymous leaves them out;
- references to tables, figures or sections that are not there, and files that are missing.

What the text says for other experiments alone (`\ifarchitecture`, `\ifgroundtruth` ...) is only looked at for
typed numbers.
"""

import argparse
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from poselift.analysis.remarks import Remark, read_remarks
from poselift.analysis.stored import write_content
from poselift.config.yaml_files import read_yaml
from poselift.errors import PoseliftError, one_line
from poselift.latex import MISSING, defined_numbers
from poselift.paper.assemble import GENERATED
from poselift.paper.sources import sources as sources_in
from poselift.paper.sources import utf8, without_comments
from poselift.program import run, visible

ALLOWED = "typed_numbers.yaml"
"""In the folder of the text: digits that may be typed, each with the reason."""

_ARCHITECTURE = re.compile(r"\\csname architecture:([^\\]+)\\endcsname")
_SWITCH = re.compile(r"^\\([a-z]+)(true|false)\s*$", re.MULTILINE)
_LABEL = re.compile(r"\\label\{([^}]+)\}")
_REFERENCE = re.compile(r"\\(?:[cC]ref|ref|autoref|eqref|pageref|[nN]ameref)\*?\{([^}]+)\}")
_NUMBER = re.compile(r"\\num\{([^}#]+)\}")
_READ = re.compile(r"\\(?P<how>input|include|includegraphics)\s*(?:\[[^]]*\])?\{(?P<name>[^}#\\]+)\}")
_PICTURES = (".pdf", ".png", ".jpg", ".jpeg", ".eps")

_GROUP = r"\{(?:[^{}]|\{[^{}]*\})*\}"
# what holds digits that are not said: formulas, arguments of commands, lengths, columns, parameters
_UNSAID = re.compile(
    r"\\begin\{(equation|align|aligned|gather|multline|displaymath|verbatim|lstlisting|tikzpicture)(\*?)\}"
    r".*?\\end\{\1\2\}"
    r"|(?<!\\)\$\$.*?\$\$|(?<!\\)\$[^$]*\$|\\\(.*?\\\)|\\\[.*?\\\]"
    rf"|\\begin\{{(?:tabularx|tabular\*|wrap\w+)\}}(?:\[[^]]*\])?{_GROUP}(?:\[[^]]*\])?{_GROUP}"
    rf"|\\begin\{{(?:tabular|array|minipage|subfigure|subtable|multicols)\}}(?:\[[^]]*\])*{_GROUP}"
    rf"|\\(?:resizebox|rule|raisebox|multicolumn|multirow)\*?(?:\[[^]]*\])*{_GROUP}(?:\[[^]]*\])*{_GROUP}"
    rf"|\\(?:scalebox|parbox|cline|cmidrule(?:\([^)]*\))?)(?:\[[^]]*\])*{_GROUP}"
    r"|-?[\d.]+\s*\\(?:line|text|column|paper)(?:width|height)"
    r"|\\(?:num|[cC]ite\w*|[cC]ref|ref|autoref|eqref|pageref|label|input|include|includegraphics|url|bibliography"
    r"|bibliographystyle|usepackage|definecolor|color|textcolor|begin|end|ifarchitecture|hspace|vspace)\*?"
    r"(?:\[[^]]*\])*\{[^}]*\}(?:\[[^]]*\])?"
    r"|\\href\{[^}]*\}|\\(?:setlength|addtolength|setcounter|fontsize)\{[^}]*\}\{[^}]*\}"
    r"|\\(?:newcommand|renewcommand)\*?\{?\\\w+\}?(?:\[\d\])?|\\(?:vskip|hskip|kern)\s*-?[\d.]+\s*\w+|\#\d"
    r"|\\[a-zA-Z]+\*?\[[^]]*\]",
    re.DOTALL,
)
# a formula that is nothing but a number as results have them, with a point or a spread
_BARE = re.compile(
    r"(\$|\\\()(?=[^$]*(?:\d\.\d|\\pm))(?:\\(?:pm|times|approx|sim|,|;|:|!|%|\s)|\\(?:mathrm|text|textrm)\{[^{}]*\}"
    r"|[-+\d.,\s~<>={}])*(\$|\\\))"
)
_TYPED = re.compile(r"(?<![\w.])[+-]?\d[\d.,]*\d*\w*")

_CLAIM = re.compile(
    r"\b(outperform\w*|surpass\w*|superior|beats?|significant(?:ly)?|better\s+than|improve[sd]?|improvements?|reduce[sd]?|lower(?:s|ed)"
    r"|gains?\s+over|state[\s-]of[\s-]the[\s-]art)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(not|no|nor|neither|never|none|without|whether|if|cannot|\w+n['’]t|fails?\s+to|would|could|how\s+many)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])[\s}]+(?=[A-Z\\(])|\n[ \t]*\n|\\paragraph\{|\\(?:sub)*section\{|\\item\b")


@dataclass(frozen=True)
class Known:
    """What the generated parts and the text itself have, for the text to name."""

    numbers: Mapping[str, str]
    architectures: frozenset[str]
    switches: Mapping[str, bool]
    labels: frozenset[str]
    files: frozenset[str]


def known(texts: Mapping[str, str], generated: Mapping[str, str], files: Iterable[str]) -> Known:
    """What the LaTeX `texts` may name, by the LaTeX of the `generated` parts and the names of all `files`."""
    made = "\n".join(generated.values())
    switches = {name: state == "true" for name, state in _SWITCH.findall(made)}
    architectures = defined_architectures(made)
    shown = (_shown(_body(without_comments(text)), switches, architectures) for text in texts.values())
    return Known(
        numbers=defined_numbers(made),
        architectures=architectures,
        switches=switches,
        labels=frozenset(_LABEL.findall("\n".join((made, *shown)))),
        files=frozenset(files),
    )


def defined_architectures(tex: str) -> frozenset[str]:
    """The architectures of the experiment, as `numbers.tex` has them."""
    return frozenset(_ARCHITECTURE.findall(tex))


def remarks(
    texts: Mapping[str, str], there: Known, allowed: Iterable[str], hidden: Collection[str] = ()
) -> list[Remark]:
    """What is wrong with LaTeX texts by name, of which digits in one of the words `allowed` are not, and the
    names `hidden` always are."""
    found = []
    for name, tex in texts.items():
        text = without_comments(tex)
        body = _body(text)
        shown = _shown(body, there.switches, there.architectures)
        of_file = [
            *_typed(body, allowed), *_unknown(shown, there), *_contradicted(shown, there.numbers),
            *_absent(shown, there), *_named(shown, hidden),
        ]  # fmt: skip
        found += [Remark(name, text.count("\n", 0, at) + 1, said) for at, said in sorted(of_file)]
    return found


def _body(text: str) -> str:
    """Of the file with the preamble what is in the document."""
    return re.sub(r"\A.*?\\begin\{document\}", _blank, text, flags=re.DOTALL)


def _blank(found: re.Match[str]) -> str:
    """As many blanks, so that every place keeps its line."""
    return re.sub(r"[^\n]", " ", found[0])


def _typed(text: str, allowed: Iterable[str]) -> Iterator[tuple[int, str]]:
    said = _UNSAID.sub(lambda found: found[0] if _BARE.fullmatch(found[0]) else _blank(found), text)
    names = sorted(map(re.escape, allowed), key=len, reverse=True)
    if names:
        said = re.sub(rf"(?<!\w)(?:{'|'.join(names)})(?!\w)", _blank, said)
    for found in _TYPED.finditer(said):
        before, after = text[: found.start()].rpartition("\n")[2], text[found.end() :].partition("\n")[0]
        around = f"{before[-15:]}{found[0]}{after[:15]}".strip()
        yield found.start(), f"a typed number, `{around}`: \\num{{...}}, or list it in {ALLOWED}"


def _named(text: str, hidden: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Names that tell who wrote it, whole or the last word of them; a tie is a blank."""
    for name in hidden:
        words = name.split()
        whole = r"[\s~]+".join(map(re.escape, words))
        for found in re.finditer(rf"(?<!\w)(?:{whole}|{re.escape(words[-1])})(?!\w)", text):
            yield found.start(), f"the author {name} is named, in an anonymous paper; \\ifanonymous hides it"


def _unknown(text: str, there: Known) -> Iterator[tuple[int, str]]:
    for found in _NUMBER.finditer(text):
        if found[1] not in there.numbers:
            yield found.start(), f"no result is called `{found[1]}`; generated/numbers.tex has all that are"


def _absent(text: str, there: Known) -> Iterator[tuple[int, str]]:
    for found in _REFERENCE.finditer(text):
        for label in (each.strip() for each in found[1].split(",")):
            if label not in there.labels:
                yield found.start(), f"nothing has the label `{label}`"
    for found in _READ.finditer(text):
        name = found["name"].strip().removeprefix("./")
        endings = ("", *_PICTURES) if found["how"] == "includegraphics" else ("", ".tex")
        if not any(name + ending in there.files for ending in endings):
            yield found.start(), f"there is no file {name}"


def _contradicted(text: str, numbers: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Words that claim a difference, in sentences that print a change which is not significant."""
    start = 0
    ends = [*(found.start() for found in _SENTENCE.finditer(text)), len(text)]
    for end in ends:
        sentence, at = text[start:end], start
        start = end
        claimed = _CLAIM.search(_NUMBER.sub("", sentence))
        if not claimed or _DENIED.search(sentence) or ".verdict}" in sentence:
            continue
        place = at + sentence.find(claimed[0])
        for key in dict.fromkeys(_NUMBER.findall(sentence)):
            of = re.sub(r"\.(?:change|interval|mean|std|seeds)\b", "", key)
            verdict = numbers.get(f"{of}.change.verdict", MISSING)
            change = numbers.get(f"{of}.change", "")
            if verdict not in ("significant", MISSING):
                yield place, f"says `{one_line(claimed[0])}`, but the change of {of} is {verdict}"
            elif verdict == "significant" and _worse(of, change) and "ignificant" not in claimed[0]:
                yield place, f"says `{one_line(claimed[0])}`, but {of} became worse"


def _worse(key: str, change: str) -> bool:
    """Whether a change, as it is printed, is one for the worse."""
    higher_is_better = key.rpartition(".")[2] in ("pck", "auc")
    down = change.startswith((r"\ensuremath{-}", "-", "−"))
    return down if higher_is_better else not down


def _shown(text: str, switches: Mapping[str, bool], architectures: frozenset[str]) -> str:
    """The text with blanks for what LaTeX leaves out; an unknown switch shows both of its sides."""
    parts: list[tuple[str, bool]] = []
    hidden: list[bool | None] = []
    at = 0
    for word in re.finditer(r"\\if([a-z]+)\b|\\(else|fi)\b", text):
        parts.append((text[at : word.start()], any(hidden)))
        parts.append((word[0], True))
        at = word.end()
        if word[2] == "fi" and hidden:
            hidden.pop()
        elif word[2] == "else" and hidden and hidden[-1] is not None:
            hidden[-1] = not hidden[-1]
        elif word[1] == "architecture":
            parts[-1] = (word[0], any(hidden))
        elif word[1]:
            hidden.append(not switches[word[1]] if word[1] in switches else None)
    parts.append((text[at:], any(hidden)))
    left = "".join(re.sub(r"[^\n]", " ", part) if gone else part for part, gone in parts)
    return _with_architectures(left, architectures)


def _with_architectures(text: str, architectures: frozenset[str]) -> str:
    r"""The text with blanks for the argument of each \ifarchitecture that is not shown."""
    for name, _, first, second in list(architecture_switches(text)):
        start, end = second if name in architectures else first
        text = text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]
    return text


def architecture_switches(text: str) -> Iterator[tuple[str, int, tuple[int, int], tuple[int, int]]]:
    r"""Of each \ifarchitecture its architecture, where it begins, and the places of both of its arguments,
    braces included: what is shown in a paper with this architecture, and in one without."""
    for found in re.finditer(r"\\ifarchitecture\{([^}]+)\}", text):
        first = _group(text, found.end())
        second = _group(text, first[1]) if first else None
        if first and second:
            yield found[1], found.start(), first, second


def _group(text: str, start: int) -> tuple[int, int] | None:
    """The place of the group in braces that begins at `start` or after blanks."""
    opened = re.compile(r"\s*\{").match(text, start)
    depth = 0
    for at in range(opened.end() - 1 if opened else len(text), len(text)):
        if text[at - 1] != "\\":
            depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return (opened.end() - 1 if opened else start), at + 1
    return None


def read_allowed(folder: Path) -> list[str]:
    """The digits that may be typed. Raises `PoseliftError` for one without a reason."""
    path = folder / ALLOWED
    if not path.is_file():
        return []
    listed = read_yaml(path) or {}
    if not isinstance(listed, dict):
        raise PoseliftError(
            f"{path}: expected what may be typed and the reason, `2D: a number of dimensions`"
        )
    for text, reason in listed.items():
        if not isinstance(reason, str) or not reason.strip():
            raise PoseliftError(f"{path}: '{one_line(text)}' needs a reason")
    return list(map(str, listed))


def check(folder: Path, generated: Mapping[str, Path], hidden: Collection[str] = ()) -> list[Remark]:
    """What is wrong with the text in `folder`, with the generated parts by their name there, `generated/...`.
    It is anonymous if there are names that are `hidden`.

    Raises `PoseliftError` if a text is not UTF-8.
    """
    files = {name: path for name, path in sources_in(folder).items() if not name.startswith(f"{GENERATED}/")}
    texts = {name: utf8(path.read_bytes(), path) for name, path in files.items() if name.endswith(".tex")}
    made = {name: path.read_text("utf-8") for name, path in generated.items() if name.endswith(".tex")}
    if hidden:
        made["anonymous"] = "\\anonymoustrue\n"
    there = known(texts, made, (*files, *generated))
    return remarks(texts, there, read_allowed(folder), hidden)


def parts_in(folder: Path) -> dict[str, Path]:
    """The generated parts of a paper folder, by name."""
    found = (path for path in sorted((folder / GENERATED).rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in found}


def require_none(found: list[Remark], where: object) -> None:
    """Raise `PoseliftError` if there is a remark."""
    if found:
        count = "1 remark" if len(found) == 1 else f"{len(found)} remarks"
        raise PoseliftError(f"{where}: {count} on the text")


def _checked(folder: Path, parts: Iterable[Path], hidden: Collection[str]) -> list[Remark]:
    if not (folder / "main.tex").is_file():
        raise PoseliftError(f"{folder}: no main.tex; not the folder of a paper")
    generated = {
        f"{GENERATED}/{path.parent.name}/{path.name}"
        if path.parent.name in ("tables", "figures")
        else f"{GENERATED}/{path.name}": path
        for path in parts
    }
    return check(folder, generated or parts_in(folder), hidden)


def main(argv: list[str] | None = None) -> None:
    """Check the text: typed numbers, unknown keys, words that the results contradict, what is missing."""
    parser = argparse.ArgumentParser(prog="poselift prose", description=main.__doc__)
    what = "paper folder, folder of the text (with --parts), or what an earlier check wrote"
    parser.add_argument("path", type=Path, help=what)
    what = "generated parts, where they are not in the folder: tables, figures and numbers.tex"
    parser.add_argument("--parts", type=Path, nargs="+", metavar="FILE", help=what)
    what = "authors of an anonymous paper, whom the text must not name"
    parser.add_argument("--hidden", nargs="*", default=[], metavar="NAME", help=what)
    parser.add_argument("--out", type=Path, metavar="JSON", help="file to write")
    parser.add_argument("--strict", action="store_true", help="exit status 1 if something is found")
    given = parser.parse_args(argv)
    path, parts = given.path, given.parts or ()
    found = read_remarks(path) if path.is_file() else _checked(path, parts, given.hidden)
    for remark in found:
        print(visible(f"warning: {remark}"), file=sys.stderr)
    if given.out:
        write_content(given.out, found)
    if given.strict:
        require_none(found, path)


if __name__ == "__main__":
    run(main)
