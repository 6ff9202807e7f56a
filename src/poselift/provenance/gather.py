"""The record of a whole paper, `provenance.json`, or of its report: what all parts were made from, down to
the raw file.

It is made from the receipts that jobs leave (`poselift.provenance.receipt`) and not from what the workflow
would do now: it says what was used. Before it is written, every file is compared with its receipt, so that no
record vouches for an edited table. Snakemake runs it when all parts are up to date, and reruns it with them.

`core` is what determines the parts: for each job its rule, the hash of its code, its options and what it
read, for a training also settings and environment, and the sha256 of each source. `hash` is that of `core`:
the same in every build from the same sources. What came out is under `outputs`, what two equal builds differ
in under `volatile`.
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from poselift.errors import PoseliftError, run
from poselift.files import write_json
from poselift.provenance import kept_code
from poselift.provenance.chain import Chain, Job, faults, file_hash, public, read_chain
from poselift.provenance.code_hash import code_hash, read_pins
from poselift.provenance.record import commit

SHOWN = 3
"""Faults that an error message names."""


def gather(results: Path, parts: list[str], frozen: list[str], pins: dict[str, str]) -> dict[str, Any]:
    """The record of `parts`, files made below `results`; `frozen` runs keep the code that made them.

    Raises `PoseliftError` that names what is not as its job left it.
    """
    whole = read_chain(results)
    if unmade := [part for part in parts if part not in whole.makers]:
        raise PoseliftError(f"{unmade[0]}: no receipt says what made it; remove it and run snakemake again")
    chain = whole.behind(parts)
    if found := list(faults(chain, results)):
        more = f" (and {len(found) - SHOWN} more)" if len(found) > SHOWN else ""
        raise PoseliftError(
            "; ".join(found[:SHOWN]) + more + "; remove such a file and run snakemake again: it makes it anew"
        )
    root = results.parent.parent
    core = {
        "parts": sorted(parts),
        "jobs": {name: _determining(job, root) for name, job in sorted(chain.jobs.items())},
        "sources": {public(source): file_hash(root, source, results) for source in chain.sources},
    }
    return {
        "hash": hashlib.sha256(json.dumps(core, sort_keys=True).encode()).hexdigest(),
        "core": core,
        "outputs": {public(path): job.outputs[path] for path, job in sorted(chain.makers.items())},
        "code": {
            code: kept_code.kept(results / kept_code.FOLDER, code)
            for code in sorted({job.code for job in chain.jobs.values()})
        },
        "frozen": _older(chain, results, frozen, pins),
        "volatile": {
            "commit": commit(),
            "jobs": {name: job.volatile for name, job in sorted(chain.jobs.items())},
        },
    }  # fmt: skip


def run_record(job: Job, root: Path) -> dict[str, Any] | None:
    """What a training wrote about itself; None for other jobs."""
    of_run = (path for path in job.outputs if "/runs/" in path and path.endswith("/provenance.json"))
    path = next(of_run, None)
    if path is None:
        return None
    content: dict[str, Any] = json.loads((root / path).read_text(encoding="utf-8"))
    return content


def _determining(job: Job, root: Path) -> dict[str, Any]:
    record = run_record(job, root)
    return {
        "rule": job.rule,
        "code": job.code,
        "params": job.params,
        "inputs": sorted(map(public, job.inputs)),
        "outputs": sorted(map(public, job.outputs)),
        **({key: record[key] for key in ("settings", "environment")} if record else {}),
    }


def _older(chain: Chain, results: Path, frozen: list[str], pins: dict[str, str]) -> dict[str, Any]:
    """Of the frozen runs those that other code than today's made: which, and what differs."""
    older: dict[str, Any] = {}
    for name in frozen:
        job = chain.makers.get(f"{results.as_posix()}/runs/{name}/provenance.json")
        if job is None:
            continue
        before = kept_code.kept(results / kept_code.FOLDER, job.code)
        if before is None:
            older[name] = {"code": job.code, "now": None, "changed": None}
            continue
        now = kept_code.code_manifest(*before["entries"], pins=pins)
        changed = kept_code.differences(before, now)
        if changed:
            current = code_hash(*before["entries"], pins=pins)
            older[name] = {"code": job.code, "now": current, "changed": changed}
    return older


def main(argv: list[str] | None = None) -> None:
    """Write the record of what the parts of a paper or report were made from."""
    parser = argparse.ArgumentParser(
        description="Write the record of what the parts of a paper or report were made from."
    )
    parser.add_argument("--results", type=Path, required=True, metavar="DIR", help="results/<dataset>")
    parser.add_argument("--parts", nargs="+", required=True, metavar="FILE", help="tables, figures, numbers")
    parser.add_argument("--frozen", nargs="*", default=[], metavar="RUN", help="runs that keep older code")
    parser.add_argument("--pins", type=Path, required=True, metavar="TXT", help="pinned versions of packages")
    parser.add_argument("--out", type=Path, required=True, metavar="JSON", help="file to write")
    given = parser.parse_args(argv)
    write_json(given.out, gather(given.results, given.parts, given.frozen, read_pins(given.pins)))


if __name__ == "__main__":
    run(main)
