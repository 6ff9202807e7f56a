"""Jobs that are disturbed on a real cluster come back, go on where they were, and end in the same bytes."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from project import Project
from slurm.training import EXPERIMENT, Training

PATIENCE = 600
"""Seconds after which something is taken to hang; what is waited for takes a fraction on an idle machine."""


@pytest.fixture
def undisturbed(paper) -> Training:
    return Training(paper)


@pytest.fixture
def training(untrained) -> Training:
    return Training(untrained)


@contextmanager
def at_work(project: Project, log: Path, *targets: str, changes: str) -> Iterator[subprocess.Popen[str]]:
    """Snakemake at work; what it says goes to `log`."""
    with log.open("w") as file:
        process = project.start(
            *targets, changes=changes, stdout=file, stderr=file,
            # in the background of a shell, all ignore Ctrl-C
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def snakemake(training) -> Iterator[subprocess.Popen[str]]:
    """Snakemake at work on the training."""
    project = training.project
    with at_work(project, project.folder / "snakemake.log", training.target, changes=EXPERIMENT) as process:
        yield process


def said(training: Training) -> str:
    """What Snakemake has said."""
    return (training.project.folder / "snakemake.log").read_text()


def job_of(cluster, state: str = "RUNNING") -> str:
    """The one job that is in this state."""
    (job,) = (job for job, found in cluster.jobs().items() if found == state)
    return job


def assert_same(training: Training, undisturbed: Training) -> None:
    assert len(training.weights()) == 2
    assert training.weights() == undisturbed.weights()
    assert training.history() == undisturbed.history()


def test_cancelled_then_requeued(cluster, training, undisturbed, snakemake):
    training.hold(epoch=3)
    first = job_of(cluster)
    cluster.run("scancel", first)
    training.hold(epoch=6)
    assert "resuming after epoch" in training.log
    second = job_of(cluster)
    assert second != first
    cluster.run("scontrol", "requeue", second)
    cluster.go_on(second, PATIENCE)
    assert snakemake.wait(PATIENCE) == 0, said(training)
    assert "resuming after epoch" in training.log
    assert cluster.jobs()[second] == "COMPLETED"
    assert_same(training, undisturbed)


def test_over_its_time_limit(cluster, training, undisturbed, snakemake):
    """The limit is lowered while the training is held: a short one might be too short for a slow machine."""
    training.hold(epoch=3)
    first = job_of(cluster)
    cluster.run("scontrol", "update", f"jobid={first}", "TimeLimit=1")
    cluster.wait(lambda: cluster.jobs()[first] == "TIMEOUT", PATIENCE)
    held = training.hold(epoch=6)
    second = job_of(cluster)
    limit = cluster.run("squeue", "--noheader", f"--jobs={second}", "--format=%l").strip()
    assert limit == "4-00:00:00"  # twice the first attempt's
    held.resume()
    assert snakemake.wait(PATIENCE) == 0, said(training)
    assert "resuming after epoch" in training.log
    assert_same(training, undisturbed)


@pytest.mark.slow
def test_preempted(cluster, training, undisturbed, snakemake):
    training.hold(epoch=3)
    job = job_of(cluster)
    urgent = cluster.run(
        "sbatch", "--parsable", "--partition=urgent", "--nodes=2", "--exclusive", "--wrap=sleep 5"
    ).strip()
    cluster.wait(lambda: cluster.jobs()[urgent] == "COMPLETED", PATIENCE)
    cluster.go_on(job, PATIENCE)
    assert snakemake.wait(PATIENCE) == 0, said(training)
    assert "resuming after epoch" in training.log
    assert cluster.jobs()[job] == "COMPLETED"
    assert_same(training, undisturbed)


@pytest.mark.slow
def test_node_lost(cluster, training, undisturbed, snakemake):
    training.hold(epoch=3)
    job = job_of(cluster)
    node = cluster.run("squeue", "--noheader", f"--jobs={job}", "--format=%N").strip()
    cluster.lose(node)
    cluster.go_on(job, PATIENCE)
    assert snakemake.wait(PATIENCE) == 0, said(training)
    assert "resuming after epoch" in training.log
    assert_same(training, undisturbed)


def test_interrupt_cancels_all_and_each_has_its_own_gpu(cluster, untrained):
    changes = EXPERIMENT.replace("[baseline]", "[baseline], seeds: [0, 1]")
    trainings = [Training(untrained, f"baseline-pico-s{seed}") for seed in (0, 1)]
    log = untrained.folder / "snakemake.log"
    with at_work(untrained, log, *(training.target for training in trainings), changes=changes) as snakemake:
        environments = [training.hold(epoch=2).environ() for training in trainings]
        assert sorted(cluster.jobs().values()).count("RUNNING") == 2
        gpus = {(e["SLURMD_NODENAME"], e["CUDA_VISIBLE_DEVICES"]) for e in environments}
        assert len(gpus) == 2
        snakemake.send_signal(signal.SIGINT)
        assert snakemake.wait(PATIENCE) != 0
    cluster.wait(lambda: "RUNNING" not in cluster.jobs().values(), PATIENCE)
    assert list(cluster.jobs().values()).count("CANCELLED") >= 2
    assert not any(training.weights() for training in trainings)


def test_failing_job_is_tried_again_and_then_named(cluster, untrained):
    untrained.edit(
        "src/poselift/training/train.py",
        "    settings, execution = settings_from_options(given, names)\n",
        "    raise OSError('no luck')\n",
    )
    training = Training(untrained)
    answer = untrained.snakemake(training.target, "--retries", "1", changes=EXPERIMENT)
    assert answer.returncode != 0
    text = answer.stdout + answer.stderr
    assert text.count("has been submitted with SLURM jobid") == 2
    assert "Error in rule train" in text
    assert f"results/tiny/logs/train/{training.run}.log" in text
    assert "no luck" in training.log
    assert list(cluster.jobs().values())[-2:] == ["FAILED", "FAILED"]
    assert not training.weights()
