"""A build of the paper while it runs: which jobs run, which phases are done, how long the rest takes.

It is told what Snakemake plans, starts and finishes, and puts that into words. Times are in seconds, those of
events since the epoch.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from poselift.monitoring.run_progress import duration

PHASES = {
    "data": ("synthetic", "raw", "frames", "clips"),
    "training": ("train", "outcome"),
    "search": ("trial", "ranking", "search"),
    "evaluation": ("evaluate", "references", "cost", "shown"),
    "paper": ("provenance", "pdf", "summary", "all"),
}
"""Phases by the first words of the names of their rules."""

OTHER_RULES = "tables and figures"
"""The phase of all rules that no phase names."""


def phase_of(rule: str) -> str:
    """The phase of a rule; `synthetic_mpi_inf_3dhp` belongs where `synthetic` does."""
    word = rule.split("_")[0]
    return next((phase for phase, words in PHASES.items() if word in words), OTHER_RULES)


@dataclass(frozen=True)
class Job:
    """A job that was started."""

    rule: str
    wildcards: Mapping[str, str]
    outputs: Sequence[str]
    started: float

    @property
    def name(self) -> str:
        """A short name: `train full-base-s0`, on a further data set `train mpi_inf_3dhp full-base-s0`."""
        further = {"dataset": self.wildcards.get("dataset", "").partition("/")[2]}
        return " ".join([self.rule, *filter(None, {**self.wildcards, **further}.values())])


class Build:
    """One build: what Snakemake planned, what of it runs, what is done."""

    def __init__(self, planned: Mapping[str, int]) -> None:
        """The numbers of jobs by rule that are `planned` are all that is known beforehand."""
        self.planned = Counter(planned)
        self.total = self.planned.total()
        self.running: dict[int, Job] = {}
        self.finished: Counter[str] = Counter()
        """Numbers of jobs by rule."""
        self.spent: defaultdict[str, float] = defaultdict(float)
        """How long the finished jobs of each rule took, together."""
        self.begun: dict[str, float] = {}
        """When the first job of each phase began."""
        self.best: tuple[float, str, str] | None = None
        """The lowest MPJPE of the trainings on the main data set, its unit, and of which run it is."""

    def start(self, number: int, job: Job) -> None:
        """A job starts; `number` is Snakemake's."""
        self.running[number] = job
        self.begun.setdefault(phase_of(job.rule), job.started)

    def finish(self, number: int, now: float) -> str:
        """A job is done: the line on its phase if that is done as well, else nothing."""
        job = self.running.pop(number)
        self.finished[job.rule] += 1
        self.spent[job.rule] += now - job.started
        self._note_error(job)
        phase = phase_of(job.rule)
        done, planned = (
            sum(count for rule, count in counts.items() if phase_of(rule) == phase)
            for counts in (self.finished, self.planned)
        )
        if done != planned:
            return ""
        line = f"{phase:<20}{done:>4} {'jobs' if done > 1 else 'job '} {duration(now - self.begun[phase]):>8}"
        best = self.best if phase == "training" else None
        return f"{line}   best MPJPE {best[0]:.1f} {best[1]} ({best[2]})" if best else line

    def seconds_left(self, now: float) -> float | None:
        """How long the rest takes; None at the end, and while most jobs are of rules of which none is done.

        A job takes as long as those of its rule took on average, or else those of all rules; as many run side
        by side as so far.
        """
        waiting = self.planned - self.finished
        known = sum(self.planned[rule] for rule in self.finished)
        if not waiting or 2 * known < self.planned.total():
            return None
        means = {rule: self.spent[rule] / count for rule, count in self.finished.items()}
        spent = sum(self.spent.values())
        mean_of_all = spent / self.finished.total()
        ahead = sum(count * means.get(rule, mean_of_all) for rule, count in waiting.items())
        so_far = sum(now - job.started for job in tuple(self.running.values()))
        side_by_side = (spent + so_far) / (now - min(self.begun.values()))
        return max(ahead - so_far, 0) / side_by_side

    def line(self, now: float, width: int) -> str:
        """How far it is, in one line: jobs done, time left, best error, and what runs as far as that fits."""
        parts = [f"{self.finished.total()} of {self.total} jobs"]
        left = self.seconds_left(now)
        if left is not None:
            minutes = max(left / 60, 1)
            parts.append(f"{minutes:.0f} min left" if minutes < 120 else f"{minutes / 60:.0f} h left")
        if self.best:
            error, unit, run = self.best
            parts.append(f"best MPJPE {error:.1f} {unit} ({run.split()[0]})")
        names = [job.name for job in tuple(self.running.values())]
        for shown in range(len(names), -1, -1):
            more = [f"{len(names) - shown} more"] if shown < len(names) else []
            line = ": ".join(filter(None, [", ".join(parts), ", ".join(names[:shown] + more)]))
            if len(line) <= width:
                break
        return line[:width]

    def _note_error(self, job: Job) -> None:
        """Remember the error of a run on the main data set, if that is an output of the job."""
        dataset = job.wildcards.get("dataset", "")
        for path in map(Path, job.outputs):
            if path.name == "metrics.json" and "/" not in dataset:
                summary = json.loads(path.read_text(encoding="utf-8"))["summary"]
                found = (summary["best_mpjpe"], summary["unit"], f"{dataset} {job.wildcards['run']}")
                self.best = min(self.best or found, found)
