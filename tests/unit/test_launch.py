"""What a training asks for, and how its processes are started."""

from types import SimpleNamespace

import pytest

from poselift.machine.launch import RESOURCES, resources_of_run, training_resources


@pytest.mark.parametrize(("processes", "gpus_per_node"), [(1, None), (8, None), (1, 4), (4, 4), (3, 4)])
def test_on_one_node_gpus_are_counted_and_nothing_starts_the_processes(processes, gpus_per_node):
    found = training_resources(processes, gpus_per_node)
    asked = {name: value for name, value in found.items() if value}
    assert asked == {"nodes": 1, "gpu": processes}
    assert found["launcher"] == ""


@pytest.mark.parametrize(
    ("processes", "gpus_per_node", "nodes", "per_node"),
    [(8, 4, 2, 4), (16, 4, 4, 4), (2, 1, 2, 1), (6, 4, 2, 3), (5, 4, 5, 1), (10, 4, 5, 2)],
)
def test_on_several_nodes_srun_starts_as_many_processes_on_each(processes, gpus_per_node, nodes, per_node):
    found = training_resources(processes, gpus_per_node)
    assert (found["nodes"], found["gpu"], found["gres"]) == (nodes, None, f"gpu:{per_node}")
    assert (found["tasks_per_node"], found["mpi"]) == (per_node, "srun")
    assert f" srun --nodes={nodes} --ntasks-per-node={per_node} " in found["launcher"]
    assert found["launcher"].startswith("MASTER_ADDR=")


def test_each_run_has_its_own():
    runs = {
        name: SimpleNamespace(training=SimpleNamespace(processes=processes))
        for name, processes in (("small", 1), ("large", 8))
    }
    resources = resources_of_run(lambda wildcards: runs[wildcards.run], 4)
    assert tuple(resources) == RESOURCES
    assert resources["gpu"](SimpleNamespace(run="small")) == 1
    assert resources["gres"](SimpleNamespace(run="large")) == "gpu:4"
    assert resources["launcher"](SimpleNamespace(run="small")) == ""
