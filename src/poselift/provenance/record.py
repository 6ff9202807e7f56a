"""Records: what a training was made from, and what a whole paper or its report was, down to the raw file.

That of a paper, `provenance.json`, is made from the receipts of the jobs, so it says what was used. First
every file is compared with its receipt: no record vouches for an edited table. `core` is what determines the
parts, and `hash` is that of `core`: the same in every build from the same sources. What came out is under
`outputs`, what two equal builds differ in under `volatile`.
"""

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from poselift.errors import PoseliftError
from poselift.files import write_json
from poselift.program import run
from poselift.provenance import code_hash
from poselift.provenance.chain import Chain, Job, faults, read_chain, recorded_chain
from poselift.provenance.environment import COMPARED, counted, listed
from poselift.provenance.hashing import json_hash, public, sha256

SHOWN = 3
"""Faults that an error message names."""

PINNED = ("torch",)
"""Packages of which it is said wherever a number is shown that another version than the pinned one ran."""

Facts = dict[str, Any]


def run_record(
    folder: Path, outputs: Iterable[str], inputs: Facts, settings: Facts, environment: Facts
) -> Facts:
    """What made `outputs`, the files of a training in `folder`: inputs, settings, environment, commit.

    What differs between two equal builds (time, host, command line with its paths) is under `volatile`.
    """
    return {
        "outputs": {name: sha256(folder / name) for name in outputs},
        "inputs": inputs,
        "settings": settings,
        "environment": {"python": platform.python_version(), **environment},
        "commit": commit(),
        "volatile": {
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "host": platform.node(),
            "command": sys.argv,
        },
    }


