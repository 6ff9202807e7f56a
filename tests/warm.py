"""Snakemake's command line, started from a process that has its imports done: half the time of a dry run.

What Snakemake then reads, the project's code included, is read again each time.
"""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

SERVER = """
import json, os, runpy, sys
import numpy, pydantic, snakemake.cli, snakemake_executor_plugin_slurm

for line in sys.stdin:
    folder, arguments, environment, *outputs = json.loads(line)
    if child := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for stream, path in enumerate(outputs, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    # as of `python -m snakemake`
    sys.path[0:1] = [folder, *environment["PYTHONPATH"].split(os.pathsep)]
    sys.argv[1:] = arguments
    runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
"""


@cache
def _server() -> subprocess.Popen[str]:
    """The process that has Snakemake imported; it ends when this one's end of its input does."""
    return subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def snakemake(
    folder: Path, arguments: list[str], environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in `folder` to its end; the environment has a PYTHONPATH."""
    server = _server()
    assert server.stdin
    assert server.stdout
    with TemporaryDirectory() as scratch:
        outputs = [Path(scratch, name) for name in ("stdout", "stderr")]
        order = json.dumps([str(folder), arguments, environment, *map(str, outputs)])
        print(order, file=server.stdin, flush=True)
        status = int(server.stdout.readline())
        return subprocess.CompletedProcess(arguments, status, *(output.read_text() for output in outputs))
