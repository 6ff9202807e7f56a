"""Seconds that provenance takes for a built paper, `results/demo`: `python tests/benchmarks/provenance.py`.

Target: the record, with all hashes, and the sealed folder of the demonstration in under 2 s.
"""

import argparse
import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from poselift.paper import crate
from poselift.paper.provenance_appendix import text
from poselift.provenance.chain import read_chain
from poselift.provenance.code_hash import read_pins
from poselift.provenance.hashing import LARGE, cached_sha256, sha256
from poselift.provenance.receipts import write_receipt
from poselift.provenance.record import paper_record
from poselift.provenance.verify import verify


def seconds(action: Callable[[], object]) -> float:
    """How long the action takes, the best of three."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print what each step takes."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--results", type=Path, default=Path("results/demo"))
    parser.add_argument("--gigabytes", type=float, default=2, help="of a made-up raw file")
    given = parser.parse_args()
    results: Path = given.results
    chain = read_chain(results)
    parts = sorted(path for path in chain.makers if path.endswith((".tex", ".pdf")) and "/paper/" not in path)
    parts = [path for path in parts if not path.endswith("provenance.tex")]
    pins = read_pins(Path("envs/constraints.txt"))
    record = paper_record(results, parts, [], pins)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(shutil.copytree(results / "paper", Path(name) / "paper"))
        steps = {
            f"read {len(chain.jobs)} receipts": lambda: read_chain(results),
            f"record of {len(parts)} parts": lambda: paper_record(results, parts, [], pins),
            "appendix": lambda: text(record),
            "crate and hashes of the paper folder": lambda: crate.write_crate(folder),
            "verify the paper folder": lambda: verify(folder),
            "verify all results": lambda: verify(results),
        }
        for step, action in steps.items():
            print(f"{step}: {seconds(action):.3f} s")
        training = next(job for job in chain.jobs.values() if job.rule == "train")
        outputs = [str(Path(path).resolve()) for path in training.outputs]
        with contextlib.chdir(name):
            log = "results/x/logs/x.log"
            taken = seconds(lambda: write_receipt(log, "train", {"code": ""}, training.inputs, outputs))
        print(f"receipt of a training: {taken:.3f} s")
        raw, cache = Path(name) / "raw.pkl", Path(name) / "hash.json"
        with raw.open("wb") as file:
            file.truncate(int(given.gigabytes * 1e9))
        assert raw.stat().st_size > LARGE
        start = time.perf_counter()
        sha256(raw)
        print(f"hash of {given.gigabytes:g} GB, first: {time.perf_counter() - start:.2f} s")
        cached_sha256(raw, cache)
        print(
            f"hash of {given.gigabytes:g} GB, unchanged: {seconds(lambda: cached_sha256(raw, cache)):.5f} s"
        )


if __name__ == "__main__":
    main()
