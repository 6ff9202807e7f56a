"""Hand the paper over to co-authors and arXiv, and merge what co-authors changed.

`poselift handover pack PAPER --out DIR`: the paper folder as it is and as a zip, and a tarball for arXiv.
`poselift handover merge RETURNED --into paper`: what they changed comes into the text, as a diff; `--apply`
writes it, and what both sides changed is marked as git does.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path
from posixpath import normpath

from poselift.errors import PoseliftError, one_line
from poselift.files import MARK, atomic_path, own_folder, require_own
from poselift.paper.archives import tarred, zipped
from poselift.paper.assemble import GENERATED
from poselift.paper.compile import typeset
from poselift.paper.merge import apply, as_given, compare, difference, is_text, read_folder, remarks_on
from poselift.paper.prose import require_none
from poselift.paper.sources import PRODUCT, utf8, without_comments
from poselift.paper.three_way import OLD_ENCODING
from poselift.program import run, visible
from poselift.provenance.verify import SUMS, Unreadable, recorded_sums
from poselift.provenance.verify import difference as fault_of

ARXIV_LIMIT = 50_000_000
"""Bytes of a submission to arXiv, unpacked."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_ARXIV_NAME = re.compile(r"[A-Za-z0-9_.,+=/-]+")
_ABSOLUTE = re.compile(
    r"\\(?:input|include|includegraphics|graphicspath|bibliography|usepackage)\s*(?:\[[^]]*\])?"
    r"\{+\s*(?:/|~|[A-Za-z]:[\\/])[^}]*\}"
)


def pack(folder: Path, out: Path, name: str, draft: bool = False) -> tuple[list[Path], list[str]]:
    """Write `out`/`name`, `name`.zip and `name`-arxiv.tar.gz, of equal bytes for equal paper folders.

    Returns these and the warnings of LaTeX. Raises `PoseliftError` if a file was changed after the build, if
    the paper is a draft and `draft` is not set, if arXiv would refuse it, or if something is in the way that
    was not packed before, or was edited since.
    """
    if not _NAME.fullmatch(name):
        raise PoseliftError(f"--name '{one_line(name)}': letters, digits and _.- only; the place is --out")
    made = [out / name, out / f"{name}.zip", out / f"{name}-arxiv.tar.gz"]
    _require_place(made, folder)
    try:
        given = recorded_sums(folder)
    except FileNotFoundError:
        raise PoseliftError(f"{folder}: not a finished paper folder; build it with snakemake") from None
    except Unreadable as error:
        raise PoseliftError(str(error)) from None
    faults = {each: fault_of(folder / each, digest, None) for each, digest in given.items()}
    found = [f"{each}: {fault}" for each, fault in faults.items() if fault]
    if found:
        raise PoseliftError(f"{folder}: {'; '.join(found[:3])}; build the paper again")
    numbers = (folder / GENERATED / "numbers.tex").read_text(encoding="utf-8")
    if "\\drafttrue" in numbers and not draft:
        raise PoseliftError(f"{folder}: a DRAFT, runs are missing; --draft hands it over all the same")
    files = {each: (folder / each).read_bytes() for each in (*given, SUMS)}
    with tempfile.TemporaryDirectory() as temporary:
        build, submitted = Path(temporary, "paper"), Path(temporary, "submitted")
        _write({each: content for each, content in files.items() if each != PRODUCT}, build)
        typeset(build, folder)
        submission = arxiv_files(files, build)
        _write(submission, submitted)
        warnings = typeset(submitted, made[2], bibliography=False)
    with own_folder(made[0], "handover", shared=True) as target:
        _write(files, target)
    in_folder = zipped({f"{name}/{each}": content for each, content in files.items()})
    for path, content in zip(made[1:], (in_folder, tarred(submission)), strict=True):
        with atomic_path(path) as target:
            target.write_bytes(content)
    return made, warnings


def _require_place(made: list[Path], folder: Path) -> None:
    """Raise `PoseliftError` if packing would replace what it did not make, or text that was edited since."""
    target, *archives = made
    if target.resolve().is_relative_to(folder.resolve()) or folder.resolve().is_relative_to(target.resolve()):
        raise PoseliftError(f"--out {target.parent}: must lie outside of the paper folder, {folder}")
    require_own(target, "handover")
    if not (target / MARK).is_file():
        if there := next((path for path in archives if path.exists()), None):
            raise PoseliftError(
                f"{there}: is there already and poselift did not make it; move it away or give another place"
            )
        return
    given, content = read_folder(target, target)
    edited = [each for each in content if not as_given(each, content[each], given.get(each))]
    edited += [each for each in given if is_text(each) and each not in content]
    if edited:
        listed = ", ".join(map(one_line, edited[:3]))
        raise PoseliftError(f"{target}: edited since it was packed ({listed}); merge it, then remove it")


