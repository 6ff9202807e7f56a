"""Debian packages that tests need: `debian.py PACKAGE ...` installs them where that can be done."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
"""What Debian asks whether it may start the daemons of a package."""


def can_install() -> bool:
    """Whether packages can be installed here."""
    return os.getuid() == 0 and shutil.which("apt-get") is not None


def install(packages: tuple[str, ...]) -> None:
    """Install packages, and start nothing. Ends the program where that fails."""
    print(f"Installing {' '.join(packages)} for the tests ...", flush=True)
    apt = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300")
    with _no_daemons():
        for command in (("update",), ("install", "--yes", "--no-install-recommends", *packages)):
            if complaint := _ran(*apt, *command):
                sys.exit(f"error: {' '.join(packages)} could not be installed: {complaint.splitlines()[-1]}")


def _ran(*command: str) -> str | None:
    """Run a command; None if it went well, else what it said."""
    if shutil.which(command[0]) is None:
        return f"{command[0]} is missing"
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True)
    return (answer.stderr.strip() or "it failed") if answer.returncode else None


@contextmanager
def _no_daemons() -> Iterator[None]:
    if POLICY.exists():  # the machine's own
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


if __name__ == "__main__" and can_install():
    install(tuple(sys.argv[1:]))
