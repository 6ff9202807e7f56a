"""Devices by name, and slots that no two processes hold at once. The devices are faked: only names count."""

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from poselift.errors import PoseliftError
from poselift.machine import gpu_slots
from poselift.machine.devices import reserved_device, reserved_devices
from poselift.machine.gpu_slots import held_slots

# Children are forked from a process without torch: thirty of them cost little.
SCRIPT = """
import json, logging, os, pathlib, random, signal, sys, time
from poselift.machine import gpu_slots
from poselift.machine.gpu_slots import held_slots

gpu_slots.POLL_SECONDS = gpu_slots.TURN_SECONDS = 0.005
gpu_slots.FOLDER = pathlib.Path(os.environ["SLOTS"])
out = os.dup(1)

def tell(**what):
    os.write(out, (json.dumps(what) + "\\n").encode())

def fork(work):
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return pid
"""

CROWD = (
    SCRIPT
    + """
size, jobs = int(sys.argv[1]), 30
pool = [str(i) for i in range(size)]

def job(number):
    def work():
        rng = random.Random(100 * size + number)
        count = rng.randint(1, size)
        time.sleep(rng.random() * 0.02)
        with held_slots(pool, count) as slots:
            start = time.monotonic_ns()
            time.sleep(rng.random() * 0.01)
            end = time.monotonic_ns()
        tell(job=number, count=count, slots=slots, start=start, end=end)
    return work

children = [fork(job(number)) for number in range(jobs)]
assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
"""
)

CROWDED_OUT = (
    SCRIPT
    + """
pool = ["0", "1", "2", "3"]

def small(parent=os.getpid()):
    while os.getppid() == parent:
        with held_slots(pool, 1):
            time.sleep(0.002)

children = [fork(small) for _ in range(6)]
time.sleep(0.05)
with held_slots(pool, 4) as slots:
    tell(slots=slots)
for pid in children:
    os.kill(pid, signal.SIGKILL)
"""
)

HOLD = (
    SCRIPT
    + """
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
with held_slots(sys.argv[1].split(","), int(sys.argv[2])) as slots:
    tell(slots=slots)
    sys.stdin.read()
"""
)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Lock files of this test alone."""
    monkeypatch.setenv("SLOTS", str(tmp_path / "slots"))
    monkeypatch.setattr(gpu_slots, "FOLDER", tmp_path / "slots")
    monkeypatch.setattr(gpu_slots, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(gpu_slots, "TURN_SECONDS", 0.01)


def told(script: str, *arguments: str) -> list[dict[str, Any]]:
    """What the processes of a script tell; it must end, in a minute at the very most."""
    answer = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60
    )
    assert answer.returncode == 0, answer.stderr
    return [json.loads(line) for line in answer.stdout.splitlines()]


class Holder:
    """A process that asks for slots of the pool and holds them until it is told to end or killed."""

    def __init__(self, pool: str, count: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, pool, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def slots(self) -> list[int]:
        return list(json.loads(self.line())["slots"])

    def end(self) -> None:
        self.process.communicate()


@pytest.fixture
def holder():
    holders = []

    def start(pool: str, count: int) -> Holder:
        holders.append(Holder(pool, count))
        return holders[-1]

    yield start
    for each in holders:
        each.process.kill()
        each.process.communicate()


@pytest.mark.parametrize("size", range(1, 9))
def test_thirty_jobs_share_a_pool_without_overlap_or_deadlock(size):
    jobs = told(CROWD, str(size))
    assert {job["job"] for job in jobs} == set(range(30))
    held: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for job in jobs:
        assert len(set(job["slots"])) == job["count"]
        assert set(job["slots"]) <= set(range(size))
        for slot in job["slots"]:
            held[slot].append((job["start"], job["end"]))
    for intervals in held.values():
        ends_and_next_starts = zip(sorted(intervals), sorted(intervals)[1:], strict=False)
        assert all(first[1] <= second[0] for first, second in ends_and_next_starts)


def test_a_big_request_is_served_although_small_ones_keep_coming():
    assert told(CROWDED_OUT) == [{"slots": [0, 1, 2, 3]}]


def test_requests_are_served_in_turn(holder):
    first = holder("4,7", 1)
    assert first.slots() == [0]
    big = holder("4,7", 2)
    assert big.line() == "waiting for 2 free GPUs of this machine"
    small = holder("4,7", 1)  # device 7 would do, but the big one was there before
    assert small.line() == "waiting for 1 free GPU of this machine"
    first.end()
    assert big.slots() == [0, 1]
    big.end()
    assert small.slots() in ([0], [1])  # whichever is free first


def test_a_killed_process_frees_its_devices(holder):
    first = holder("4,7", 2)
    assert first.slots() == [0, 1]
    second = holder("4,7", 2)
    assert second.line().startswith("waiting")
    first.process.kill()
    assert second.slots() == [0, 1]


def test_killed_while_it_waits_gives_up_its_turn(holder):
    first = holder("4,7", 1)
    assert first.slots() == [0]
    big = holder("4,7", 2)
    assert big.line().startswith("waiting")
    big.process.kill()
    assert holder("4,7", 1).slots() == [1]


def test_other_devices_are_not_waited_for(holder):
    first = holder("4", 1)
    assert first.slots() == [0]
    assert holder("4,7", 2).line().startswith("waiting")
    assert holder("5,6", 2).slots() == [0, 1]


def test_too_small_a_pool_is_refused():
    with (
        pytest.raises(PoseliftError, match=r"^3 GPUs are requested, but this machine has 2; "),
        held_slots("47", 3),
    ):
        pass


def test_named_devices():
    with reserved_device("cpu") as device:
        assert device == torch.device("cpu")
    with reserved_devices("cpu", 3) as devices:
        assert devices == [torch.device("cpu")] * 3
    for name in ("gpu0", "cuda:99"):
        with pytest.raises(PoseliftError, match=f"device '{name}'"), reserved_device(name):
            pass
    with pytest.raises(PoseliftError, match="2 devices are requested, but 'cuda:1' is one"):
        reserved_devices("cuda:1", 2).__enter__()


def test_auto_is_the_cpu_on_a_machine_without(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with reserved_devices("auto", 2) as devices:
        assert devices == [torch.device("cpu")] * 2
    with pytest.raises(PoseliftError, match=r"device 'cuda': .* finds no GPU"):
        reserved_device("cuda").__enter__()


@pytest.fixture
def four_gpus(monkeypatch):
    """What torch says on a machine of four GPUs."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    properties = SimpleNamespace  # of which only the uuid is asked for
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda i: properties(uuid=f"uuid-{i}"))
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.usefixtures("four_gpus")
def test_gpus_that_no_other_job_holds(holder):
    assert holder("uuid-1", 1).slots() == [0]
    with reserved_devices("auto", 2) as devices:
        assert devices == [torch.device("cuda", 0), torch.device("cuda", 2)]
        with reserved_device("cuda") as device:
            assert device == torch.device("cuda", 3)


