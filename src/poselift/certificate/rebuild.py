"""Making the paper again, apart from the results that it is compared with.

It happens in a temporary folder with links to the project and to the files that are taken as given, with
Snakemake as in a build: nothing that was built is read in place of what has to be made.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from poselift.config.sections import parse
from poselift.config.submission import Submission
from poselift.errors import PoseliftError
from poselift.files import write_json
from poselift.paper.assemble import assemble
from poselift.provenance.chain import recorded_chain
from poselift.provenance.code_hash import MANIFESTS
from poselift.provenance.receipts import FOLDER, NOTES
from poselift.provenance.verify import difference
from poselift.provenance.why import complaint

STAGES = {
    "nothing": (),
    "data": ("synthetic*", "raw", "frames", "clips"),
    "weights": ("train", "trial"),
    "evaluations": ("outcome", "evaluate", "references", "cost"),
}
"""The rules of each stage up to which files can be taken as given, in their order."""

_TAKEN = dict(zip(STAGES, accumulate(STAGES.values()), strict=True))


def is_taken(rule: str, stage: str) -> bool:
    """Whether what a rule makes is taken as given, when all up to `stage` is."""
    return any(fnmatchcase(rule, each) for each in _TAKEN[stage])


def taken_files(record: Mapping[str, Any], stage: str) -> dict[str, str]:
    """The files that jobs up to `stage` read and wrote, with the sha256 that the record has."""
    taken = [job for job in recorded_chain(record).jobs.values() if is_taken(job.rule, stage)]
    digests = record["core"]["sources"] | {path: made["sha256"] for path, made in record["outputs"].items()}
    return {path: digests[path] for job in taken for path in (*job.inputs, *job.outputs)}


def taken_faults(record: Mapping[str, Any], stage: str, root: Path) -> list[str]:
    """Of the files that are taken as given those that are not what the record says, a sentence each.

    What no job made may be missing, as raw data that not everybody has; all else goes into a record again.
    """
    files = taken_files(record, stage).items()
    there = {path: digest for path, digest in files if path in record["outputs"] or (root / path).exists()}
    faults = {path: difference(root / path, digest, None) for path, digest in there.items()}
    return [f"{path}: {fault}" for path, fault in faults.items() if fault]


@contextmanager
def rebuilt(
    record: Mapping[str, Any],
    stage: str,
    workflow: Mapping[str, Any],
    parts: Sequence[str],
    cores: int,
) -> Iterator[Path]:
    """The paper folder, without its PDF, of what this project makes of the files up to `stage`.

    `workflow` has the configuration and the names of the rules (`config`, `rules`) that make the `parts`:
    tables, figures and what lies beside them. Raises `PoseliftError` with the reason if it cannot be made.
    """
    root = Path.cwd()
    with TemporaryDirectory() as temporary:
        project = Path(temporary, "project")
        project.mkdir()
        write_json(project / "config.yaml", workflow["config"])
        for path in root.iterdir():
            if path.name not in ("config.yaml", "results", NOTES):
                (project / path.name).symlink_to(path)
        results = Path(*Path(parts[0]).parts[:2])
        jobs = [job for job in recorded_chain(record).jobs.values() if is_taken(job.rule, stage)]
        receipts = [f"{results}/{FOLDER}/{job.name}.json" for job in jobs]
        for name in filter(os.path.exists, dict.fromkeys([*taken_files(record, stage), *receipts])):
            if not (project / name).exists():  # raw data are there with the folder that they lie in
                (project / name).parent.mkdir(parents=True, exist_ok=True)
                (project / name).symlink_to(root / name)
        if (results / MANIFESTS).is_dir():
            shutil.copytree(results / MANIFESTS, project / results / MANIFESTS)
        allowed = [rule for rule in workflow["rules"] if not is_taken(rule, stage)]
        _snakemake(project, [*parts, "--cores", str(cores), "--allowed-rules", *allowed])
        made = [project / part for part in parts]
        kinds = {name: [path for path in made if path.parent.name == name] for name in ("tables", "figures")}
        others = [path for path in made if path.parent.name not in kinds]
        told = workflow["config"]["paper"]
        form = {name: told[name] for name in Submission.model_fields if name in told}
        submission, out = parse(Submission, form, "paper"), Path(temporary, "paper")
        assemble(root / "paper", kinds["tables"], kinds["figures"], others, out, submission)
        yield Path(temporary, "paper")


def _snakemake(project: Path, options: Sequence[str]) -> None:
    """Run Snakemake in a folder. Raises `PoseliftError` with its complaint."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SNAKEMAKE_")}
    command = [sys.executable, "-m", "snakemake", *options]
    answer = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        print(answer.stdout, answer.stderr, sep="", file=sys.stderr)
        raise PoseliftError(complaint(answer))
