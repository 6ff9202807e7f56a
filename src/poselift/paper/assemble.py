"""The paper folder: people's sources and the generated parts in one place that compiles without the rest.

<out>/            a copy of what people write: main.tex, sections/, refs.bib, latexmkrc, ...
<out>/generated/  tables/, figures/ beside them numbers.tex and the like, submission.tex: the form of the
                  paper, and handed_over.zip: the texts as they are now, which a later merge compares with
"""

import argparse
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from poselift.config.options import add_options
from poselift.config.sections import parse
from poselift.config.submission import Submission
from poselift.errors import PoseliftError
from poselift.files import own_folder, write_text
from poselift.paper import submission as form
from poselift.paper.archives import zipped
from poselift.paper.sources import sources as sources_in
from poselift.paper.sources import utf8, without_comments
from poselift.paper.three_way import conflicts, decoded
from poselift.program import run

GENERATED = "generated"
HANDED_OVER = "handed_over.zip"
SUBMISSION = "submission.tex"

_GENERATED_PART = re.compile(
    r"\\(?P<command>input|include|includegraphics)\*?\s*(?:\[[^]]*\]\s*)*\{?[\s\"]*(?:\./)*"
    r"generated/(?P<part>[^}\s\"]+)"
)


def parts_named(sources: Path) -> dict[str, str]:
    """The generated parts that the sources use, below `generated/`, each with the file that names it.

    Raises `PoseliftError` if a text is not UTF-8.
    """
    named: dict[str, str] = {}
    for name, path in sources_in(sources).items():
        if path.suffix == ".tex":
            for use in _GENERATED_PART.finditer(without_comments(utf8(path.read_bytes(), path))):
                suffix = ".pdf" if use["command"] == "includegraphics" else ".tex"
                part = Path(use["part"]).as_posix() + ("" if Path(use["part"]).suffix else suffix)
                named.setdefault(part, name)
    return named


def assemble(
    sources: Path,
    tables: Iterable[Path],
    figures: Iterable[Path],
    others: Iterable[Path],
    out: Path,
    submission: Submission = Submission(),  # noqa: B008 (immutable)
) -> None:
    """Make the folder `out` from scratch, of `sources` and the generated parts; `sources` is only read.

    `others` (numbers.tex, provenance.json ...) lie beside the folders of tables and figures.
    Raises `PoseliftError` if a part is missing or one that the sources name is not given, if a text still
    has the marks of a merge, or if the file of a publisher's style is missing.
    """
    parts = {path.name: path for path in others}
    parts |= {f"tables/{path.name}": path for path in tables}
    parts |= {f"figures/{path.name}": path for path in figures}
    if not (sources / "main.tex").is_file():
        raise PoseliftError(f"{sources}: no main.tex; --sources is the folder of what people write")
    if (sources / GENERATED).exists():
        raise PoseliftError(f"{sources / GENERATED}: generated parts do not belong in the sources; remove it")
    if out.resolve().is_relative_to(sources.resolve()) or sources.resolve().is_relative_to(out.resolve()):
        raise PoseliftError(f"--out {out}: must lie outside of the sources, {sources}")
    for path in parts.values():
        if not path.is_file():
            raise PoseliftError(f"{path}: no such file; the paper needs it")
    for part, source in parts_named(sources).items():
        if part not in parts and part != SUBMISSION:
            raise PoseliftError(f"{sources / source}: uses generated/{part}, which was not given")
    written = {name: path.read_bytes() for name, path in sources_in(sources).items()}
    texts = {name: content for name, content in written.items() if decoded(name, content) is not None}
    for name, content in texts.items():
        for line in conflicts(content):
            raise PoseliftError(
                f"{sources / name}, line {line}: a conflict of two edits; choose, and remove the marks"
            )
    its_form = form.text(submission, sources)
    with own_folder(out, "assemble", shared=True) as folder:
        generated = {f"{GENERATED}/{part}": path for part, path in parts.items()}
        for name, path in (sources_in(sources) | generated).items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)  # contents alone: the sources may be there to read only
        write_text(folder / GENERATED / SUBMISSION, its_form)
        (folder / GENERATED / HANDED_OVER).write_bytes(zipped(texts))


def main(argv: list[str] | None = None) -> None:
    """Put the paper folder together."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--sources", type=Path, required=True, metavar="DIR", help="what people write")
    parser.add_argument("--tables", type=Path, nargs="+", required=True, metavar="TEX", help="all tables")
    parser.add_argument("--figures", type=Path, nargs="+", required=True, metavar="PDF", help="all figures")
    parser.add_argument("--others", type=Path, nargs="+", required=True, metavar="FILE", help="beside these")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to make from scratch")
    add_options(parser, Submission)
    given = vars(parser.parse_args(argv))
    submission = {name: given.pop(name) for name in Submission.model_fields if name in given}
    assemble(**given, submission=parse(Submission, submission, "command line"))


if __name__ == "__main__":
    run(main)
