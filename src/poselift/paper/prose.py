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
import posixpath
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from poselift.analysis.remarks import Remark, read_remarks
from poselift.analysis.stored import write_content
from poselift.config.yaml_files import read_yaml
from poselift.errors import PoseliftError, one_line
from poselift.latex import MISSING, defined_numbers
from poselift.paper.assemble import GENERATED
from poselift.paper.sources import sources as sources_in
from poselift.paper.sources import utf8, without_comments
from poselift.paper.typed import ALLOWED, blank, typed
from poselift.program import run, visible

_ARCHITECTURE = re.compile(r"\\csname architecture:([^\\]+)\\endcsname")
_SWITCH = re.compile(r"^\\([a-z]+)(true|false)\s*$", re.MULTILINE)
_LABEL = re.compile(r"\\label(?:\[[^]]*\])?\{([^}]+)\}|\blabel=\{?([\w:.-]+)")
_LABELS = r"\s*\{([^}#]+)\}"
_REFERENCE = re.compile(
    rf"\\[a-zA-Z]*refrange\*?{_LABELS}{_LABELS}|\\(?!href|hyperref)[a-zA-Z]*[rR]ef\*?{_LABELS}"
    r"|\\hyperref\[([^]#]+)\]"
)
_CITATION = re.compile(r"\\[a-zA-Z]*[cC]ite[a-zA-Z]*\*?\s*(?:\[[^]]*\]\s*)*\{([^}#\\]+)\}")
_ENTRY = re.compile(r"^\s*@\w+\s*[{(]\s*([^\s,]+)\s*,|\\bibitem(?:\[[^]]*\])?\{([^}]+)\}", re.MULTILINE)
_NUMBER = re.compile(r"\\num\s*\{([^}#]+)\}|\\csname num:([^\\#]+)\\endcsname")
_PICTURES = (".pdf", ".png", ".jpg", ".jpeg", ".mps", ".PDF", ".PNG", ".JPG", ".JPEG", ".eps")
_ENDINGS = {
    "input": ("", ".tex"), "include": (".tex",), "subfile": ("", ".tex"), "includegraphics": ("", *_PICTURES),
    "includepdf": ("", *_PICTURES), "includesvg": ("", ".svg"), "lstinputlisting": ("",),
    "verbatiminput": ("",), "bibliography": ("", ".bib"), "addbibresource": ("",),
}  # fmt: skip
"""What LaTeX adds to a name to find the file, by command."""
_READ = re.compile(
    rf"\\(?P<how>{'|'.join(_ENDINGS)})(?![a-zA-Z])\*?\s*(?:\[[^]]*\]\s*)*\{{(?P<names>[^{{}}#\\]+)\}}"
    r"|\\(?P<bare>input)\s+(?P<name>[^\s{}\\#]+)"
)
_BRACED = re.compile(r"\{([^{}]*)\}")
_SEARCHED = re.compile(r"\\graphicspath\s*\{((?:\s*\{[^{}]*\})*)\s*\}")
_LITERAL = re.compile(
    r"\\begin\{(verbatim|lstlisting|minted|comment)(\*?)\}.*?\\end\{\1\2\}|\\iffalse\b.*?\\fi\b|\\verb\*?([^\w\s*]).*?\3"
    r"|\\end\{document\}.*",
    re.DOTALL,
)
"""What LaTeX prints as it is, or leaves out."""

