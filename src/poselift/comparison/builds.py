r"""Compare two builds of the paper: each number, table cell, figure, claim and text that changed, and why.

A build is a paper folder, `results/<dataset>`, or what was handed over, as a folder or zip. The page needs
nothing but itself; the PDF, with what was removed and added marked, needs latexdiff.
"""

import argparse
import difflib
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from poselift.comparison.causes import causes, everything
from poselift.errors import PoseliftError, one_line
from poselift.files import copy_file, reading, write_text
from poselift.latex import defined_numbers, unescape
from poselift.paper.assemble import GENERATED, SUBMISSION
from poselift.paper.compile import typeset
from poselift.paper.merge import as_given, is_text, opened
from poselift.paper.prose import architecture_switches, defined_architectures
from poselift.paper.sources import PRODUCT, sources, without_comments
from poselift.paper.three_way import decoded
from poselift.program import run, visible
from poselift.provenance.chain import RECORD
from poselift.provenance.hashing import sha256
from poselift.provenance.trace import as_text, runs_of_number
from poselift.report import html

KINDS = ("Numbers", "Table cells", "Claims", "Figures", "Captions", "Text")

CLAIMS = "claims"
"""The table of the claims: its rows are shown as claims."""

MARKS = (
    r"\newcommand{\DIFadd}[1]{{\protect\color{blue}#1}}"
    r"\newcommand{\DIFdel}[1]{{\protect\color{red}\footnotesize#1}}"
)
"""How changes are marked: by colour and size, without the further packages and fonts that latexdiff takes."""

SET_BY = {
    "anonymous": "anonymous", "origins": "origins", "paperstyle": "style", "stylefile": "style",
    "pagelimit": "page_limit",
}  # fmt: skip
"""The key of `paper` that sets each word of `submission.tex`."""

SHOWN = 3
"""Lines that are quoted of a text."""

_ORIGIN = re.compile(rb"/Subject \(made from [0-9a-f]+\)")
_CAPTION = re.compile(r"\\caption\{(.*)\}\s*\\label", re.DOTALL)
_SPANNING = re.compile(r"\\multicolumn\{(\d+)\}\{[^}]*\}\{(.*)\}$")
_SIGNS = {r"\significant": "*", r"\parallel": "∥", r"\to": "→", "$": "", "~": " "}
_COMMAND = re.compile(r"\\(?:textbf|emph|interval|heading|texttt|textit)\{([^{}]*)\}")


@dataclass(frozen=True)
class Change:
    """What changed, as it was and as it is; empty where it is in one build only."""

    kind: str
    name: str
    old: str
    new: str
    causes: list[str]


@dataclass(frozen=True)
class Build:
    """A built paper: its numbers by key, tables' cells by row and column, hashes of figures, captions, texts
    (of what is none, its hash)."""

    record: dict[str, Any]
    numbers: dict[str, str]
    tables: dict[str, dict[str, str]]
    figures: dict[str, str]
    captions: dict[str, str]
    texts: dict[str, str]
    edited: frozenset[str]
    """the generated parts, named as below `generated/`, that are not as they were built"""


def read_build(folder: Path) -> Build:
    """Read a paper folder. Raises `PoseliftError` if it is none, or was not finished."""
    with reading(folder / RECORD, "a record of what was made from what", "build the paper first"):
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    made = folder / GENERATED
    tables = sorted(made.glob("tables/*.tex"))
    captioned = {path.relative_to(made).with_suffix(""): path for path in sorted(made.glob("*/*.tex"))}
    own = (name for name in sources(folder) if is_text(name) and not name.startswith(f"{GENERATED}/"))
    return Build(
        record=record,
        numbers=defined_numbers((made / "numbers.tex").read_text(encoding="utf-8")),
        tables={path.stem: cells(path.read_text(encoding="utf-8")) for path in tables},
        figures={path.stem: _drawing(path) for path in sorted(made.glob("figures/*.pdf"))},
        captions={str(name): _caption(path.read_text(encoding="utf-8")) for name, path in captioned.items()},
        texts={name: _content(folder / name) for name in (*own, f"{GENERATED}/{SUBMISSION}")},
        edited=frozenset(_edited(record["outputs"], made)),
    )


