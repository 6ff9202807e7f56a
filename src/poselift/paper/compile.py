"""Compile the paper folder with latexmk; `main.pdf` appears when it is complete."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from poselift.errors import PoseliftError, run
from poselift.files import atomic_path

_ERROR = re.compile(r"^(?:\./)?(?P<file>[^:\n]+):(?P<line>\d+): (?P<reason>.+)$", re.MULTILINE)
_CONTEXT = re.compile(r"^l\.\d+ (?P<text>.*)$", re.MULTILINE)
_PLAIN_ERROR = re.compile(r"^! (?P<reason>.+)$", re.MULTILINE)
_WARNING = re.compile(
    r"^(?:Overfull \\[hv]box .*|LaTeX Warning: .*undefined.*|Package natbib Warning: .*undefined.*|"
    r"LaTeX Warning: .*multiply defined.*|Missing character: .*)$",
    re.MULTILINE,
)
_BIBTEX_WARNING = re.compile(r"^(?:Warning--|I couldn't|I found no|Repeated entry).*$", re.MULTILINE)


def error_in(log: str) -> str:
    """The line of a LaTeX log that matters: where the error is, what it is, what stands there."""
    if found := _ERROR.search(log):
        context = _CONTEXT.search(log, found.end())
        there = f" at `{context['text'].strip()}`" if context and context["text"].strip() else ""
        return f"{found['file']}, line {found['line']}: {found['reason'].rstrip('.')}{there}"
    if found := _PLAIN_ERROR.search(log):
        return found["reason"]
    return "latexmk failed without a LaTeX error"


def warnings_in(log: str, bibliography_log: str) -> list[str]:
    """What a reader of the PDF would stumble over: overfull boxes, undefined references, lost characters."""
    found = [*_WARNING.findall(log), *_BIBTEX_WARNING.findall(bibliography_log)]
    return list(dict.fromkeys(found))


def compile_paper(folder: Path) -> list[str]:
    """Compile `folder`/main.tex to `folder`/main.pdf, of equal bytes for equal sources; returns warnings.

    Raises `PoseliftError` with the line of the log that matters; then an older main.pdf stays as it was.
    """
    with tempfile.TemporaryDirectory() as name:
        build = Path(name) / "paper"
        warnings = typeset(folder, build)
        with atomic_path(folder / "main.pdf") as temporary:
            shutil.copyfile(build / "main.pdf", temporary)
    return warnings


def typeset(folder: Path, build: Path) -> list[str]:
    """Compile a copy of `folder`, `build`, in which all that LaTeX writes stays; otherwise as above."""
    if shutil.which("latexmk") is None:
        raise PoseliftError(
            "latexmk is not installed; on Debian: apt-get install latexmk texlive-latex-recommended "
            "texlive-latex-extra texlive-fonts-recommended texlive-pictures"
        )
    if not (folder / "main.tex").is_file():
        raise PoseliftError(f"{folder}: no main.tex; put the folder together with poselift.paper.assemble")
    # lines of 1000 characters, else the log breaks them, and file names with them
    settings = {"SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1", "max_print_line": "1000"}
    shutil.copytree(folder, build, ignore=shutil.ignore_patterns("main.pdf"))
    command = ["latexmk", "-file-line-error"]
    finished = subprocess.run(command, cwd=build, env=os.environ | settings, capture_output=True, check=False)
    log = _read(build / "main.log")
    if finished.returncode != 0:
        reason = error_in(log) if log else finished.stderr.decode(errors="replace").strip()[-300:]
        raise PoseliftError(f"{folder}: {reason}")
    return warnings_in(log, _read(build / "main.blg"))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def main(argv: list[str] | None = None) -> None:
    """Compile the paper folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, help="folder made by poselift.paper.assemble")
    for warning in compile_paper(parser.parse_args(argv).folder):
        print(f"warning: {warning}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
