"""A short hash of what some files were made from, for the metadata of a figure that is made of them."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from poselift.provenance.chain import LARGE, absolute, read_chain, results_folder
from poselift.provenance.content import sha256

SHORT = 12


def stamp(paths: Iterable[Path]) -> str | None:
    """Hash of all jobs behind files below `results/<dataset>`: their rules, code, options and sources.

    Two builds from the same sources give the same, whatever time their jobs noted in what they wrote. None
    for files that no workflow made. A large source counts by the hash among its job's options.
    """
    files = [absolute(path) for path in paths]
    results = results_folder(files[0]) if files else None
    if results is None:
        return None
    root = results.parent.parent
    names = [file.relative_to(root).as_posix() for file in files if file.is_relative_to(root)]
    chain = read_chain(results).behind(names)
    small = [name for name in chain.sources if (root / name).stat().st_size <= LARGE]
    content = {
        "jobs": [
            [job.rule, job.code, job.params, sorted(job.outputs)] for _, job in sorted(chain.jobs.items())
        ],
        "sources": {name: sha256(root / name) for name in small},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:SHORT]
