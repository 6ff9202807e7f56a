"""What is stale, for what cause, and what rebuilding it costs.

Snakemake says which jobs it would run and which parameters changed; the receipts and the kept code say what
that means: which module, which version, which option, which file. Costs are those that the jobs' benchmarks
recorded when they last ran, or the mean of the same rule's where a job never ran.
"""

import argparse
import csv
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from poselift.errors import PoseliftError, run
from poselift.provenance import kept_code
from poselift.provenance.chain import Chain, Job, read_chain
from poselift.provenance.code_hash import code_manifest, read_pins
from poselift.provenance.dry_run import Planned, dry_run

PINS = Path("envs/constraints.txt")
WITHOUT_NAME = "parameter"
"""What a word that follows no option belongs to."""

CONTENT = re.compile(r"(?P<name>.+)@sha256:[0-9a-f]{64}")
"""A parameter that says what a file from outside holds."""

SHOWN = 4
"""Names that are listed of many."""


@dataclass(frozen=True)
class Cost:
    """What running some jobs takes, in seconds; `unknown` jobs are of rules that never ran."""

    gpu: float
    cpu: float
    estimated: int
    unknown: int


def causes(job: Planned, last: Job | None, results: Path, pins: dict[str, str]) -> Iterator[str]:
    """Why a job is stale by itself, in words; nothing if it only follows other jobs. `last` is how it last
    ran, if it did."""
    reasons = job.reasons
    for path in reasons.get("missing", ()):
        yield f"{_short(path)} is missing" if last else "never built"
        break
    if "incomplete" in reasons:
        yield "its last build was interrupted"
    if job.before or job.now:
        yield from _changed_params(job, last, results, pins)
    for path in reasons.get("updated", ()):
        yield f"{_short(path)} changed"
    if "inputs" in reasons:
        yield _changed_inputs(job, last)
    if "command" in reasons:
        yield "the command of its rule changed"
    if "environment" in reasons:
        yield "the description of its environment changed"
    if "forced" in reasons:
        yield "asked for by force"


def _changed_params(job: Planned, last: Job | None, results: Path, pins: dict[str, str]) -> Iterator[str]:
    before, now = list(job.before), list(job.now)
    if last and last.code in before:
        before.remove(last.code)
        code = next((each for each in now if len(each) == len(last.code) and " " not in each), None)
        if code:
            now.remove(code)
        manifest = kept_code.kept(results / kept_code.FOLDER, last.code)
        if manifest is None:
            yield "its code changed (in which module is not known)"
        else:
            yield from _changed_code(manifest, pins)
    for found in filter(None, map(CONTENT.fullmatch, now)):
        yield f"content of {found['name']} changed"
    before, now = ([text for text in texts if not CONTENT.fullmatch(text)] for texts in (before, now))
    for name, change in _changed_options(before, now):
        # folders that are read are told as changed inputs
        if name != WITHOUT_NAME or "inputs" not in job.reasons:
            yield f"{name} {change}"


def _changed_code(before: dict[str, Any], pins: dict[str, str]) -> Iterator[str]:
    try:
        names = kept_code.differences(before, code_manifest(*before["entries"], pins=pins))
    except ModuleNotFoundError:
        names = ["other modules"]
    modules = [name for name in names if " -> " not in name]
    if modules:
        yield f"code of {_listed(modules)} changed"
    for package in sorted(set(names) - set(modules)):
        yield f"version of {package}"


