"""The lineage of the parts of paper and report: the jobs behind them, from a record of provenance."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from poselift.files import read_json
from poselift.provenance.chain import SHORT
from poselift.provenance.environment import COMPARED, counted, listed

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
    inputs: list[tuple[str, str]]
    """what was read, with the anchor of the entry that made it, empty for a source"""


def read_record(path: Path) -> dict[str, Any]:
    """Read the record of `provenance.record`. Raises `PoseliftError` if it is missing or another file."""

    def whole(record: dict[str, Any]) -> dict[str, Any]:
        record["hash"], record["core"]["parts"], record["outputs"], record["mixed"], record["unpinned"]
        return record

    return read_json(path, whole, "a record of what was made from what", "build it with snakemake")


def entries(record: dict[str, Any], short: bool = False) -> list[Entry]:
    """The parts one by one, by file name; then the jobs that they come from, the raw data last. In `short`,
    many jobs that ran the same code are counted, not named."""
    jobs: dict[str, dict[str, Any]] = record["core"]["jobs"]
    sources = record["core"]["sources"]
    makers = {path: name for name, job in jobs.items() for path in job["outputs"]}

    @cache
    def depth(name: str) -> int:
        """How many jobs stand behind a job, one after the other."""
        before = {makers[path] for path in jobs[name]["inputs"] if path in makers}
        return 1 + max(map(depth, before), default=0)

    parts = {part: below_results(record, part) for part in sorted(record["core"]["parts"])}
    anchors = {makers[part]: name for part, name in parts.items()}
    alike: dict[tuple[str, str], list[str]] = {}
    for name in sorted(jobs.keys() - anchors.keys(), key=lambda name: (-depth(name), name)):
        alike.setdefault((jobs[name]["rule"], jobs[name]["code"]), []).append(name)
    anchors |= {name: group[0] for group in alike.values() for name in group}

    def entry(anchor: str, names: list[str], group: list[str]) -> Entry:
        job = jobs[group[0]]
        read = sorted({path for name in group for path in jobs[name]["inputs"]})
        before: dict[str, list[str]] = {}
        for maker in sorted({makers[path] for path in read if path in makers}):
            before.setdefault(anchors[maker], []).append(maker)
        origins = [(text, made) for made, of_one in before.items() for text in grouped(of_one)]
        origins += [
            (f"{PurePosixPath(path).name} ({sources[path][:SHORT]})", "") for path in read if path in sources
        ]
        modules = (record["code"].get(job["code"]) or {}).get("entries") or [job["rule"]]
        return Entry(anchor, names, modules, job["code"][:SHORT], origins)

    listed = [entry(name, [name], [makers[part]]) for part, name in parts.items()]
    return listed + [
        entry(group[0], grouped(group, few=FEW if short else len(group)), group) for group in alike.values()
    ]


def ran(record: dict[str, Any]) -> dict[str, str]:
    """What the jobs ran with, as it was installed; of several the number of jobs in brackets."""
    counts = counted(job.get("environment") or {} for job in record["core"]["jobs"].values())
    return {key: listed(counts[key]) for key in COMPARED if key in counts}


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


def below_results(record: dict[str, Any], path: str) -> str:
    """`path` below `results/<dataset>`, in which all parts lie; as it is if it lies elsewhere."""
    base = "/".join(record["core"]["parts"][0].split("/")[:2])
    return path.removeprefix(f"{base}/")


def raw_data(record: dict[str, Any]) -> dict[str, str]:
    """Hashes of the files of raw data, by their names below `results/<dataset>` where they lie there."""
    sources = record["core"]["sources"]
    read = {path for job in record["core"]["jobs"].values() if job["rule"] == "raw" for path in job["inputs"]}
    raw = {path: digest for path, digest in sources.items() if path in read}
    raw |= {path: made["sha256"] for path, made in record["outputs"].items() if path in read}
    return {
        below_results(record, path): digest
        for path, digest in sorted(raw.items())
        if not path.endswith(".sha256")
    }