def _drawing(path: Path) -> str:
    """The hash of a figure without its note of what is behind it, which any edit of code changes."""
    return hashlib.sha256(_ORIGIN.sub(b"", path.read_bytes())).hexdigest()


def _caption(tex: str) -> str:
    found = _CAPTION.search(tex)
    return _plain(found[1]) if found else ""


def _content(path: Path) -> str:
    """The lines of a text; of another file the hash."""
    if not path.is_file():
        return ""
    text = decoded(path.name, path.read_bytes())
    return sha256(path)[:12] if text is None else "\n".join(text.splitlines())


def _edited(outputs: Mapping[str, Any], made: Path) -> Iterator[str]:
    for path, recorded in outputs.items():
        name = path.split("/", 2)[-1]
        file = made / name
        if file.is_file() and not as_given(str(file), file.read_bytes(), recorded["sha256"]):
            yield name


def cells(tex: str) -> dict[str, str]:
    """The cells of a generated table, by `row, column`; empty ones are left out."""
    head, _, body = tex.partition("\\midrule")
    rows = [line.strip().removesuffix("\\\\").strip() for line in head.splitlines() if line.endswith("\\\\")]
    headings = [_split(row) for row in rows]
    found: dict[str, str] = {}
    title = ""
    for line in body.partition("\\bottomrule")[0].splitlines():
        if not line.rstrip().endswith("\\\\"):
            continue
        row = _split(line.strip().removesuffix("\\\\").strip())
        if sum(map(bool, row)) <= 1:  # the title of a block
            title = next(filter(None, row), title)
            continue
        title = row[0] or title
        name = row[1] if row[1].replace(" ", "").isalpha() else ""
        for i, cell in enumerate(row):
            above = dict.fromkeys(each[i] for each in headings if i < len(each) and each[i])
            key = ", ".join(dict.fromkeys(filter(None, (title, name, " ".join(above) or str(i + 1)))))
            if cell:
                found[key] = f"{found[key]} {cell}" if key in found else cell
    return found


def _split(row: str) -> list[str]:
    """The cells of a row as text; one that spans columns stands in each of them."""
    found: list[str] = []
    for cell in re.split(r"(?<!\\)&", row):
        words = cell.strip()
        spanning = _SPANNING.match(words)
        count = int(spanning[1]) if spanning else 2 if words.startswith("\\heading") else 1
        found += [_plain(spanning[2] if spanning else words)] * count
    return found


def _plain(tex: str) -> str:
    tex = as_text(tex.strip()).replace(r"\spread{", r"±\emph{")
    while (bare := _COMMAND.sub(r"\1", tex)) != tex:
        tex = bare
    for sign, plain in _SIGNS.items():
        tex = tex.replace(sign, plain)
    return unescape(tex)


def changes(before: Build, after: Build) -> list[Change]:
    """All that differs between two builds, but for the names of their folders below results/."""
    after = replace(after, record=_in_folder_of(before.record, after.record))
    return [
        *_numbers(before, after), *_cells(before, after), *_figures(before, after), *_captions(before, after),
        *_texts(before, after),
    ]  # fmt: skip


