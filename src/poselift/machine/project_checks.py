"""Checks of the project: configuration, input files, disk space, write access."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from poselift.errors import one_line
from poselift.machine.machine_checks import Check

ESTIMATE = Path("plan", "estimate.json")
"""What `poselift plan` has last estimated, below `results/<dataset>`."""


def configuration(configs: list[Path]) -> tuple[Any, Check]:
    """The settings, None if they are not valid, and the check's line."""
    names = ", ".join(map(str, configs))
    try:
        from poselift.config.files import read_configuration

        settings = read_configuration(configs).in_experiment()
    except Exception as error:  # a fault of the file's, or a package that is missing
        return None, Check("config", "missing", one_line(error, limit=500), "the other checks need it")
    found = f"{names}: data set {settings.dataset}, {len(settings.all_runs())} runs"
    return settings, Check("config", "ok", found)


def raw_files(settings: Any, results: Path) -> Iterator[Check]:
    """The files of all data sets; of the main one the hash, compared with the expected one."""
    from poselift.provenance.hashing import file_hash

    files = list(settings.data.files().values())
    if not files:
        yield Check("raw data", "ok", "synthetic motion, which the workflow makes")
    elif files[0].is_file():
        size = f"{files[0]}: {files[0].stat().st_size / 1e9:.2f} GB"
        expected = settings.data.sha256
        try:
            digest = file_hash(Path(), str(files[0]), results)
        except OSError as error:
            yield Check("raw data", "warning", f"{size}, not hashed: {one_line(error)}")
        else:
            found = f"{size}, sha256 {digest[:12]}…"
            if expected in (None, digest):
                fits = "as expected" if expected else "no other is expected"
                yield Check("raw data", "ok", f"{found} ({fits})")
            else:
                advice = "another file than the published results were computed on: copy it again, or "
                advice += "change data.sha256"
                yield Check("raw data", "warning", f"{found}, expected {expected[:12]}…", advice)
    files += [path for data in settings.further_data.values() for path in data.files().values()]
    for path in files:
        if not path.is_file():
            yield Check("raw data", "missing", f"{path}: no such file", "put it there, or change the config")


def clips(settings: Any, results: Path) -> Iterator[Check]:
    """The numbers of clips, compared with the expected ones."""
    expected = settings.data.expected_clips or {}
    manifest = results / "data" / f"clips-{settings.n_frames}" / "manifest.json"
    wanted = _counts(expected) if expected else "any number"
    if not manifest.exists():
        yield Check("clips", "ok", f"not built yet ({wanted} expected)")
        return
    built = json.loads(manifest.read_text(encoding="utf-8"))["clips"]
    if any(built[split] != count for split, count in expected.items()):
        yield Check(
            "clips", "missing", f"{_counts(built)}, expected {wanted}",
            f"delete {manifest.parent}, see that data.raw is the right file, and run again",
        )  # fmt: skip
    else:
        yield Check("clips", "ok", f"{_counts(built)} of {settings.n_frames} frames ({wanted} expected)")


def _counts(clips: dict[str, int]) -> str:
    return ", ".join(f"{clips[split]:,} {split}" for split in ("train", "test") if split in clips)


def time(settings: Any, results: Path) -> Iterator[Check]:
    """What the trainings take, as `poselift plan` has last estimated it."""
    estimate = results / ESTIMATE
    last = json.loads(estimate.read_text(encoding="utf-8")) if estimate.exists() else {}
    if "memory_gb" in last:  # earlier versions did not say
        found = (
            f"about {last['gpu_hours']:.1f} GPU-hours on {last['gpu']} in all, a training at most "
            f"{last['memory_gb']:.0f} GB of its {last['of_gb']:.0f} GB, by the last `poselift plan`"
        )
    else:
        found = f"{len(settings.all_runs())} trainings; `poselift plan` estimates GPU-hours and memory"
    yield Check("time", "ok", found)


def disk(settings: Any, results: Path) -> Iterator[Check]:
    """Free disk space, compared with a rough upper estimate of what the experiment needs."""
    # the store holds float32 as the raw file does; every run two files of weights; the run that trains
    # its states: model, best model and the optimiser's two moments each, and one more while it is written
    raw = next(iter(settings.data.files().values()), None)
    store = raw.stat().st_size if raw and raw.is_file() else 10**9 if raw else 10**8
    runs = settings.all_runs().values()
    weights = [4 * 80 * run.depth * run.dim**2 for run in runs]
    states = max(weights) * 4 * (settings.execution.keep + 1) * 8  # eight runs at a time
    needed = int(1.2 * store) + 2 * sum(weights) + states + 10**9
    needed = max(needed - sum(path.stat().st_size for path in results.rglob("*") if path.is_file()), 10**9)
    free = shutil.disk_usage(_existing(results)).free
    found = f"about {needed / 1e9:.1f} GB still needed below {results}, {free / 1e9:.1f} GB free"
    advice = "free some space, or make results a link to a larger disk"
    yield Check("disk", "ok", found) if free > needed else Check("disk", "missing", found, advice)


def commit() -> Iterator[Check]:
    """Whether records can name the commit that made something."""
    from poselift.provenance import record

    if found := record.commit():
        yield Check("commit", "ok", found)
    else:
        advice = "clone the project with git to have one; hashes of the code are recorded all the same"
        yield Check("commit", "warning", "no git repository tracks this code: records name none", advice)


def write_access(results: Path) -> Iterator[Check]:
    """Whether files can be created, by trying: file modes do not tell of read-only mounts."""
    for folder in {Path(), _existing(results)}:
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            advice = "become its owner, or make it a link to a folder of yours"
            yield Check("writing", "missing", f"{folder.resolve()}: {error.strerror}", advice)
            return
    yield Check("writing", "ok", f"allowed here and in {_existing(results)}")


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return folder if folder.is_dir() else _existing(folder.parent)
