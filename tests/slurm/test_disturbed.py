"""Jobs that are disturbed on a real cluster come back, go on where they were, and end in the same bytes."""

import signal
import subprocess
from collections.abc import Iterator

import pytest

from slurm.training import EXPERIMENT, Training


@pytest.fixture
def undisturbed(paper) -> Training:
    return Training(paper)


@pytest.fixture
def training(untrained) -> Training:
    return Training(untrained)


@pytest.fixture
def snakemake(training) -> Iterator[subprocess.Popen[str]]:
    """Snakemake at work on the training; what it says goes to a file."""
    with (training.project.folder / "snakemake.log").open("w") as log:
        process = training.project.start(training.target, changes=EXPERIMENT, stdout=log, stderr=log)
        yield process
        process.kill()
        process.wait()


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
    cluster.wait(lambda: cluster.jobs()[second] == "PENDING", 30)
    cluster.run("scontrol", "update", f"jobid={second}", "StartTime=now")  # SLURM would wait two minutes
    assert snakemake.wait(180) == 0, said(training)
    assert "resuming after epoch" in training.log
    assert cluster.jobs()[second] == "COMPLETED"
    assert_same(training, undisturbed)


def test_over_its_time_limit(cluster, untrained, undisturbed):
    """A minute is the shortest limit; the second attempt has two."""
    untrained.edit(
        "workflow/profiles/slurm/config.yaml", "runtime: dict(xsmall=360", "runtime: dict(pico=1, xsmall=360"
    )
    training = Training(untrained)
    with untrained.start(
        training.target, changes=EXPERIMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        training.hold(epoch=3)
        output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert "TIMEOUT" in output
    assert "resuming after epoch" in training.log
    assert list(cluster.jobs().values())[-2:] == ["TIMEOUT", "COMPLETED"]
    assert_same(training, undisturbed)


@pytest.mark.slow
def test_preempted(cluster, training, undisturbed, snakemake):
    training.hold(epoch=3)
    job = job_of(cluster)
    urgent = cluster.run(
        "sbatch", "--parsable", "--partition=urgent", "--nodes=2", "--exclusive", "--wrap=sleep 5"
    ).strip()
    cluster.wait(lambda: cluster.jobs()[urgent] == "COMPLETED", 60)
    cluster.run("scontrol", "update", f"jobid={job}", "StartTime=now")
    assert snakemake.wait(180) == 0, said(training)
    assert "resuming after epoch" in training.log
    assert cluster.jobs()[job] == "COMPLETED"
    assert_same(training, undisturbed)


@pytest.mark.slow
def test_node_lost(cluster, training, undisturbed, snakemake):
    training.hold(epoch=3)
    job = job_of(cluster)
    node = cluster.run("squeue", "--noheader", f"--jobs={job}", "--format=%N").strip()
    cluster.lose(node)
    cluster.wait(lambda: cluster.jobs()[job] == "PENDING", 60)
    cluster.run("scontrol", "update", f"jobid={job}", "StartTime=now")
    assert snakemake.wait(180) == 0, said(training)
    assert "resuming after epoch" in training.log
    assert_same(training, undisturbed)


def test_interrupt_cancels_all_and_each_has_its_own_gpu(cluster, untrained):
    changes = EXPERIMENT.replace("[baseline]", "[baseline], seeds: [0, 1]")
    trainings = [Training(untrained, f"baseline-pico-s{seed}") for seed in (0, 1)]
    with (untrained.folder / "snakemake.log").open("w") as log:
        snakemake = untrained.start(
            *(training.target for training in trainings), changes=changes, stdout=log, stderr=log
        )
        environments = [training.hold(epoch=2).environ() for training in trainings]
        assert sorted(cluster.jobs().values()).count("RUNNING") == 2
        gpus = {(e["SLURMD_NODENAME"], e["CUDA_VISIBLE_DEVICES"]) for e in environments}
        assert len(gpus) == 2
        snakemake.send_signal(signal.SIGINT)
        assert snakemake.wait(60) != 0
    cluster.wait(lambda: "RUNNING" not in cluster.jobs().values(), 30)
    assert list(cluster.jobs().values()).count("CANCELLED") >= 2
    assert not any(training.weights() for training in trainings)


def test_failing_job_is_tried_again_and_then_named(cluster, untrained):
    untrained.edit(
        "src/poselift/training/train.py",
        "    settings = run_from_options(given)\n",
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