def _write(files: dict[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def arxiv_files(files: dict[str, bytes], build: Path) -> dict[str, bytes]:
    """What LaTeX read of a paper folder's `files`, and the bibliography, for arXiv.

    Raises `PoseliftError` if it would refuse them. `build` is where LaTeX ran, with its recorder's file.
    """
    recorded = (build / "main.fls").read_text(encoding="utf-8", errors="replace").splitlines()
    # with `\graphicspath` LaTeX writes `./figures//plot.png`
    read = {normpath(line.removeprefix("INPUT ")) for line in recorded if line.startswith("INPUT ")}
    submission = {name: content for name, content in files.items() if name in read and name != PRODUCT}
    # made on the way: a figure that LaTeX can show, and the bibliography, for arXiv does not run BibTeX
    made = [name for name in sorted(read) if name.endswith(("-eps-converted-to.pdf", ".bbl"))]
    submission |= {name: (build / name).read_bytes() for name in made if (build / name).is_file()}
    for name, content in submission.items():
        if not _ARXIV_NAME.fullmatch(name):
            raise PoseliftError(f"{name}: arXiv takes names of letters, digits and _.,+=- only; rename it")
        tex = without_comments(utf8(content, name)) if name.endswith((".tex", ".tikz", ".bbl")) else ""
        if absolute := _ABSOLUTE.search(tex):
            raise PoseliftError(f"{name}: names an absolute path, {absolute.group()}; use a relative one")
    if (size := sum(map(len, submission.values()))) > ARXIV_LIMIT:
        largest = max(submission, key=lambda name: len(submission[name]))
        sizes = f"arXiv takes {ARXIV_LIMIT / 1e6:.0f} MB, these are {size / 1e6:.0f} MB"
        raise PoseliftError(f"{sizes}; the largest is {largest}")
    return submission


def main(argv: list[str] | None = None) -> None:
    """Pack the paper for co-authors, or merge their text."""
    parser = argparse.ArgumentParser(prog="poselift handover", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="folder, zip and arXiv tarball of a paper folder")
    packing.add_argument("folder", type=Path, help="paper folder, results/<dataset>/paper")
    packing.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    packing.add_argument("--name", default="paper", help="of the folder and the archives (default: paper)")
    packing.add_argument("--draft", action="store_true", help="also while runs are missing")
    merging = commands.add_parser("merge", help="bring home what co-authors changed in the text")
    merging.add_argument("returned", type=Path, help="the folder or zip that came back")
    text = "the project's text (default: paper)"
    merging.add_argument("--into", type=Path, default=Path("paper"), metavar="DIR", help=text)
    merging.add_argument("--apply", action="store_true", help="write the changes")
    strict = "write nothing if the text would then have remarks (`poselift prose`)"
    merging.add_argument("--strict", action="store_true", help=strict)
    given = parser.parse_args(argv)
    if given.command == "pack":
        made, warnings = pack(given.folder, given.out, given.name, given.draft)
        print(*made, sep="\n")
        for warning in warnings:
            print(f"warning: {warning}", file=sys.stderr)
        return
    found = compare(given.returned, given.into)
    for name, change in (found.changes | found.programs).items():
        print(difference(name, change), end="")
    for name in found.programs:
        print(f"{name}: is run as a program by each build, so it is not merged; if it is right, edit it here")
    for name in found.guessed:
        print(f"{one_line(name)}: not UTF-8, read as {OLD_ENCODING}; look at its accents")
    for name in found.missing:
        print(f"{one_line(name)}: did not come back; it stays here, remove it if that is meant")
    remarks = remarks_on(found, given.into)
    for remark in remarks:
        print(visible(f"warning: {remark}"), file=sys.stderr)
    if given.strict:
        require_none(remarks, given.into)
    if given.apply:
        apply(found.changes, given.into)
    count = len(found.changes)
    listed = f"{count} changed file{'' if count == 1 else 's'}"
    ending = f"written to {given.into}" if given.apply else "--apply writes them"
    print(f"{listed}; {ending}" if count else f"{given.returned}: nothing to bring home")
    if found.conflicts:
        print(*map(one_line, found.conflicts), sep="\n", file=sys.stderr)
        left = f"{len(found.conflicts)} conflict{'' if len(found.conflicts) == 1 else 's'}"
        raise PoseliftError(f"{given.into}: {left} to resolve by hand, listed above")


if __name__ == "__main__":
    run(main)
