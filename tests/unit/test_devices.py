"""Devices by name, and slots that no two processes hold at once."""

import subprocess
import sys
import time

import pytest
import torch

from poselift.devices import free_slot, reserved_device
from poselift.errors import PoseliftError

HOLD = """
import sys, time
from poselift.devices import free_slot
with free_slot(sys.argv[1].split(",")) as index:
    print(index, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Lock files of this test alone."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)


def hold(pool: str) -> tuple[subprocess.Popen[str], int]:
    """A process that holds a slot of the pool, and which."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, pool], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_named_devices():
    with reserved_device("cpu") as device:
        assert device == torch.device("cpu")
    with pytest.raises(PoseliftError, match=r"device 'gpu0'"), reserved_device("gpu0"):
        pass


def test_processes_get_distinct_slots_and_a_killed_one_frees_its_own(monkeypatch):
    monkeypatch.setattr("poselift.devices.POLL_SECONDS", 0.05)
    first, a = hold("4,7")
    second, b = hold("4,7")
    try:
        assert {a, b} == {0, 1}
        second.kill()
        start = time.monotonic()
        with free_slot(["4", "7"]) as index:
            assert index == b
        assert time.monotonic() - start < 30
    finally:
        first.kill()
        second.kill()
        for process in (first, second):
            process.communicate()
