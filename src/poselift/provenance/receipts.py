"""The receipt of a job: what it read, with which code, options and installed versions, and what it wrote.

The workflow writes one after each of its jobs, as evidence for later records: an output that is edited
afterwards no longer has the hash of its receipt. Snakemake's own notes on how each file was made are kept
with the results as well.
"""

import inspect
import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from poselift.errors import PoseliftError
from poselift.files import write_json
from poselift.provenance.code_hash import MANIFESTS, keep_manifest
from poselift.provenance.environment import ran_with
from poselift.provenance.hashing import json_hash, sha256

FOLDER = "receipts"
"""Where all receipts lie below `results/<dataset>`, by the names of the logs."""

BEGUN = "begun"
"""Where lies, in the same way, what each job is about to write, from its start until it has a receipt."""

RUN_PARAMETERS = ("input", "output", "params", "wildcards", "threads", "resources", "log", "rule")
"""The first parameters of the functions by which Snakemake runs jobs."""

NOTES = ".snakemake"
"""Folder of Snakemake's notes, in the checkout and in `results`."""


def with_receipt(
    run: Callable[..., None], manifests: Mapping[str, Mapping[str, Any]], outside: Mapping[str, Path]
) -> Callable[..., None]:
    """Snakemake's function that runs the jobs of a rule, followed by their receipts and by the `manifests` of
    their code. Files from `outside`, which a job names by what they hold in its parameter `content`, count as
    its inputs. Raises `PoseliftError` if Snakemake passes other parameters than `RUN_PARAMETERS`."""
    names = tuple(inspect.signature(run).parameters)
    if (taken := names[: len(RUN_PARAMETERS)]) != RUN_PARAMETERS:
        raise PoseliftError(
            f"Snakemake {version('snakemake')} runs jobs with ({', '.join(taken)}, ...), and their receipts "
            f"need ({', '.join(RUN_PARAMETERS)}, ...): install the version in envs/constraints.txt"
        )

    def job(*given: Any) -> None:
        known = dict(zip(names, given, strict=False))
        begun = receipt_path(str(known["log"]), BEGUN)
        write_json(begun, list(map(str, known["output"])))
        run(*given)
        params = dict(known["params"].items())
        held = {str(outside[text]): text.rpartition(":")[2] for text in params.get("content", ())}
        inputs = [*known["input"], *held]
        manifest = manifests.get(params["code"])
        packages = manifest["pins"] if manifest else ()
        environment = ran_with(packages, known.get("conda_env"), known.get("container_img"))
        path = write_receipt(
            str(known["log"]), known["rule"], params, inputs, known["output"], held, environment
        )
        if manifest:
            keep_manifest(Path(*path.parts[:2], MANIFESTS), manifest)
        begun.unlink(missing_ok=True)
        clamp_future_mtimes(map(Path, inputs))

    return job


def left_missing(results: Path) -> list[str]:
    """What jobs that failed or were killed should have written below `results` and is not there.

    Snakemake deletes the outputs of such a job, and does not ask for them again as long as what was made from
    the earlier ones is there: the paper would stay as it was.
    """
    begun = sorted((results / BEGUN).rglob("[!.]*.json"))
    outputs = (path for each in begun for path in json.loads(each.read_text(encoding="utf-8")))
    return [path for path in outputs if not Path(path).exists()]


def receipt_path(log: str, folder: str = FOLDER) -> Path:
    """Where the receipt of the job with this log, `results/<dataset>/**/logs/**.log`, lies."""
    results, dataset, *rest = Path(log).parts
    rest.remove("logs")
    return Path(results, dataset, folder, *rest).with_suffix(".json")


def seal(content: Mapping[str, Any]) -> str:
    """Hash of all of a receipt but its own seal: a flipped byte in the receipt is found as well."""
    return json_hash({key: value for key, value in content.items() if key != "seal"})


def write_receipt(
    log: str,
    rule: str,
    params: Mapping[str, Any],
    inputs: Iterable[str],
    outputs: Iterable[str],
    outside: Mapping[str, str] = MappingProxyType({}),
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Path:
    """Write the receipt of a job that just ended; `params` has its code hash as `code`. `outside` are those
    of its inputs that lie outside of the project, with their sha256, `environment` is what it ran with.
    Returns the receipt's path."""
    given = {name: _text(value) for name, value in params.items()}
    content = {
        "rule": rule,
        "code": given.pop("code"),
        "params": given,
        "environment": dict(environment),
        "inputs": [str(path) for path in inputs],
        "outside": dict(outside),
        "outputs": {
            file.as_posix(): {"sha256": sha256(file), "size": file.stat().st_size} for file in _files(outputs)
        },
        "volatile": {"ended": datetime.now(UTC).isoformat(timespec="seconds"), "host": platform.node()},
    }
    path = receipt_path(log)
    write_json(path, {**content, "seal": seal(content)})
    return path


def clamp_future_mtimes(paths: Iterable[Path]) -> None:
    """Give files whose modification time is in the future the present one, if they may be changed.

    A clock that was put back leaves such files, and Snakemake deletes what is made of them as it is older.
    """
    for path in paths:
        if path.exists() and path.stat().st_mtime > time.time():
            with suppress(OSError):
                os.utime(path)


def link_notes(results: Path, create: bool = False) -> None:
    """Let Snakemake find its notes in `results`/.snakemake, through links in the checkout's `.snakemake`.

    Without its notes, Snakemake would judge results that are copied into another checkout by their times
    alone. `create` makes the folders, too; notes that already lie in `.snakemake` itself stay there.
    """
    for kind in ("metadata", "incomplete"):
        notes, link = results / NOTES / kind, Path(NOTES, kind)
        if create:
            notes.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # a checkout to read only; or a job that starts at the same time was faster
            if link.is_symlink() and not (link.exists() and link.samefile(notes)):
                link.unlink()  # the results were moved or removed
            if not notes.is_dir():
                continue
            if link.is_dir() and not link.is_symlink():
                link.rmdir()  # fails if it has notes
            if not link.exists():
                link.parent.mkdir(exist_ok=True)
                link.symlink_to(os.path.relpath(notes.resolve(), link.parent.resolve()))


def _text(value: Any) -> str:
    """A parameter as the command line has it."""
    if value is None:
        return ""
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _files(paths: Iterable[str]) -> Iterator[Path]:
    """The files meant by `paths`: those inside, where one is a folder."""
    for path in map(Path, paths):
        yield from sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
