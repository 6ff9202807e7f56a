"""`poselift monitor`: all runs below a folder in one table, live in a terminal, once in a pipe."""

import argparse
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from poselift.errors import PoseliftError
from poselift.machine.nvidia import utilisation
from poselift.monitoring.run_progress import duration
from poselift.monitoring.run_status import Run, find_runs, read_run
from poselift.program import run

REFRESH_SECONDS = 2.0

STATES = {
    "failed": "bold red",
    "dead": "bold red",
    "stalled": "red",
    "running": "green",
    "evaluating": "cyan",
    "waiting": "blue",
    "stopped": "yellow",
    "finished": "dim",
}
"""The states of a run with their colours, in the order of the table."""

DROPPED = ("device", "memory", "lr", "GPU", "clips/s", "MPJPE")
"""Columns that are dropped on a narrow terminal, in this order."""


def overview(runs: Sequence[Run], busy: dict[int, int], now: float, width: int) -> Group:
    """A summary line, a table of the runs that fits the width, and notes on runs in trouble."""
    ordered = sorted(runs, key=lambda each: (list(STATES).index(each.state), _natural(each.name)))
    rows = [_cells(each, busy) for each in ordered]
    for dropped in range(len(DROPPED) + 1):
        titles = [title for title in rows[0] if title not in DROPPED[:dropped]]
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for title in titles:
            words = title in ("run", "state", "device")
            table.add_column(title, justify="left" if words else "right", no_wrap=True, overflow="ellipsis")
        for row in rows:
            table.add_row(*(row[title] for title in titles))
        if Console(width=10_000).measure(table).maximum <= width:
            break
    notes = [Text(f"{each.name} {each.state}: {each.note}") for each in ordered if each.note]
    return Group(Text(summary(runs, now)), Text(), table, *([Text(), *notes] if notes else []))


def _cells(run: Run, busy: dict[int, int]) -> dict[str, Text]:
    """The row of a run, by column."""

    def shown(value: Any, form: Callable[[Any], str]) -> str:
        return "–" if value is None else form(value)

    cells = {
        "run": run.name,
        "state": run.state,
        "epoch": "/".join(shown(number, "{:.0f}".format) for number in (run.epoch, run.epochs)),
        "MPJPE": shown(run.mpjpe, "{:.1f}".format),
        "best": shown(run.best_mpjpe, lambda error: f"{error:.1f} {run.unit}"),
        "lr": shown(run.lr, "{:.1e}".format),
        "clips/s": shown(run.clips_per_second, "{:.1f}".format),
        "left": shown(run.seconds_left, duration),
        "device": shown(run.device, lambda name: name.removeprefix("NVIDIA ")),
        "memory": shown(run.memory_bytes, lambda size: f"{size / 2**30:.1f} GiB"),
        "GPU": shown(busy.get(int(run.pid or 0)), "{} %".format),
    }
    return {title: Text(cell, STATES[cell] if title == "state" else "") for title, cell in cells.items()}


def summary(runs: Sequence[Run], now: float) -> str:
    """How many runs are in which state, what they have cost, and when the active ones will end."""
    count = Counter(each.state for each in runs)
    parts = [f"{count[state]} {state}" for state in STATES if count[state]]
    hours = {"CPU": 0.0, "GPU": 0.0}
    for each in runs:
        kind = "CPU" if each.device in (None, "cpu") else "GPU"
        hours[kind] += each.seconds * (each.processes or 1) / 3600
    parts += [f"{hours[kind]:.1f} {kind}-hours so far" for kind in hours if hours[kind]]
    left = max((each.seconds_left for each in runs if each.seconds_left is not None), default=None)
    if left is not None:
        end = time.strftime("%a %d %b %H:%M", time.localtime(min(now + left, 2**40)))
        parts.append(f"those running end about {end} (in {duration(left)})")
    return ", ".join(parts)


def _natural(name: str) -> list[str | int]:
    """Sorts s2 before s10."""
    return [int(word[:18]) if i % 2 else word for i, word in enumerate(re.split("([0-9]+)", name))]


def main(argv: list[str] | None = None) -> None:
    """Show all runs below a folder, live in a terminal (Ctrl-C ends it), once in a pipe."""
    parser = argparse.ArgumentParser(prog="poselift monitor", description=main.__doc__)
    where = "where the runs are (default: results)"
    parser.add_argument("folder", type=Path, nargs="?", default=Path("results"), help=where)
    parser.add_argument("--once", action="store_true", help="print the table once and end")
    given = parser.parse_args(argv)
    folder: Path = given.folder
    if not folder.is_dir():
        raise PoseliftError(f"{folder}: no such folder; name the one whose runs you want to see")
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8
    console = Console(highlight=False, soft_wrap=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = 200  # a file or a pipe takes all columns

    def table() -> Group:
        now = time.time()
        runs = [read_run(path, str(path.relative_to(folder)), now) for path in find_runs(folder)]
        if not runs:
            return Group(Text(f"no runs below {folder} yet; `snakemake` or `poselift train` starts some"))
        return overview(runs, utilisation(), now, console.width)

    if given.once or not console.is_terminal:
        console.print(table())
        return
    try:
        with Live(table(), console=console, auto_refresh=False) as live:
            while True:
                time.sleep(REFRESH_SECONDS)
                live.update(table(), refresh=True)
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    run(main)
