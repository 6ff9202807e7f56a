"""Whose limit of jobs per second is kept."""

from types import SimpleNamespace

import pytest
from snakemake.cli import get_argument_parser
from snakemake.scheduling.job_scheduler import JobRateLimiter

from poselift.machine.scheduler import take_usual_limit_away


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ([], False),
        (["--max-jobs-per-timespan", "99/1s"], True),
        (["--max-jobs-per-timespan", "100/1m"], True),
    ],
)
def test_the_limit_that_nobody_set_is_taken_away(options, kept):
    given = get_argument_parser().parse_args(options).max_jobs_per_timespan
    scheduler = SimpleNamespace(job_rate_limiter=JobRateLimiter(given))
    take_usual_limit_away(scheduler)
    assert (scheduler.job_rate_limiter is not None) is kept


def test_a_dry_run_has_no_limit():
    scheduler = SimpleNamespace(job_rate_limiter=None)
    take_usual_limit_away(scheduler)
    assert scheduler.job_rate_limiter is None