@pytest.mark.usefixtures("four_gpus")
@pytest.mark.parametrize(
    ("variables", "origin"),
    [
        ({}, "this machine has 4"),
        ({"CUDA_VISIBLE_DEVICES": "0,1,2,3"}, r"this machine \(CUDA_VISIBLE_DEVICES=0,1,2,3\) has 4"),
        ({"SLURM_JOB_ID": "17"}, "SLURM job 17 has 4"),
    ],
)
def test_too_few_gpus_say_where_they_come_from(monkeypatch, variables, origin):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(PoseliftError, match=f"5 GPUs are requested, but {origin}"):
        reserved_devices("auto", 5).__enter__()


def test_no_temporary_folder_moves_the_locks(holder, monkeypatch, tmp_path):
    assert holder("4", 1).slots() == [0]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "elsewhere"))
    assert holder("4", 1).line().startswith("waiting")


def test_nobody_else_may_enter_the_folder_of_the_locks(tmp_path):
    folder = tmp_path / "slots"
    folder.mkdir(mode=0o777)
    with held_slots(["4"], 1):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_not_the_users_own_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "slots"
    folder.symlink_to(tmp_path)
    with pytest.raises(PoseliftError, match="slots: not a folder of yours"), held_slots(["4"], 1):
        pass
    folder.unlink()
    folder.mkdir()
    monkeypatch.setattr("os.getuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(PoseliftError, match="slots: not a folder of yours"), held_slots(["4"], 1):
        pass


def test_locks_that_are_held_stay_young(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_slots, "TOUCH_SECONDS", 0.01)
    with held_slots(["4"], 1):
        paths = [tmp_path / "slots", tmp_path / "slots/4.lock"]
        for path in paths:
            os.utime(path, (0, 0))
        end = time.monotonic() + 30
        while any(path.stat().st_mtime == 0 for path in paths) and time.monotonic() < end:
            time.sleep(0.01)
        assert all(path.stat().st_mtime > 0 for path in paths)


@pytest.fixture
def two_instances(monkeypatch):
    """What CUDA says where two parts of a GPU are listed: it shows a process the first of them."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-a, MIG-b")


@pytest.mark.usefixtures("two_instances")
@pytest.mark.parametrize("name", ["auto", "cuda"])
def test_each_job_sees_its_own_part_of_a_gpu_and_no_other(holder, name):
    with reserved_device(name) as first:
        assert (first, os.environ["CUDA_VISIBLE_DEVICES"]) == (torch.device("cuda", 0), "MIG-a")
        other = holder("MIG-a,MIG-b", 1)
        assert other.slots() == [1]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "MIG-a, MIG-b"
    busy = holder("MIG-a", 1)
    assert busy.slots() == [0]
    other.end()
    with reserved_device(name) as second:
        assert (second, os.environ["CUDA_VISIBLE_DEVICES"]) == (torch.device("cuda", 0), "MIG-b")


@pytest.mark.usefixtures("two_instances")
def test_one_run_on_several_parts_of_gpus_is_refused():
    with pytest.raises(PoseliftError, match=r"2 GPUs are requested, but .* \(MIG\) only; set processes to 1"):
        reserved_devices("auto", 2).__enter__()