_THAN = r"(?:\s+\S+){0,4}?\s+than\b"
_BETTER = (
    r"outperform\w*|surpass\w*|superior|beats?|wins?|improv(?:es?|ed|ing)|improvements?|reduc(?:es?|ed|tions?)"
    r"|decreas(?:es?|ed)|drop(?:s|ped)?|falls?|fell|cuts?|lower(?:s|ed)|halve[sd]|boost(?:s|ed)|help(?:s|ed)|gains?"
    r"|advantage|mo(?:re|st)\s+accurate|(?<!lower is )(?<!higher is )better"
    rf"|(?:lower|smaller)(?=\s+(?:error|\w*MPJPE)|{_THAN})|state[\s-]of[\s-]the[\s-]art"
)
_WORSE = (
    r"worsen(?:s|ed)|worse(?=\s+than|[.;,])|inferior|degrad(?:es?|ed)|hurts?|harms?|harmed|deteriorat(?:es?|ed)"
    rf"|higher(?=\s+(?:error|\w*MPJPE)|{_THAN})"
)
_ALIKE = r"equivalent|on\s+(?:a\s+)?par|equally\s+(?:good|accurate|well)|as\s+(?:good|accurate)\s+as"
_CLAIM = re.compile(
    rf"\b(?:(?P<alike>{_ALIKE})|(?P<better>{_BETTER})|(?P<worse>{_WORSE})|significant(?:ly)?|exceed(?:s|ed))(?![\w-])",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(not(?!\s+only)|no|nor|neither|never|none|without(?=(?:\s+(?:an?|any|significant))*\s+$)|whether|if|unclear|cannot"
    r"|\w+n['’]t|fail(?:s|ed)?\s+to|would|could|how\s+many)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;:—]|\b(?:but|while|whereas|although|though)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])[\s}]+(?=[A-Z\\(])|\n[ \t]*\n|\\paragraph\{|\\(?:sub)*section\{|\\item\b")


@dataclass(frozen=True)
class Known:
    """What the generated parts and the text itself have, for the text to name."""

    numbers: Mapping[str, str]
    architectures: frozenset[str]
    switches: Mapping[str, bool]
    labels: frozenset[str]
    citations: frozenset[str]
    files: frozenset[str]
    folders: tuple[str, ...] = ()
    """those that figures are looked for in"""


def known(
    texts: Mapping[str, str], generated: Mapping[str, str], bibliography: Iterable[str], files: Iterable[str]
) -> Known:
    """What the LaTeX `texts` may name, by the LaTeX of the `generated` parts, the texts of the `bibliography`
    and the names of all `files`."""
    made = "\n".join(generated.values())
    switches = {name: state == "true" for name, state in _SWITCH.findall(made)}
    architectures = defined_architectures(made)
    plain = [without_comments(text) for text in texts.values()]
    labelled = [made, *(_shown(text, switches, architectures) for text in plain)]
    searched = [
        path for text in plain for found in _SEARCHED.findall(text) for path in _BRACED.findall(found)
    ]
    return Known(
        numbers=defined_numbers(made),
        architectures=architectures,
        switches=switches,
        labels=frozenset(filter(None, chain(*_LABEL.findall("\n".join(labelled))))),
        citations=frozenset(filter(None, chain(*_ENTRY.findall("\n".join((*bibliography, *plain)))))),
        files=frozenset(files),
        folders=tuple(searched),
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
            *(typed(body, allowed) if _is_tex(name) else ()), *_unknown(shown, there),
            *_contradicted(shown, there.numbers), *_absent(shown, there), *_named(shown, hidden),
        ]  # fmt: skip
        found += [Remark(name, text.count("\n", 0, at) + 1, said) for at, said in sorted(of_file)]
    return found


def _is_tex(name: str) -> bool:
    return name.lower().endswith(".tex")


def _body(text: str) -> str:
    """Of the file with the preamble what is in the document, without what is printed as it is."""
    return _LITERAL.sub(blank, re.sub(r"\A.*?\\begin\{document\}", blank, text, flags=re.DOTALL))


def _named(text: str, hidden: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Names that tell who wrote it, whole or the last word of them; a tie is a blank."""
    for name in filter(str.strip, hidden):
        words = name.split()
        whole = r"[\s~]+".join(map(re.escape, words))
        for found in re.finditer(rf"(?<!\w)(?:{whole}|{re.escape(words[-1])})(?!\w)", text):
            yield found.start(), f"the author {name} is named, in an anonymous paper; \\ifanonymous hides it"


def _unknown(text: str, there: Known) -> Iterator[tuple[int, str]]:
    for found in _NUMBER.finditer(text):
        if (key := found[1] or found[2]) not in there.numbers:
            yield found.start(), f"no result is called `{key}`; generated/numbers.tex has all that are"


def _absent(text: str, there: Known) -> Iterator[tuple[int, str]]:
    for what, pattern, names in (
        ("has the label", _REFERENCE, there.labels), ("in the bibliography is", _CITATION, there.citations)
    ):  # fmt: skip
        for found in pattern.finditer(text):
            for name in (each.strip() for each in ",".join(filter(None, found.groups())).split(",")):
                if name not in names:
                    yield found.start(), f"nothing {what} `{name}`"
    for found in _READ.finditer(text):
        how = found["how"] or found["bare"]
        files = [found["name"]] if found["bare"] else found["names"].split(",")
        folders = ("", *there.folders) if how in ("includegraphics", "includepdf") else ("",)
        for name in (each.strip().strip('"') for each in files):
            places = [posixpath.normpath(folder + name) for folder in folders]
            if not any(place + ending in there.files for place in places for ending in _ENDINGS[how]):
                yield found.start(), f"there is no file {name.removeprefix('./')}"


def _contradicted(text: str, numbers: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Words that claim a difference or that there is none, in sentences that print a change of which the test
    says otherwise. They are denied by a word before them in their clause."""
    start = 0
    ends = [*(found.start() for found in _SENTENCE.finditer(text)), len(text)]
    for end in ends:
        sentence, at = text[start:end], start
        start = end
        said = _NUMBER.sub(blank, sentence)
        claimed = next((found for found in _CLAIM.finditer(said) if not _is_denied(found)), None)
        if not claimed or ".verdict}" in sentence:
            continue
        place, words = at + claimed.start(), one_line(claimed[0])
        for key in dict.fromkeys(map("".join, _NUMBER.findall(sentence))):
            of = re.sub(r"\.(?:change|interval|mean|std|seeds)\b", "", key)
            verdict = numbers.get(f"{of}.change.verdict", MISSING)
            change = numbers.get(f"{of}.change", "")
            if MISSING in (verdict, change):  # without a test, or what others are compared with
                continue
            if verdict != ("equivalent" if claimed["alike"] else "significant"):
                yield place, f"says `{words}`, but the change of {of} is {verdict}"
            elif claimed["better"] and _worse(of, change):
                yield place, f"says `{words}`, but {of} became worse"
            elif claimed["worse"] and not _worse(of, change):
                yield place, f"says `{words}`, but {of} became better"


def _is_denied(claimed: re.Match[str]) -> bool:
    clause = _CLAUSE.split(claimed.string[: claimed.start()])[-1]
    return bool(_DENIED.search(clause))


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
    texts = {
        name: utf8(path.read_bytes(), path)
        for name, path in files.items()
        if _is_tex(name) or name.endswith(".tikz")
    }
    bibliography = [
        path.read_text("utf-8", "replace") for name, path in files.items() if name.lower().endswith(".bib")
    ]
    made = {name: path.read_text("utf-8") for name, path in generated.items() if name.endswith(".tex")}
    if hidden:
        made["anonymous"] = "\\anonymoustrue\n"
    there = known(texts, made, bibliography, (*files, *generated))
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