def _changed_options(before: Iterable[str], now: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Options of a command line that differ, as (`--decimals`, `1 -> 2`)."""
    old, new = _options(before), _options(now)
    for name in [*old, *(name for name in new if name not in old)]:
        if old.get(name) != new.get(name):
            yield name, f"{old.get(name, 'not set')} -> {new.get(name, 'not set')}"


def _options(texts: Iterable[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for text in texts:
        name = WITHOUT_NAME
        for word in shlex.split(text):
            if word.startswith("--"):
                name = word
                found.setdefault(name, [])
            else:
                found.setdefault(name, []).append(word)
    return {name: " ".join(words) or "set" for name, words in found.items()}


def _changed_inputs(job: Planned, last: Job | None) -> str:
    if last is None:
        return "reads other files than before"
    more = sorted(set(job.inputs) - set(last.inputs))
    fewer = sorted(set(last.inputs) - set(job.inputs))
    words = [f"also reads {_listed(map(_short, more))}"] if more else []
    words += [f"no longer reads {_listed(map(_short, fewer))}"] if fewer else []
    return " and ".join(words) or "reads other files than before"


def _short(path: str) -> str:
    """A path below `results/<dataset>`."""
    parts = PurePosixPath(path).parts
    return "/".join(parts[2:] if parts[:1] == ("results",) and len(parts) > 2 else parts)


def _label(job: Planned) -> str:
    """What a job makes: the run, or its first file."""
    first = _short(job.outputs[0])
    return str(PurePosixPath(first).parent) if "runs/" in first else first


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def cost(jobs: Iterable[Planned]) -> Cost:
    """What the jobs take, by the benchmarks of their last runs."""
    gpu = cpu = 0.0
    estimated = unknown = 0
    for job in jobs:
        seconds = _seconds(Path(job.benchmark))
        if seconds is None:
            seconds = _estimate(Path(job.benchmark))
            estimated += seconds is not None
            unknown += seconds is None
        gpu += (seconds or 0) * job.gpus
        cpu += (seconds or 0) * (job.gpus == 0)
    return Cost(gpu, cpu, estimated, unknown)


def _estimate(benchmark: Path) -> float | None:
    """The mean of the benchmarks of the same model with other seeds, or else of all that lie there."""
    model = benchmark.stem.rpartition("-s")[0]
    same = list(benchmark.parent.glob(f"{model}-s*.tsv")) if model else []
    known = [seconds for path in same or benchmark.parent.glob("*.tsv") if (seconds := _seconds(path))]
    return sum(known) / len(known) if known else None


def _seconds(path: Path) -> float | None:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [float(row["s"]) for row in csv.DictReader(file, delimiter="\t")]
    except (OSError, KeyError, ValueError):
        return None
    return sum(rows) / len(rows) if rows else None


def explain(jobs: list[Planned], results: Path, pins: dict[str, str]) -> Iterator[str]:
    """The lines of the answer: causes with what they touch, the costliest first; what follows; the cost."""
    if not jobs:
        yield "nothing is stale"
        return
    try:
        chain = read_chain(results)
    except PoseliftError:
        chain = Chain({})
    by_cause: dict[tuple[str, tuple[str, ...]], list[Planned]] = {}
    following: dict[str, int] = {}
    for job in jobs:
        last = chain.makers.get(job.outputs[0])
        if found := tuple(causes(job, last, results, pins)):
            by_cause.setdefault((job.rule, found), []).append(job)
        else:
            following[job.rule] = following.get(job.rule, 0) + 1
    stale = [(sorted(map(_label, those)), found, cost(those).gpu) for (_, found), those in by_cause.items()]
    for names, found, _ in sorted(stale, key=lambda one: (-one[2], one[0])):
        yield f"{_listed(names)}: {'; '.join(found)}"
    if following:
        counted = (f"{rule} ({count})" if count > 1 else rule for rule, count in following.items())
        yield f"and what depends on that: {', '.join(counted)}"
    yield in_words(cost(jobs), len(jobs))


def in_words(found: Cost, n_jobs: int) -> str:
    """The cost in a sentence."""
    parts = [f"{found.gpu / 3600:.1f} GPU-hours"] if found.gpu else []
    hours = found.cpu >= 3600
    parts.append(f"{found.cpu / 3600:.1f} hours" if hours else f"{found.cpu:.0f} s")
    parts[-1] += " without a GPU"
    notes = [f"{found.estimated} estimated from others"] if found.estimated else []
    notes += [f"{found.unknown} not known"] if found.unknown else []
    jobs = f"{n_jobs} job{'' if n_jobs == 1 else 's'}"
    return f"rebuilding: {jobs}, {', '.join(parts)}" + (f" ({'; '.join(notes)})" if notes else "")


def main(argv: list[str] | None = None) -> None:
    """Say what is stale, for what cause, and what rebuilding takes; further options go to snakemake."""
    parser = argparse.ArgumentParser(
        prog="poselift why",
        description=main.__doc__,
        epilog="e.g. poselift why --profile workflow/profiles/demo",
    )
    _, options = parser.parse_known_args(argv)
    jobs = dry_run(options)
    results = Path(*PurePosixPath(jobs[0].outputs[0]).parts[:2]) if jobs else Path("results")
    print("\n".join(explain(jobs, results, read_pins(PINS))))


if __name__ == "__main__":
    run(main)
