"""The record beside a result: what made it, from what, with which code and where."""

import platform
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from poselift.provenance.content import sha256


def record(
    folder: Path,
    outputs: Iterable[str],
    inputs: dict[str, Any],
    settings: dict[str, Any],
    environment: dict[str, Any],
) -> dict[str, Any]:
    """What made `outputs`, files in `folder`: their hashes, inputs, settings, commit, environment.

    What differs between two equal builds (time, host, command line with its paths) is under `volatile`.
    """
    return {
        "outputs": {name: sha256(folder / name) for name in outputs},
        "inputs": inputs,
        "settings": settings,
        "environment": {"python": platform.python_version(), **environment},
        "commit": commit(),
        "volatile": {
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "host": platform.node(),
            "command": sys.argv,
        },
    }


def commit() -> str | None:
    """The commit of the project's checkout, `-dirty` when tracked files differ from it; None without git."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
