"""Feed hostile files to every reader of files from outside: `python tests/fuzz/fuzz_readers.py`.

A reader may return or raise `PoseliftError` in one printable line. Everything else is a finding: another
exception, a dead or hanging process, a file opened for writing, a program or a connection started. Inputs
depend on seed and number alone: `--only NUMBER` runs one again, in this process, with a traceback.

`readers.py` has the readers, `hostile.py` makes their inputs. With `--atheris`, where that is installed, the
restricted unpickler gets inputs that are guided by the coverage of its Python code.
"""

import argparse
import contextlib
import io
import json
import mmap
import os
import pickle
import random
import resource
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path
from types import FunctionType
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import torch
from readers import Target, targets

from poselift import pickled_arrays
from poselift.data.unpickle import _RestrictedUnpickler, bounded_memory, unpickle
from poselift.errors import PoseliftError

CHUNK = 500
"""Inputs per process: one that dies loses no more than its own input."""

INPUT = "state/progress.json"
"""Where an input lies: the monitor looks for this name, the others take any."""

SECONDS = 20
"""An input that takes more computing time counts as hanging."""

FORBIDDEN = (
    "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.remove", "os.rename", "os.mkdir",
    "os.rmdir", "os.chmod", "os.symlink", "os.link", "os.truncate", "shutil.", "socket.", "ctypes.dlopen",
    "pty.", "webbrowser.", "tempfile.",
)  # fmt: skip
"""Beginnings of the names of audit events that no reader has a reason for."""


class Watch:
    """Notes what a reader does to the world while it is armed. An audit hook cannot be taken off again."""

    def __init__(self) -> None:
        self.armed = False
        self.seen: list[str] = []
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple) -> None:
        if not self.armed:
            return
        writing = (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        )
        if writing or event.startswith(FORBIDDEN):
            self.seen.append(f"{event} {arguments!r}"[:200])


def hang(signum: int, frame: Any) -> None:
    raise TimeoutError(f"more than {SECONDS} s")


def one(target: Target, data: bytes, folder: Path, watch: Watch) -> tuple[str, str]:
    """What became of an input: `read`, `refused`, or a finding with what was wrong."""
    path = folder / INPUT
    path.write_bytes(data)
    watch.seen = []
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    watch.armed = True
    try:
        target.read(path)
        outcome = "read", ""
    except PoseliftError as error:
        lines = [line.removeprefix(str(path)) for line in str(error).split("\n")]  # one for each fault
        outcome = "refused", ""
        if len(lines) > 25 or not all(line.isprintable() and len(line) < 1500 for line in lines):
            outcome = "message", repr(lines)[:300]
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in where if "poselift" in frame.filename] or where
        outcome = (
            "exception",
            f"{type(error).__name__} at {Path(own[-1].filename).name}:{own[-1].lineno}: {error}"[:300],
        )
    finally:
        watch.armed = False
        signal.setitimer(signal.ITIMER_PROF, 0)
    return ("touched", watch.seen[0]) if watch.seen else outcome


