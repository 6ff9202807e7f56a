"""Compile the paper folder with latexmk; `main.pdf` appears when it is complete."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from poselift.errors import PoseliftError
from poselift.files import copy_file
from poselift.paper.assemble import GENERATED
from poselift.paper.sources import PRODUCT
from poselift.program import run

TOO_WIDE = 10.0
"""Points by which a box may stick out before the paper counts as faulty."""
ROOM = 10_000_000
"""Bytes that LaTeX needs on the disk: with less, that is why it failed."""

_ERROR = re.compile(r"^(?:\./)?(?P<file>[^:\n]+):(?P<line>\d+): (?P<reason>.+)$", re.MULTILINE)
_CONTEXT = re.compile(r"^l\.\d+ (?P<text>.*)$", re.MULTILINE)
_PLAIN_ERROR = re.compile(r"^! (?P<reason>.+)$", re.MULTILINE)
_WARNING = re.compile(
    r"LaTeX Warning: .*(?:undefined|multiply defined).*|Package natbib Warning: .*undefined.*|"
    r"Package poselift Warning: .*|Missing character: .*"
)
_BIBTEX_ERROR = re.compile(r"^(?P<reason>.+?)\n?---line (?P<line>\d+) of file (?P<file>.+)$", re.MULTILINE)
_NO_BIBLIOGRAPHY = re.compile(r"I don't find the following files:\n\s+(?P<file>\S+)")
_TOO_LONG = re.compile(r"the main text has \d+ pages, paper\.page_limit allows \d+")
_OVERFULL = re.compile(r"Overfull \\[hv]box \((?P<points>[\d.]+)pt (?P<how>too \w+)\)(?P<where>.*)")
_FONT = re.compile(r"\\[A-Z]+\d?/\S+ ?|\[\]")
_BIBTEX_WARNING = re.compile(r"^(?:Warning--|I couldn't|I found no|Repeated entry).*$", re.MULTILINE)


def error_in(log: str, others: str = "") -> str:
    """The line of a LaTeX log that matters: where the error is, what it is, what stands there; without an
    error there that of the `others`, which BibTeX and latexmk say."""
    if found := _ERROR.search(log):
        context = _CONTEXT.search(log, found.end())
        there = f" at `{context['text'].strip()}`" if context and context["text"].strip() else ""
        # of a missing file LaTeX says the reason before the place
        said = _PLAIN_ERROR.search(log, endpos=found.start()) or found
        return f"{found['file']}, line {found['line']}: {said['reason'].rstrip('.')}{there}"
    if found := _PLAIN_ERROR.search(log):
        return found["reason"]
    if found := _BIBTEX_ERROR.search(others):
        return f"{found['file']}, line {found['line']}: {found['reason']}"
    if found := _NO_BIBLIOGRAPHY.search(others):
        return f"there is no bibliography {found['file']}"
    return "latexmk failed without a LaTeX error"


def by_file(log: str) -> Iterator[tuple[str, str, str]]:
    """The lines of a LaTeX log: the file that LaTeX read, the line, and of a faulty box its content."""
    reading: list[str] = []  # LaTeX writes `(` and a file's name when it opens one, `)` when it closes it
    lines = iter(log.splitlines())
    for line in lines:
        file = next((name for name in reversed(reading) if re.search(r"\.\w+$", name)), "")
        if line.startswith(("Overfull", "Underfull")):
            yield file, line, " ".join(iter(lambda: next(lines, ""), ""))  # up to the next empty line
            continue
        yield file, line, ""
        for bracket in re.finditer(r"\((?:\./)?([^\s()]*)|\)", line):
            if bracket[1] is not None:
                reading.append(bracket[1])
            elif reading:
                reading.pop()


def warnings_in(log: str, bibliography_log: str) -> tuple[list[str], list[str]]:
    """What a reader of the PDF would stumble over: undefined references, lost characters, text that sticks
    out; and, apart from these, what sticks out so far that the page cuts it off or it hides other text."""
    found: list[str] = []
    faults: list[str] = []
    for file, line, content in by_file(log):
        there = f"{file}: " if file else ""
        if box := _OVERFULL.match(line):
            shown = " ".join(_FONT.sub("", content).split())[:60]
            at = box["where"].replace("[]", "").strip()
            text = f"{there}{box['points']} pt {box['how']} {at}" + (f", `{shown}`" if shown else "")
            (faults if float(box["points"]) > TOO_WIDE else found).append(text)
        elif _WARNING.match(line):
            found.append(there + line)
    found += _BIBTEX_WARNING.findall(bibliography_log)
    return list(dict.fromkeys(found)), list(dict.fromkeys(faults))


def unprinted_in(folder: Path) -> Iterator[str]:
    """The characters in generated parts that no font has, and where, as `latex.escape` left them."""
    for path in sorted((folder / GENERATED).rglob("*.tex")):
        for line in path.read_text(encoding="utf-8").splitlines():
            key = re.match(r"\\defnum\{([^}]*)\}", line)
            there = path.relative_to(folder).as_posix() + (f", {key[1]}" if key else "")
            for code in re.findall(r"\[U\+([0-9A-F]{4,6})\]", line):
                yield f"{there}: no font here has {chr(int(code, 16))} (U+{code}); write it otherwise"


def compile_paper(folder: Path, keep: Path | None = None, draft: bool = False) -> list[str]:
    """Compile `folder`/main.tex to `folder`/main.pdf, of equal bytes for equal sources, and a copy of it to
    `keep`; returns warnings.

    Raises `PoseliftError` with the line of the log that matters; then an older main.pdf stays as it was. A
    main text that is longer than paper.page_limit is such a fault unless it is a `draft`, but its PDF is
    written to `keep`, to be looked at.
    """
    if not (folder / "main.tex").is_file():
        raise PoseliftError(f"{folder}: no main.tex; put the folder together with poselift.paper.assemble")
    with tempfile.TemporaryDirectory() as name:
        build = Path(name) / "paper"
        try:
            shutil.copytree(folder, build, ignore=shutil.ignore_patterns(PRODUCT))
        except shutil.Error as error:
            _, target, reason = error.args[0][0]
            raise PoseliftError(f"{target}: {reason}") from None
        warnings = typeset(build, folder)
        too_long = next((found[0] for line in warnings if (found := _TOO_LONG.search(line))), "")
        fails = bool(too_long) and not draft
        for target in [*([] if fails else [folder / PRODUCT]), *filter(None, [keep])]:
            copy_file(build / PRODUCT, target)
    if fails:
        raise PoseliftError(f"{folder}: {too_long}; shorten it, move parts to the supplement, or set draft")
    return warnings


def typeset(build: Path, shown: Path, bibliography: bool = True) -> list[str]:
    """Compile the files in `build`, where all stays that LaTeX writes; otherwise as above.

    Without `bibliography` the one that is there is used. Errors call the folder `shown`.
    """
    if shutil.which("latexmk") is None:
        raise PoseliftError(
            "latexmk is not installed; on Debian: apt-get install latexmk texlive-latex-recommended "
            "texlive-latex-extra texlive-fonts-recommended texlive-pictures"
        )
    # lines of 1000 characters, else the log breaks them, and file names with them
    settings = {"SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1", "max_print_line": "1000"}
    own = ["-r", "latexmkrc"] if (build / "latexmkrc").is_file() else ["-pdf", "-halt-on-error", "main.tex"]
    # no settings of the user or of the system, which may put files elsewhere
    command = ["latexmk", "-norc", *own, "-file-line-error", *([] if bibliography else ["-bibtex-"])]
    environment, nothing = os.environ | settings, subprocess.DEVNULL
    finished = subprocess.run(
        command, cwd=build, env=environment, stdin=nothing, capture_output=True, check=False
    )
    log = _read(build / "main.log")
    said = (finished.stdout + finished.stderr).decode(errors="replace")
    if finished.returncode != 0:
        if shutil.disk_usage(build).free < ROOM:
            raise PoseliftError(f"{tempfile.gettempdir()}: no space left for LaTeX; free some, or set TMPDIR")
        reason = error_in(log, _read(build / "main.blg") + said) if log else said.strip()[-300:]
        raise PoseliftError(f"{shown}: {reason}")
    warnings, faults = warnings_in(log, _read(build / "main.blg"))
    if faults:
        raise PoseliftError(f"{shown}: {'; '.join(faults)}; make it narrower, or the page cuts it off")
    return [*unprinted_in(build), *warnings]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def main(argv: list[str] | None = None) -> None:
    """Compile the paper folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, help="folder made by poselift.paper.assemble")
    parser.add_argument("--keep", type=Path, metavar="PDF", help="a copy that stays when a later run fails")
    parser.add_argument("--draft", action="store_true", help="a main text that is too long is a warning")
    given = parser.parse_args(argv)
    try:
        warnings = compile_paper(given.folder, given.keep, given.draft)
    except PoseliftError as error:
        kept = f" (the last PDF: {given.keep})" if given.keep and given.keep.exists() else ""
        raise PoseliftError(f"{error}{kept}") from None
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
