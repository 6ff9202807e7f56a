"""What a command costs: seconds, seconds of computing, memory. Linux only.

Wall time says little on a machine that others use too; computing time (user and system) says more.
"""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Cost:
    """Seconds and MB (10^6 bytes)."""

    wall: float
    cpu: float
    """user and system time of the process and of all that it started and waited for"""
    own_cpu: float
    """of the process alone"""
    peak: float
    """highest resident memory, pages of memory-mapped files included"""
    anonymous: float
    """highest resident memory without files, looked at every 0.02 s"""


def cost(command: Sequence[str], log: Path, folder: Path, environment: Mapping[str, str] = {}) -> Cost:
    """Run a command to its end, its output into `log`. Raises `CalledProcessError` if it fails."""
    start = time.perf_counter()
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | environment, stdout=out, stderr=subprocess.STDOUT
        )
        own = {"cpu": 0.0, "anonymous": 0.0}
        looking = threading.Thread(target=_look, args=(process.pid, own))
        looking.start()
        # not process.wait(), which forgets what the process used
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        looking.join()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, log.read_text()[-2000:])
    return Cost(
        wall, usage.ru_utime + usage.ru_stime, own["cpu"], usage.ru_maxrss * 1.024e-3, own["anonymous"]
    )


def _look(pid: int, own: dict[str, float]) -> None:
    """Note what the process itself has used until it is gone."""
    ticks = os.sysconf("SC_CLK_TCK")
    while True:
        try:
            # the name, in brackets, may hold spaces
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            return
        own["cpu"] = max(own["cpu"], (int(fields[11]) + int(fields[12])) / ticks)
        for line in lines:
            if line.startswith("RssAnon"):
                own["anonymous"] = max(own["anonymous"], int(line.split()[1]) * 1.024e-3)
        time.sleep(POLL_SECONDS)