class Campaign:
    """Runs inputs by number, each chunk in a process of its own."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed, self.folder = seed, folder
        self.targets = targets()
        self.now = mmap.mmap(-1, 8)  # the number in work, also known to the parent

    def input(self, number: int) -> tuple[str, bytes]:
        """The name of the target and the input of this number."""
        rng = random.Random(f"{self.seed}:{number}")
        (name,) = rng.choices(list(self.targets), [target.share for target in self.targets.values()])
        return name, self.targets[name].make(rng)

    def chunk(self, first: int, end: int) -> tuple[Counter[str], list[str]]:
        """Outcomes and findings of inputs, of which one may kill its process."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            with os.fdopen(writing, "w") as out:
                self.work(first, end, out)
            os._exit(0)
        os.close(writing)
        counts: Counter[str] = Counter()
        findings = []
        with os.fdopen(reading, errors="replace") as lines:
            for line in lines:
                number, name, kind, detail = json.loads(line)
                counts[f"{name}: {kind}"] += 1
                if kind not in ("read", "refused"):
                    findings.append(f"input {number}, {name}: {kind}: {detail}")
        _, status = os.waitpid(pid, 0)
        if status:
            number = int.from_bytes(self.now[:8], "little")
            name, _ = self.input(number)
            counts[f"{name}: died"] += 1
            findings.append(f"input {number}, {name}: the process died (status {status})")
            if number + 1 < end:
                more, found = self.chunk(number + 1, end)
                return counts + more, findings + found
        return counts, findings

    def work(self, first: int, end: int, out: Any) -> None:
        """In the process of a chunk: a line of JSON an input."""
        signal.signal(signal.SIGPROF, hang)
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (16 * 2**30, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        (folder / INPUT).parent.mkdir()
        os.chdir(folder)
        watch = Watch()
        for number in range(first, end):
            self.now[:8] = number.to_bytes(8, "little")
            name, data = self.input(number)
            out.write(json.dumps([number, name, *one(self.targets[name], data, folder, watch)]) + "\n")
            out.flush()
        left = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
        if strange := left - {INPUT, "state"}:
            out.write(json.dumps([end - 1, "all", "touched", f"files left: {sorted(strange)[:5]}"]) + "\n")


def coverage_guided(inputs: int) -> None:
    """The restricted unpickler with atheris, which ends the process after so many inputs.

    The real one is written in C, of which atheris sees nothing: Python's own, restricted alike, reads each
    input first and leads the way.
    """
    import atheris

    class Guide(pickle._Unpickler):  # type: ignore[name-defined]
        find_class = _RestrictedUnpickler.find_class

    stand_ins = [each for each in vars(pickled_arrays).values() if isinstance(each, FunctionType)]
    for function in {*pickle._Unpickler.dispatch.values(), *stand_ins}:
        atheris.instrument_func(function)  # changes it in place

    def test(data: bytes) -> None:
        with contextlib.suppress(Exception), bounded_memory(len(data)):
            Guide(io.BytesIO(data)).load()
        with contextlib.suppress(PoseliftError):
            unpickle(io.BytesIO(data), "input", len(data))

    with tempfile.TemporaryDirectory() as corpus:
        for protocol in range(2, 6):
            Path(corpus, str(protocol)).write_bytes(pickle.dumps([np.float32(1), np.zeros(3), "a"], protocol))
        atheris.Setup([sys.argv[0], f"-runs={inputs}", "-close_fd_mask=2", corpus], test)
        atheris.Fuzz()


def main(argv: list[str] | None = None) -> None:
    """Run the inputs; exit status 1 if there is a finding."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=100_000, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="other inputs for another seed")
    parser.add_argument("--only", type=int, help="one input by its number, with a traceback")
    parser.add_argument("--atheris", action="store_true", help="coverage-guided inputs for the unpickler")
    given = parser.parse_args(argv)
    if given.atheris:
        coverage_guided(given.inputs)
        return
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # of the strange archives that are made here
    with tempfile.TemporaryDirectory() as place:
        campaign = Campaign(given.seed, Path(place))
        if given.only is not None:
            name, data = campaign.input(given.only)
            path = Path(place, INPUT)
            path.parent.mkdir()
            path.write_bytes(data)
            print(f"{name}, {len(data)} bytes: {data[:2000]!r}")
            campaign.targets[name].read(path)
            return
        counts: Counter[str] = Counter()
        findings = []
        for first in range(0, given.inputs, CHUNK):
            more, found = campaign.chunk(first, min(first + CHUNK, given.inputs))
            counts += more
            findings += found
            for finding in found:
                print(finding, flush=True)
    for name, count in sorted(counts.items()):
        print(f"{count:8,}  {name}")
    print(f"{sum(counts.values()):,} inputs, {len(findings)} findings")
    if findings:
        sys.exit(1)


if __name__ == "__main__":
    main()
