"""What Snakemake's scheduler costs while trainings run."""

from typing import Any

USUAL_LIMIT = (100, 1)
"""Jobs, and seconds in which no more than these may start, where the user sets nothing."""


def take_usual_limit_away(scheduler: Any) -> None:
    """Let Snakemake's scheduler start jobs without `USUAL_LIMIT`, which no build of a paper reaches.

    For a limit it looks at all waiting jobs again after the limit's time, and again whenever a job ends; each
    look asks for another. So with every job that has ended, jobs are looked at once more per second, until
    that takes a whole core.
    """
    limiter = scheduler.job_rate_limiter
    if limiter and (limiter.max_jobs, limiter.timespan) == USUAL_LIMIT:
        scheduler.job_rate_limiter = None
