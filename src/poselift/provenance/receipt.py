"""The receipt of a job: what it read, with which code and options, and what it wrote, hashed as it ended.

The workflow writes one after each job. It is the evidence that later records are made of: an output that is
edited afterwards no longer has the hash of its receipt, and a result that is copied without Snakemake's own
notes keeps its history.
"""

import hashlib
import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from poselift.files import write_json
from poselift.provenance.content import sha256

FOLDER = "receipts"
"""Where all receipts lie below `results/<dataset>`, by the names of the logs."""


def receipt_path(log: str) -> Path:
    """Where the receipt of the job with this log, `results/<dataset>/**/logs/**.log`, lies."""
    results, dataset, *rest = Path(log).parts
    rest.remove("logs")
    return Path(results, dataset, FOLDER, *rest).with_suffix(".json")


def seal(content: dict[str, Any]) -> str:
    """Hash of all of a receipt but its own seal: a flipped byte in the receipt is found as well."""
    rest = {key: value for key, value in content.items() if key != "seal"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def write_receipt(
    log: str, rule: str, params: Mapping[str, Any], inputs: Iterable[str], outputs: Iterable[str]
) -> None:
    """Write the receipt of a job that just ended; `params` has its code hash as `code`.

    What two equal builds differ in is under `volatile`.
    """
    given = {name: _text(value) for name, value in params.items()}
    content = {
        "rule": rule,
        "code": given.pop("code"),
        "params": given,
        "inputs": [str(path) for path in inputs],
        "outputs": {
            path.as_posix(): {"sha256": sha256(path), "size": path.stat().st_size} for path in _files(outputs)
        },
        "volatile": {"ended": datetime.now(UTC).isoformat(timespec="seconds"), "host": platform.node()},
    }
    write_json(receipt_path(log), {**content, "seal": seal(content)})


def _text(value: Any) -> str:
    """A parameter as the command line has it."""
    if value is None:
        return ""
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _files(paths: Iterable[str]) -> Iterator[Path]:
    """The files meant by `paths`: those inside, where one is a folder."""
    for path in map(Path, paths):
        yield from sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
