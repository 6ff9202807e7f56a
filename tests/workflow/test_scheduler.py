"""Snakemake looks at the jobs that wait when one ends, and not again and again meanwhile."""

ARCHITECTURES = ("baseline", "mamba_gcn", "full")


def test_waiting_jobs_are_looked_at_once_for_each_that_ends(project):
    project.machine = ("--cores", "1")
    wanted = (f"results/tiny/cost/{architecture}-pico.csv" for architecture in ARCHITECTURES)
    answer = project.snakemake("--verbose", *wanted)
    assert answer.returncode == 0, answer.stderr
    assert (answer.stdout + answer.stderr).count("Ready jobs: ") == len(ARCHITECTURES)
