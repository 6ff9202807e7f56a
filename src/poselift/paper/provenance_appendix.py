r"""The appendix on what the paper was made from, `provenance.tex`.

It gives the PDF the short hash of its record, each generated table and figure a small link, and, as
`\provenanceappendix`, the entries that these links lead to: who made what, from what, down to the raw file.
"""

import argparse
import re
from pathlib import Path, PurePosixPath
from typing import Any

from poselift.analysis.lineage import below_results, entries, ran, raw_data, read_record
from poselift.files import write_text
from poselift.latex import Tex, escape, render
from poselift.program import run
from poselift.provenance.chain import SHORT


def _names(*names: str) -> Tex:
    """Names of files or modules, which LaTeX may break within."""
    parts = (r"\allowbreak{}".join(map(escape, re.split(r"(?<=[/._(,-])", name))) for name in names)
    return Tex(", ".join(rf"\texttt{{{part}}}" for part in parts))


def _linked(inputs: list[tuple[str, str]]) -> Tex:
    """What was read, each name a link to the entry that made it."""
    names = ((_names(name), made) for name, made in inputs)
    return Tex(", ".join(rf"\poselift@origin{{{made}}}{{{name}}}" if made else name for name, made in names))


def _breakable(digest: str) -> Tex:
    """A hash that LaTeX may break after every eight digits."""
    return Tex(r"\allowbreak ".join(digest[start : start + 8] for start in range(0, len(digest), 8)))


def _as_named(part: str) -> list[str]:
    """A part as the text may name it: a table with its ending, a figure with or without."""
    copy = "/".join(PurePosixPath(part).parts[-2:])
    return sorted({copy, str(PurePosixPath(copy).with_suffix(""))})


def text(record: dict[str, Any]) -> str:
    """`provenance.tex` of a record."""
    parts = [below_results(record, part) for part in record["core"]["parts"]]
    other_versions = {below_results(record, part): said for part, said in record["unpinned"].items()}
    return render(
        "provenance",
        hash=record["hash"][:SHORT],
        entries=[
            {"anchor": Tex(entry.anchor), "code": entry.code, "inputs": _linked(entry.inputs)}
            | {key: _names(*getattr(entry, key)) for key in ("names", "modules")}
            for entry in entries(record, short=True)
        ],
        links=[(Tex(name), Tex(part)) for part in parts for name in _as_named(part)],
        raw={_names(path): _breakable(digest) for path, digest in raw_data(record).items()},
        ran=ran(record),
        mixed={_names(below_results(record, part)): said for part, said in record["mixed"].items()},
        unpinned=[(Tex(name), said) for part, said in other_versions.items() for name in _as_named(part)],
        all_unpinned="; ".join(dict.fromkeys(other_versions.values())),
        frozen={
            Tex(name): {"code": older["code"][:SHORT], "changed": Tex(", ".join(older["changed"] or []))}
            for name, older in record["frozen"].items()
        },
    )


def main(argv: list[str] | None = None) -> None:
    """Write the appendix that says what the paper was made from."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--record", type=Path, required=True, metavar="JSON", help="of provenance.record")
    parser.add_argument("--out", type=Path, required=True, metavar="TEX", help="file to write")
    given = parser.parse_args(argv)
    write_text(given.out, text(read_record(given.record)))


if __name__ == "__main__":
    run(main)
