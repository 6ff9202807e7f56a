"""Where the processes of a training run: the resources of its job, and the command that starts them."""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from poselift.config.run import RunSettings

RESOURCES = ("nodes", "gpu", "gres", "tasks_per_node", "mpi", "launcher")


def put_own_python_first() -> None:
    """Let the commands of jobs run the Python that runs this program, be its environment activated or not."""
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def training_resources(processes: int, gpus_per_node: int | None) -> dict[str, Any]:
    """Resources of a training with a GPU for each of its processes, as Snakemake and its SLURM plugin name
    them, and `launcher`, the words before the command. None asks for nothing.

    On one node the first process starts the others; on several, srun: the fewest on which equally many run.
    """
    fewest = -(-processes // (gpus_per_node or processes))
    nodes = next(count for count in range(fewest, processes + 1) if processes % count == 0)
    per_node = processes // nodes
    values: tuple[Any, ...] = (1, processes, None, None, None, "")
    if nodes > 1:
        address = "MASTER_ADDR=$(hostname) MASTER_PORT=$((10000 + SLURM_JOB_ID % 20000))"
        launcher = f"{address} srun --nodes={nodes} --ntasks-per-node={per_node} --cpu-bind=none"
        values = (nodes, None, f"gpu:{per_node}", per_node, "srun", launcher)
    return dict(zip(RESOURCES, values, strict=True))


def resources_of_run(
    settings_of: Callable[[Any], RunSettings], gpus_per_node: int | None
) -> dict[str, Callable[[Any], Any]]:
    """As `training_resources`, each a function of a rule's wildcards; `settings_of` gives their run."""

    def value(name: str, wildcards: Any) -> Any:
        return training_resources(settings_of(wildcards).training.processes, gpus_per_node)[name]

    return {name: partial(value, name) for name in RESOURCES}
