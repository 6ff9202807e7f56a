r"""What the paper was made from, for its reader: `provenance.tex`.

It gives the PDF the short hash of its record, each generated table and figure a small link, and, as
`\provenanceappendix`, the entries that these links lead to: who made what, from what, down to the raw file.
"""

import argparse
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from poselift.errors import run
from poselift.files import write_text
from poselift.paper.latex import Tex, escape, render

SHORT = 12
"""Digits of a hash that the paper shows."""


READ_RAW = ("raw", "frames_3dhp")
"""Rules that read raw data."""

FEW = 4
"""Names that are listed one by one."""


@dataclass(frozen=True)
class Entry:
    """One entry of the appendix: a part of the paper, or jobs of one rule that ran the same code."""

    anchor: str
    """what links lead to"""
    names: list[str]
    modules: list[str]
    code: str
    inputs: list[str]


def entries(record: dict[str, Any]) -> list[Entry]:
    """The parts one by one, by file name; then the jobs that they come from, the raw data last."""
    jobs: dict[str, dict[str, Any]] = record["core"]["jobs"]
    sources = record["core"]["sources"]
    makers = {path: name for name, job in jobs.items() for path in job["outputs"]}
    base = _results(record)

    def entry(anchor: str, names: list[str], group: list[str]) -> Entry:
        job = jobs[group[0]]
        read = sorted({path for name in group for path in jobs[name]["inputs"]})
        origins = grouped({makers[path] for path in read if path in makers})
        origins += [
            f"{PurePosixPath(path).name} ({sources[path][:SHORT]})" for path in read if path in sources
        ]
        modules = (record["code"].get(job["code"]) or {}).get("entries") or [job["rule"]]
        return Entry(anchor, names, modules, job["code"][:SHORT], origins)

    parts = [_below(base, part) for part in sorted(record["core"]["parts"])]
    listed = [entry(part, [part], [makers[f"{base}/{part}"]]) for part in parts]
    of_parts = {makers[part] for part in record["core"]["parts"]}
    alike: dict[tuple[str, str], list[str]] = {}
    for name in sorted(jobs, key=_depths(jobs, makers).__getitem__, reverse=True):
        if name not in of_parts:
            alike.setdefault((jobs[name]["rule"], jobs[name]["code"]), []).append(name)
    for group in alike.values():
        listed.append(entry(group[0], grouped(group, few=len(group)), group))
    return listed


def grouped(names: Iterable[str], few: int = FEW) -> list[str]:
    """Names of jobs for reading: `cost/{a, b}`, and `cost/* (12)` for more than `few` of a kind."""
    kinds: dict[str, list[str]] = {}
    for name in sorted(names):
        kind, _, rest = name.rpartition("/")
        kinds.setdefault(kind, []).append(rest)
    found = []
    for kind, each in kinds.items():
        if not kind:
            found += each
        elif len(each) > few:
            found.append(f"{kind}/* ({len(each)})")
        else:
            found.append(f"{kind}/{each[0]}" if len(each) == 1 else f"{kind}/{{{', '.join(each)}}}")
    return found


def _name(name: str) -> Tex:
    """The name of a file or module, which LaTeX may break within."""
    parts = map(escape, re.split(r"(?<=[/._(,-])", name))
    return Tex(r"\texttt{" + r"\allowbreak{}".join(parts) + "}")


def _apart(names: Iterable[str]) -> Tex:
    """Several names."""
    return Tex(", ".join(map(_name, names)))


def _depths(jobs: dict[str, dict[str, Any]], makers: dict[str, str]) -> dict[str, int]:
    """How many jobs stand behind each job, one after the other."""
    found: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in found:
            before = {makers[path] for path in jobs[name]["inputs"] if path in makers}
            found[name] = 1 + max(map(depth, before), default=0)
        return found[name]

    for name in jobs:
        depth(name)
    return found


def _results(record: dict[str, Any]) -> str:
    """`results/<dataset>`, in which all parts lie."""
    return "/".join(record["core"]["parts"][0].split("/")[:2])


def _below(base: str, path: str) -> str:
    return path.removeprefix(base + "/")


def _breakable(digest: str) -> Tex:
    """A hash that LaTeX may break after every eight digits."""
    return Tex(r"\allowbreak ".join(digest[start : start + 8] for start in range(0, len(digest), 8)))


def raw_data(record: dict[str, Any]) -> dict[str, str]:
    """Hashes of the files of raw data, by their names below `results/<dataset>` where they lie there."""
    sources = record["core"]["sources"]
    read = {
        path for job in record["core"]["jobs"].values() if job["rule"] in READ_RAW for path in job["inputs"]
    }
    raw = {path: digest for path, digest in sources.items() if path in read}
    raw |= {path: made["sha256"] for path, made in record["outputs"].items() if path in read}
    base = _results(record)
    return {
        _below(base, path): digest for path, digest in sorted(raw.items()) if not path.endswith(".sha256")
    }


def text(record: dict[str, Any]) -> str:
    """`provenance.tex` of a record."""
    base = _results(record)
    parts = [_below(base, part) for part in record["core"]["parts"]]
    return render(
        "provenance",
        hash=record["hash"][:SHORT],
        entries=[
            {
                "anchor": Tex(entry.anchor),
                "names": _apart(entry.names),
                "modules": _apart(entry.modules),
                "code": entry.code,
                "inputs": _apart(entry.inputs),
            }
            for entry in entries(record)
        ],
        # as the text names them: a table with its ending, a figure with or without
        links=[
            (Tex(name), Tex(part))
            for part in parts
            for copy in ["/".join(PurePosixPath(part).parts[-2:])]
            for name in sorted({copy, str(PurePosixPath(copy).with_suffix(""))})
        ],
        raw={_name(path): _breakable(digest) for path, digest in raw_data(record).items()},
        frozen={
            Tex(name): {"code": older["code"][:SHORT], "changed": Tex(", ".join(older["changed"] or []))}
            for name, older in record["frozen"].items()
        },
    )


def main(argv: list[str] | None = None) -> None:
    """Write the appendix that says what the paper was made from."""
    parser = argparse.ArgumentParser(description="Write the appendix that says what the paper was made from.")
    parser.add_argument("--record", type=Path, required=True, metavar="JSON", help="of provenance.record")
    parser.add_argument("--out", type=Path, required=True, metavar="TEX", help="file to write")
    given = parser.parse_args(argv)
    write_text(given.out, text(json.loads(given.record.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    run(main)
