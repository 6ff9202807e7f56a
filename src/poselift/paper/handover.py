"""Hand the paper over to co-authors and arXiv, and merge what co-authors changed.

`poselift handover pack PAPER --out DIR`: the paper folder as it is and as a zip, and a tarball for arXiv.
`poselift handover merge RETURNED --into paper`: their changes of the text as a diff; `--apply` writes them.
"""

import argparse
import gzip
import io
import re
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path

from poselift.errors import PoseliftError, run
from poselift.files import atomic_path
from poselift.paper.assemble import GENERATED
from poselift.paper.compile import typeset
from poselift.paper.merge import apply, changes, difference
from poselift.provenance.verify import Unreadable, verify_paper

ARXIV_LIMIT = 50_000_000
"""Bytes of a submission to arXiv, unpacked."""

_ARXIV_NAME = re.compile(r"[A-Za-z0-9_.,+=/-]+")
_ABSOLUTE = re.compile(
    r"\\(?:input|include|includegraphics|graphicspath|bibliography|usepackage)\s*(?:\[[^]]*\])?"
    r"\{+\s*(?:/|~|[A-Za-z]:[\\/])[^}]*\}"
)


def pack(folder: Path, out: Path, name: str, draft: bool = False) -> list[Path]:
    """Write `out`/`name`, `name`.zip and `name`-arxiv.tar.gz, of equal bytes for equal paper folders.

    Raises `PoseliftError` if a file was changed after the build, if the paper is a draft and `draft` is not
    set, or if arXiv would refuse it.
    """
    try:
        found = verify_paper(folder)
    except FileNotFoundError:
        raise PoseliftError(f"{folder}: not a finished paper folder; build it with snakemake") from None
    except Unreadable as error:
        raise PoseliftError(str(error)) from None
    if found:
        raise PoseliftError(f"{folder}: {'; '.join(found[:3])}; build the paper again")
    numbers = (folder / GENERATED / "numbers.tex").read_text(encoding="utf-8")
    if "\\drafttrue" in numbers and not draft:
        raise PoseliftError(f"{folder}: a DRAFT, runs are missing; --draft hands it over all the same")
    with tempfile.TemporaryDirectory() as temporary:
        build = Path(temporary) / "paper"
        typeset(folder, build)
        submission = arxiv_files(folder, build)
    paths = [path for path in folder.rglob("*") if path.is_file()]
    files = {f"{name}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in paths}
    made = [out / name, out / f"{name}.zip", out / f"{name}-arxiv.tar.gz"]
    with atomic_path(made[0]) as target:
        shutil.copytree(folder, target, copy_function=shutil.copyfile)
    for path, content in ((made[1], zipped(files)), (made[2], tarred(submission))):
        with atomic_path(path) as target:
            target.write_bytes(content)
    return made


def arxiv_files(folder: Path, build: Path) -> dict[str, bytes]:
    """The sources, their parts and the bibliography, for arXiv. Raises `PoseliftError` if it would refuse."""
    used = _inputs(build)
    files = {name: (folder / name).read_bytes() for name in sorted(used)}
    files["main.bbl"] = (build / "main.bbl").read_bytes() if (build / "main.bbl").exists() else b""
    for name, content in files.items():
        if not _ARXIV_NAME.fullmatch(name):
            raise PoseliftError(f"{name}: arXiv takes names of letters, digits and _.,+=- only; rename it")
        if name.endswith((".tex", ".bbl")):
            text = re.sub(r"(?<!\\)%.*", "", content.decode("utf-8"))
            if absolute := _ABSOLUTE.search(text):
                raise PoseliftError(f"{name}: names an absolute path, {absolute.group()}; use a relative one")
    if (size := sum(map(len, files.values()))) > ARXIV_LIMIT:
        largest = max(files, key=lambda name: len(files[name]))
        sizes = f"arXiv takes {ARXIV_LIMIT / 1e6:.0f} MB, these are {size / 1e6:.0f} MB"
        raise PoseliftError(f"{sizes}; the largest is {largest}")
    return files


def _inputs(build: Path) -> set[str]:
    """The files of the paper folder that LaTeX read, from its recorder file."""
    recorded = (build / "main.fls").read_text(encoding="utf-8", errors="replace").splitlines()
    read = {line.removeprefix("INPUT ").removeprefix("./") for line in recorded if line.startswith("INPUT ")}
    kinds = (".tex", ".pdf", ".png", ".sty", ".cls")
    return {name for name in read if name.endswith(kinds) and not Path(name).is_absolute()}


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip archive without times."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name)  # of 1980
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    """A compressed tar archive without times and owners."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", filename="", mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w") as archive,
    ):
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def main(argv: list[str] | None = None) -> None:
    """Pack the paper for co-authors, or merge their text."""
    parser = argparse.ArgumentParser(prog="poselift handover", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="folder, zip and arXiv tarball of a paper folder")
    packing.add_argument("folder", type=Path, help="paper folder, results/<dataset>/paper")
    packing.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    packing.add_argument("--name", default="paper", help="of the folder and the archives (default: paper)")
    packing.add_argument("--draft", action="store_true", help="also while runs are missing")
    merging = commands.add_parser("merge", help="show what co-authors changed in the text")
    merging.add_argument("returned", type=Path, help="the folder or zip that came back")
    text = "the project's text (default: paper)"
    merging.add_argument("--into", type=Path, default=Path("paper"), metavar="DIR", help=text)
    merging.add_argument("--apply", action="store_true", help="write the changes")
    given = parser.parse_args(argv)
    if given.command == "pack":
        for path in pack(given.folder, given.out, given.name, given.draft):
            print(path)
        return
    found = changes(given.returned, given.into)
    for name, change in found.items():
        print(difference(name, change), end="")
    if given.apply:
        apply(found, given.into)
    listed = f"{len(found)} changed file{'' if len(found) == 1 else 's'}"
    ending = f"written to {given.into}" if given.apply else "--apply writes them"
    print(f"{listed}; {ending}" if found else f"{given.returned}: the text is as it was handed over")


if __name__ == "__main__":
    run(main)