def commit() -> str | None:
    """The commit of the project's checkout, `-dirty` when tracked files differ from it; None without git, and
    where these files are not the repository's own but were unpacked inside of it."""
    here = Path(__file__)
    git = ["git", "-C", str(here.parent)]
    try:
        subprocess.run([*git, "ls-files", "--error-unmatch", here.name], capture_output=True, check=True)
        described = [*git, "describe", "--always", "--dirty", "--abbrev=12"]
        return subprocess.run(described, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def paper_record(results: Path, parts: list[str], frozen: list[str], pins: dict[str, str]) -> Facts:
    """The record of `parts`, files made below `results`; `frozen` runs keep the code that made them.

    Raises `PoseliftError` that names what is not as its job left it.
    """
    whole = read_chain(results)
    if unmade := [part for part in parts if part not in whole.makers]:
        raise PoseliftError(f"{unmade[0]}: no receipt says what made it; remove it and run snakemake again")
    chain = whole.behind(parts)
    if found := list(faults(chain, results)):
        more = f" (and {len(found) - SHOWN} more)" if len(found) > SHOWN else ""
        remedy = "remove such a file and run snakemake again: it makes it again"
        raise PoseliftError(f"{'; '.join(found[:SHOWN])}{more}; {remedy}")
    root, jobs = results.parent.parent, sorted(chain.jobs.items())
    codes = sorted({job.code for _, job in jobs})
    core = {
        "parts": sorted(parts),
        "jobs": {name: _determining(job, root) for name, job in jobs},
        "sources": {
            public(source): chain.outside.get(source) or sha256(root / source) for source in chain.sources
        },
    }
    record: Facts = {
        "hash": json_hash(core),
        "core": core,
        "outputs": {public(path): asdict(job.outputs[path]) for path, job in sorted(chain.makers.items())},
        "code": {code: code_hash.kept_manifest(results / code_hash.MANIFESTS, code) for code in codes},
        "frozen": _older(chain, results, frozen, pins),
        "volatile": {"commit": commit(), "jobs": {name: asdict(job.volatile) for name, job in jobs}},
    }
    return record | {"mixed": mixed(record), "unpinned": unpinned(record)}


def mixed(record: Mapping[str, Any]) -> dict[str, str]:
    """Of the parts of a record those whose jobs of one kind ran with unlike things: by part in which, and in
    how many jobs each, `train: torch 2.6.0 (4), 2.7.0 (2)`."""
    chain, found = recorded_chain(record), {}
    for part in record["core"]["parts"]:
        by_rule: dict[str, list[Job]] = {}
        for job in chain.behind([part]).jobs.values():
            by_rule.setdefault(job.rule, []).append(job)
        ran = {rule: counted(map(_with_gpu, jobs)) for rule, jobs in sorted(by_rule.items())}
        unlike = [
            f"{rule}: {key} {listed(counts[key])}"
            for rule, counts in ran.items()
            for key in COMPARED
            if len(counts.get(key, ())) > 1
        ]
        if unlike:
            found[part] = "; ".join(unlike)
    return found


def _with_gpu(job: Job) -> dict[str, str]:
    """What a job ran with; that it had no GPU is something, too, as it can change what torch computes."""
    return {"gpu": "none", **job.environment} if "torch" in job.environment else job.environment


def unpinned(record: Mapping[str, Any]) -> dict[str, str]:
    """Of the parts of a record those behind which another version ran than was pinned: by part which,
    `torch 2.7.0 instead of 2.6.0`. Suffixes of a version (`+cpu`) say how it was built and do not count."""
    chain, found = recorded_chain(record), {}
    for part in record["core"]["parts"]:
        said = dict.fromkeys(
            f"{package} {ran} instead of {pin}"
            for job in chain.behind([part]).jobs.values()
            for package, pin in ((record["code"].get(job.code) or {}).get("pins") or {}).items()
            if package in PINNED and (ran := job.environment.get(package))
            if ran.partition("+")[0] != pin.partition("+")[0]
        )
        if said:
            found[part] = "; ".join(said)
    return found


def _determining(job: Job, root: Path) -> Facts:
    """What determines the outputs of a job; a training noted its settings and, itself, its environment."""
    of_run = (path for path in job.outputs if "/runs/" in path and path.endswith("/history.json"))
    history = next(of_run, None)
    record = json.loads((root / history).read_text(encoding="utf-8"))["record"] if history else None
    return {
        "rule": job.rule,
        "code": job.code,
        "params": job.params,
        "inputs": sorted(map(public, job.inputs)),
        "outputs": sorted(map(public, job.outputs)),
        "environment": job.environment | (record["environment"] if record else {}),
        **({"settings": record["settings"]} if record else {}),
    }


def _older(chain: Chain, results: Path, frozen: list[str], pins: dict[str, str]) -> Facts:
    """Of the frozen runs those that other code than today's made: which, and what differs."""
    older: Facts = {}
    for name in frozen:
        job = chain.makers.get(f"{results.as_posix()}/runs/{name}/best_model.safetensors")
        if job is None:
            continue
        facts: Facts = {"code": job.code, "now": None, "changed": None}  # as if no manifest was kept
        if before := code_hash.kept_manifest(results / code_hash.MANIFESTS, job.code):
            now = code_hash.manifest_now(before, pins)
            facts |= {"now": code_hash.manifest_hash(now), "changed": code_hash.differences(before, now)}
        if facts["changed"] != []:
            older[name] = facts
    return older


def main(argv: list[str] | None = None) -> None:
    """Write the record of what the parts of a paper or report were made from."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--results", type=Path, required=True, metavar="DIR", help="results/<dataset>")
    parser.add_argument("--parts", nargs="+", required=True, metavar="FILE", help="tables, figures, numbers")
    parser.add_argument("--frozen", nargs="*", default=[], metavar="RUN", help="runs that keep older code")
    parser.add_argument("--pins", type=Path, required=True, metavar="TXT", help="pinned versions of packages")
    parser.add_argument("--out", type=Path, required=True, metavar="JSON", help="file to write")
    given = parser.parse_args(argv)
    pins = code_hash.read_pins(given.pins)
    write_json(given.out, paper_record(given.results, given.parts, given.frozen, pins))


if __name__ == "__main__":
    run(main)
