"""A real SLURM on this machine: two nodes with four pretended GPUs each, in a folder of its own.

`with Cluster(folder) as cluster:` starts it and stops it. It needs root and Debian's packages
(`python tests/slurm/cluster.py` installs them where that is possible), and leaves any installation of the
machine alone: it refuses where a SLURM is configured.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import psutil
from filelock import FileLock, Timeout

sys.path.append(str(Path(__file__).parents[1]))
from debian import can_install, install

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol")
SYSTEM = Path("/etc/slurm")
SKIPPED = 77
NODES = ("node1", "node2")
GPUS_PER_NODE = 4

SLURM_CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=300
KillWait=5
OverTimeLimit=0
InactiveLimit=0
SlurmctldTimeout=30
SlurmdTimeout=60
GresTypes=gpu
DefMemPerCPU=500
PropagateResourceLimits=NONE
{nodes}
PartitionName=gpu Nodes=ALL Default=YES OverSubscribe=NO State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL OverSubscribe=NO State=UP PriorityTier=2
"""
# more than any machine here has: the scheduler takes their word for it (config_overrides)
NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port}"
    " CPUs=64 RealMemory=500000 Gres=gpu:{gpus} State=UNKNOWN"
)


class Cluster:
    """A cluster that runs while the context lasts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = FileLock(Path(tempfile.gettempdir(), "slurm-of-tests.lock"))

    def __enter__(self) -> Self:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise RuntimeError("another test run has its cluster up on this machine") from None
        try:
            self._write()
            self._link()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._unlink()
        self._lock.release()

    def run(self, *command: str) -> str:
        """What a SLURM command prints."""
        answer = subprocess.run(command, capture_output=True, text=True)
        if answer.returncode:
            raise RuntimeError(f"{' '.join(command)}: {answer.stderr}")
        return answer.stdout

    def jobs(self) -> dict[str, str]:
        """The state of each job that the controller remembers, by number, in order."""
        lines = self.run("squeue", "--noheader", "--states=all", "--format=%i %T").splitlines()
        return dict(sorted((line.split() for line in lines), key=lambda job: int(job[0])))

    def lose(self, node: str) -> None:
        """As if the node lost its power: all that runs there is gone at once, and the controller is told."""
        daemon = psutil.Process(int((self.folder / f"run/slurmd-{node}.pid").read_text()))
        there = [daemon, *daemon.children(recursive=True)]
        for process in psutil.process_iter(["environ"]):
            environment = process.info["environ"] or {}
            ours = environment.get("SLURM_CONF") == str(self.folder / "etc/slurm.conf")
            if ours and environment.get("SLURMD_NODENAME") == node:
                there += [process, *(each for each in process.parents() if each.name() == "slurmstepd")]
        for number in (signal.SIGSTOP, signal.SIGKILL):  # held first, so that none reports the others' end
            for process in there:
                _signalled(process.pid, number)
        self.run("scontrol", "update", f"nodename={node}", "state=down", "reason=test")

    def go_on(self, job: str, seconds: float) -> None:
        """Let a job that is put back into the queue start again at once: SLURM would wait two minutes."""
        self.wait(lambda: "Restarts=0" not in self.run("scontrol", "show", "job", job), seconds)
        # where it runs again already, this is refused
        subprocess.run(["scontrol", "update", f"jobid={job}", "StartTime=now"], capture_output=True)

    def cancel_all(self) -> None:
        """End what is still there, and bring back every node."""
        self.run("scancel", "--user=root")
        self.wait(lambda: not set(self.jobs().values()) & {"PENDING", "RUNNING", "COMPLETING"}, 120)
        for node in NODES:
            if not psutil.pid_exists(int((self.folder / f"run/slurmd-{node}.pid").read_text())):
                self.start_node(node)
            self.wait(lambda node=node: self._resumed(node), 60)

    def _resumed(self, node: str) -> bool:
        """Whether the node is idle; if it is not, it is asked to be, which SLURM refuses for some moments."""
        if self.state(node) == "idle":
            return True
        subprocess.run(["scontrol", "update", f"nodename={node}", "state=resume"], capture_output=True)
        return False

    def state(self, node: str) -> str:
        """The state of a node, as `sinfo` calls it."""
        return self.run("sinfo", "--noheader", f"--nodes={node}", "--partition=gpu", "--format=%T").strip()

    def wait(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait until `condition()` holds. Raises `TimeoutError` when it does not in time."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"not within {seconds} s; jobs: {self.jobs()}")
            time.sleep(0.3)

    def _write(self) -> None:
        for name in ("etc", "log", "run", "state", "dev", *(f"spool/{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        key = self.folder / "etc/munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        for gpu in range(GPUS_PER_NODE):
            # slurmd sets CUDA_VISIBLE_DEVICES for devices only, and a link to one will do
            (self.folder / f"dev/gpu{gpu}").symlink_to("/dev/null")
        host, port = socket.gethostname().partition(".")[0], free_port(1 + len(NODES))
        nodes = "\n".join(
            NODE.format(name=name, host=host, port=port + 1 + i, gpus=GPUS_PER_NODE)
            for i, name in enumerate(NODES)
        )
        text = SLURM_CONF.format(host=host, port=port, folder=self.folder, nodes=nodes)
        (self.folder / "etc/slurm.conf").write_text(text)
        devices = f"Name=gpu File={self.folder}/dev/gpu[0-{GPUS_PER_NODE - 1}]\n"
        (self.folder / "etc/gres.conf").write_text(devices)

    def _link(self) -> None:
        """Let the commands find the cluster without SLURM_CONF, which the Snakemake plugin drops."""
        if reason := obstacle():
            raise RuntimeError(reason)
        left_behind = SYSTEM / "slurm.conf"
        if left_behind.exists():  # by tests that were killed: nobody else holds the lock
            Cluster(left_behind.resolve().parents[1]).stop()
        self._made_system = not SYSTEM.exists()
        SYSTEM.mkdir(exist_ok=True)
        for name in ("slurm.conf", "gres.conf"):
            (SYSTEM / name).unlink(missing_ok=True)
            (SYSTEM / name).symlink_to(self.folder / "etc" / name)

    def _unlink(self) -> None:
        for name in ("slurm.conf", "gres.conf"):
            link = SYSTEM / name
            if link.is_symlink() and link.readlink() == self.folder / "etc" / name:
                link.unlink()
        if getattr(self, "_made_system", False):
            SYSTEM.rmdir()

    def _start(self) -> None:
        run = self.folder / "run"
        self.run(
            "munged",
            "--force",
            f"--key-file={self.folder}/etc/munge.key",
            f"--socket={run}/munge.socket",
            f"--pid-file={run}/munged.pid",
            f"--log-file={self.folder}/log/munged.log",
            f"--seed-file={run}/munge.seed",
        )
        configuration = str(self.folder / "etc/slurm.conf")
        self.run("slurmctld", "-f", configuration)
        for node in NODES:
            self.start_node(node)
        self.wait(self._is_up, 60)

    def start_node(self, node: str) -> None:
        """Start the daemon of a node."""
        self.run("slurmd", "-N", node, "-f", str(self.folder / "etc/slurm.conf"))

    def _is_up(self) -> bool:
        answer = subprocess.run(["sinfo", "--noheader", "--format=%T"], capture_output=True, text=True)
        return answer.returncode == 0 and set(answer.stdout.split()) == {"idle"}

    def stop(self) -> None:
        """End all jobs and the daemons."""
        pids = [int(path.read_text()) for path in (self.folder / "run").glob("*.pid")]
        if any(path.name == "slurmctld.pid" for path in (self.folder / "run").glob("*.pid")):
            subprocess.run(["scancel", "--user=root"], capture_output=True)
            time.sleep(1)
        for number in (signal.SIGTERM, signal.SIGKILL):
            pids = [pid for pid in pids if _signalled(pid, number)]
            end = time.monotonic() + 15
            while any(_signalled(pid, 0) for pid in pids) and time.monotonic() < end:
                time.sleep(0.1)


def _signalled(pid: int, number: int) -> bool:
    """Send a signal; whether there was such a process."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def obstacle() -> str | None:
    """Why no cluster of ours may run on this machine, None if it may."""
    for name in ("slurm.conf", "gres.conf"):
        path = SYSTEM / name
        # ours are links into a temporary folder; a dead one was left behind by a killed test
        if path.exists() and not (path.is_symlink() and path.readlink().name == name and _is_ours(path)):
            return f"{path}: this machine has a SLURM of its own, which the tests leave alone"
    if os.getuid() != 0:
        return "a test cluster needs root"
    return None


def _is_ours(path: Path) -> bool:
    return "ClusterName=test\n" in (path.resolve().parent / "slurm.conf").read_text()


def missing() -> list[str]:
    """The programs that are not installed."""
    search = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return [name for name in PROGRAMS if shutil.which(name, path=search) is None]


def free_port(count: int) -> int:
    """The first of `count` consecutive ports that nobody listens on."""
    for first in range(30000, 32700, 10):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise RuntimeError("no free ports")


def main() -> None:
    """Install what the cluster needs, without starting anything; where it may not run, say why and end with
    status `SKIPPED`."""
    reason = obstacle()
    if missing() and not reason:
        if can_install():
            install(PACKAGES)
        else:
            reason = f"{', '.join(missing())} missing, and there is no apt"
    if reason:
        print(f"SKIPPED test-slurm: {reason}")
        sys.exit(SKIPPED)


if __name__ == "__main__":
    main()
