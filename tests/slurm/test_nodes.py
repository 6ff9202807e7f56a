"""A run whose processes are spread over nodes: gloo between CPUs, beside the pretended GPUs."""

import shutil

import pytest

from slurm.training import EXPERIMENT, Training

CHANGES = EXPERIMENT.replace("{epochs: 12}", "{epochs: 1, processes: 4}")


def trained(cluster, project, gpus_per_node: int) -> tuple[str, dict[str, bytes]]:
    """The nodes that a run of four processes took, and its weights."""
    profile = project.folder / "workflow/profiles/slurm/config.yaml"
    text = profile.read_text()
    assert "{gpus_per_node: 4}" in text
    profile.write_text(text.replace("{gpus_per_node: 4}", f"{{gpus_per_node: {gpus_per_node}}}"))
    training = Training(project)
    answer = project.snakemake(training.target, "--retries", "0", changes=CHANGES)
    profile.write_text(text)
    assert answer.returncode == 0, answer.stderr + training.log
    job = max(cluster.jobs(), key=int)
    nodes = cluster.run("squeue", "--noheader", "--states=all", f"--jobs={job}", "--format=%N").strip()
    return nodes, training.weights()


def test_two_nodes(cluster, untrained):
    nodes, weights = trained(cluster, untrained, gpus_per_node=2)
    assert nodes == "node[1-2]"
    assert len(weights) == 2


@pytest.mark.slow
def test_where_the_processes_run_does_not_matter(cluster, untrained):
    two, spread = trained(cluster, untrained, gpus_per_node=2)
    for folder in ("runs", "finished"):
        shutil.rmtree(untrained.folder / "results/tiny" / folder)
    one, together = trained(cluster, untrained, gpus_per_node=4)
    assert (two, one) == ("node[1-2]", "node1")
    assert len(spread) == 2
    assert spread == together
