"""What is said of a locked folder."""

import logging
import os
import platform
import subprocess
import sys
import time

import pytest

from poselift.machine import build_lock


@pytest.fixture
def said(tmp_path, monkeypatch):
    """The words on the lock of a folder, by what its holder noted."""
    monkeypatch.chdir(tmp_path)
    build_lock.LOCKS.mkdir(parents=True)
    lock = build_lock.LOCKS / "0.output.lock"
    lock.write_text("a.txt")
    os.utime(lock, (0, time.mktime((2026, 11, 14, 9, 40, 0, 0, 0, -1))))
    (build_lock.LOCKS / "0.input.lock").write_text("b.txt")  # the last of a build's locks is younger

    def words(holder: str = "") -> str:
        if holder:
            build_lock.HOLDER.write_text(holder)
        record = logging.makeLogRecord(
            {"msg": "Error: Directory cannot be locked.", "exception": "LockException"}
        )
        assert build_lock.explain_lock(record)
        message = record.getMessage()
        assert message.count("\n") == 0
        return message

    return words


def test_who_builds_and_since_when(said):
    build_lock.name_holder()
    assert said() == (
        "error: a build is running here since 09:40 on 14 November "
        f"(process {os.getpid()} on {platform.node()}): wait for it; "
        "if it is not running any more, run `snakemake --unlock`"
    )


def test_a_build_that_is_gone_was_killed(said):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert "was killed: run `snakemake --unlock`" in said(f"{platform.node()} {process.pid}")
    assert f"(process {process.pid} on elsewhere)" in said(f"elsewhere {process.pid}")


def test_without_a_note_it_may_be_running(said):
    assert said().startswith("error: a build is running here since ")
    assert "(process" not in said("half")


def test_the_command_is_one_that_can_be_given(said, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", [str(tmp_path / ".venv/bin/snakemake")])
    assert said().endswith("run `.venv/bin/snakemake --unlock`")
    monkeypatch.setattr(sys, "argv", ["/somewhere/snakemake/__main__.py"])
    assert said().endswith("run `snakemake --unlock`")


def test_other_records_stay_as_they_are():
    record = logging.makeLogRecord({"msg": "no such rule", "exception": "WorkflowError"})
    assert build_lock.explain_lock(record)
    assert record.getMessage() == "no such rule"