def _in_folder_of(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The record `after` with the paths it would have in the folder below results/ of `before`."""
    folders = [next(iter(each["core"]["parts"]), "").split("/")[1:2] for each in (before, after)]
    if not all(folders) or folders[0] == folders[1]:
        return after
    (ours,), (theirs,) = folders
    renamed = re.sub(rf"\bresults/{theirs}\b(?!-)", f"results/{ours}", json.dumps(after))
    return dict(json.loads(renamed))


def _why(before: Build, after: Build, name: str, relevant: Callable[[str], bool] = everything) -> list[str]:
    """The causes for a generated part, named as below `generated/`."""
    if name in before.edited | after.edited:
        return [f"edited: {GENERATED}/{name} is not as it was built"]
    parts = [*before.record["core"]["parts"], *after.record["core"]["parts"]]
    # of a figure the PDF is the part, and LaTeX for it comes of the same job
    stem = name.rpartition(".")[0]
    part = next((path for path in parts if path.split("/", 2)[-1].rpartition(".")[0] == stem), name)
    return causes(before.record, after.record, part, relevant)


def _numbers(before: Build, after: Build) -> Iterator[Change]:
    made = list(after.record["outputs"])
    for key, old, new in _differing(before.numbers, after.numbers):
        relevant = runs_of_number(key, after.numbers, made)
        why = _why(before, after, "numbers.tex", relevant)
        yield Change("Numbers", key, as_text(old), as_text(new), why)


def _cells(before: Build, after: Build) -> Iterator[Change]:
    for name in dict.fromkeys((*before.tables, *after.tables)):
        for key, old, new in _differing(before.tables.get(name, {}), after.tables.get(name, {})):
            kind = "Claims" if name == CLAIMS else "Table cells"
            yield Change(kind, f"{name}: {key}", old, new, _why(before, after, f"tables/{name}.tex"))


def _figures(before: Build, after: Build) -> Iterator[Change]:
    for name, old, new in _differing(before.figures, after.figures):
        yield Change("Figures", name, old[:12], new[:12], _why(before, after, f"figures/{name}.pdf"))


def _captions(before: Build, after: Build) -> Iterator[Change]:
    for name, old, new in _differing(before.captions, after.captions):
        sentences = (re.split(r"(?<=[.:;]) ", caption) for caption in (old, new))
        why = _why(before, after, f"{name}.tex")
        yield Change("Captions", f"caption of {name}", *_changed(*sentences), why)


def _texts(before: Build, after: Build) -> Iterator[Change]:
    for name, old, new in _differing(before.texts, after.texts):
        cause = f"text: paper/{name}"
        if name.endswith(f"/{SUBMISSION}"):
            lines = " ".join({*old.splitlines()} ^ {*new.splitlines()})
            keys = dict.fromkeys(key for word, key in SET_BY.items() if word in lines)
            cause = f"option: {', '.join(f'paper.{key}' for key in keys)}"
        yield Change("Text", name, *_changed(old.splitlines(), new.splitlines()), [cause])


def _changed(old: list[str], new: list[str]) -> tuple[str, str]:
    """What was removed and what was added, quoted."""
    lines = list(difflib.ndiff(old, new))
    removed, added = (_quoted([line[2:] for line in lines if line[:2] == mark]) for mark in ("- ", "+ "))
    return removed, added


def _quoted(lines: list[str]) -> str:
    more = f" … and {len(lines) - SHOWN} lines more" if len(lines) > SHOWN else ""
    return "\n".join(lines[:SHOWN]) + more


def _differing(old: dict[str, str], new: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for key in dict.fromkeys((*old, *new)):
        if old.get(key, "") != new.get(key, ""):
            yield key, old.get(key, ""), new.get(key, "")


def page(found: list[Change], before: str, after: str) -> str:
    """The changes as a page."""
    kinds = {kind: [each for each in found if each.kind == kind] for kind in KINDS}
    shown = {kind: listed for kind, listed in kinds.items() if listed}
    return html.page("What changed", html.render("changes", kinds=shown, before=before, after=after))


def marked_pdf(before: Path, after: Path, out: Path) -> None:
    """Write `out`, the paper `after` with what was removed from and added to its text and numbers marked;
    its tables and figures are as they are now.

    Raises `PoseliftError` if latexdiff or LaTeX fails.
    """
    with tempfile.TemporaryDirectory() as temporary:
        copy, old = Path(temporary, "paper"), Path(temporary, "before.tex")
        shutil.copytree(after, copy, ignore=shutil.ignore_patterns(PRODUCT))
        new = copy / "main.tex"
        for folder, file in ((before, old), (after, new)):
            tex = with_values(whole_text(folder), (folder / GENERATED / "numbers.tex").read_text("utf-8"))
            write_text(file, tex.replace("\\begin{document}", f"{MARKS}\n\\begin{{document}}", 1))
        # of a number the sign is part: without this, latexdiff leaves it out of what was removed
        command = ["latexdiff", "--type=CFONT", "--append-safecmd=ensuremath", str(old), str(new)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            reason = one_line((answer.stderr.strip().splitlines() or ["failed"])[-1])
            raise PoseliftError(f"latexdiff: {reason}")
        write_text(new, answer.stdout)
        typeset(copy, out)
        copy_file(copy / PRODUCT, out)


def whole_text(folder: Path, name: str = "main.tex") -> str:
    """The text of a paper in one piece, but for what is generated, which latexdiff cannot read: so a section
    that one build does not have is marked as well."""

    def content(found: re.Match[str]) -> str:
        file = found[1].strip().removeprefix("./").removesuffix(".tex") + ".tex"
        line = tex[: found.start()].rpartition("\n")[2]
        is_comment = without_comments(line) != line
        is_prose = not file.startswith(f"{GENERATED}/") and (folder / file).is_file()
        return whole_text(folder, file) if is_prose and not is_comment else found[0]

    tex = (folder / name).read_text(encoding="utf-8")
    return re.sub(r"\\(?:input|include)\{([^}#\\]+)\}", content, tex)


def with_values(tex: str, numbers_tex: str) -> str:
    r"""LaTeX with its numbers in place of \num, and of each \ifarchitecture the text that is printed, so that
    what changed in them is seen; `numbers_tex` defines both."""
    numbers, architectures = defined_numbers(numbers_tex), defined_architectures(numbers_tex)

    def value(found: re.Match[str]) -> str:
        # a blank ends the name of a command before it, and LaTeX leaves it out
        before = f"{found[1]} " if found[1] else ""
        return before + numbers[found[2]] if found[2] in numbers else found[0]

    return re.sub(r"(\\[a-zA-Z]+)?\\num\{([^}#]+)\}", value, with_architectures(tex, architectures))


def with_architectures(tex: str, architectures: frozenset[str]) -> str:
    r"""LaTeX with the argument of each \ifarchitecture that is printed in place of it."""
    while switch := next(architecture_switches(tex), None):
        name, at, first, second = switch
        start, end = first if name in architectures else second
        tex = tex[:at] + tex[start + 1 : end - 1] + tex[second[1] :]
    return tex


def _folder(given: Path) -> Path:
    """The paper folder of `results/<dataset>`; another place as it is."""
    return given / "paper" if (given / "paper" / RECORD).is_file() else given


def main(argv: list[str] | None = None) -> None:
    """Say which numbers, cells, figures, claims and texts differ between two builds, and why."""
    parser = argparse.ArgumentParser(prog="poselift diff", description=main.__doc__)
    what = "paper folder, results/<dataset>, or what was handed over"
    parser.add_argument("before", type=Path, help=what)
    parser.add_argument("after", type=Path, help="the same")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for changes.html and changes.pdf")
    given = parser.parse_args(argv)
    with opened(_folder(given.before)) as before, opened(_folder(given.after)) as after:
        found = changes(read_build(before), read_build(after))
        for each in found:
            old, new = (" / ".join(text.splitlines()) or "–" for text in (each.old, each.new))
            print(visible(f"{each.name}: {old} -> {new}  ({'; '.join(each.causes)})"))
        if not found:
            print("nothing changed")
        if given.out:
            write_text(given.out / "changes.html", page(found, str(given.before), str(given.after)))
            if shutil.which("latexdiff"):
                marked_pdf(before, after, given.out / "changes.pdf")
            else:
                print("no changes.pdf: latexdiff is not installed (Debian: latexdiff)", file=sys.stderr)


if __name__ == "__main__":
    run(main)
