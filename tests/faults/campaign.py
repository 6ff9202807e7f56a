"""The fault campaign: build the tiny paper while killing what builds it, at random moments.

After each kill nothing under a final name may be half-written. The build goes on with the README's line; in
the end every artefact has to be, byte for byte, what an undisturbed build makes.

    python tests/faults/campaign.py --kills 30 --seed 1
"""

import argparse
import hashlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

sys.path.append(str(Path(__file__).parents[1]))
from project import REPOSITORY, Project
from volatile import lasting

EXPERIMENT = """
experiment: {architectures: [baseline]}
ground_truth_2d: null
ablation: []
training: {epochs: 6}
"""

VICTIMS = {
    "snakemake": ("bin/snakemake --cores",),
    "trainer": ("-m poselift.training.train",),
    "LaTeX": ("latexmk", "pdflatex", "poselift.paper.compile"),
    "any stage": ("-m poselift.",),
    "all at once": ("",),
}
"""What is killed, by words of its command line; all at once is what a power cut does."""

MARK = "POSELIFT_FAULT_CAMPAIGN"
"""Environment variable by which a build's own processes are known: no other one is ever killed."""

IN_PROGRESS = ("metrics.json",)
"""Written after each epoch, for those who look on: whole each time, and not the last one's before the end."""


def line_after_a_crash() -> str:
    """What the README says to type after a crash."""
    (line,) = re.findall(r"`(snakemake --unlock && [^`]+)`", (REPOSITORY / "README.md").read_text())
    return line


def artefacts(folder: Path) -> Iterator[Path]:
    """What a build promises below a folder `results`, that is all but logs, measured times (benchmarks) and
    unfinished work: hidden names are temporary ones, `state` belongs to trainings that are not done."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts)
        if (
            path.is_file()
            and not hidden
            and not {"logs", "benchmarks", "begun", "state", "slurm-logs"} & set(parts)
        ):
            yield path


def digests(folder: Path) -> dict[str, str]:
    """Hash of each artefact by its path below `results`, of what every build gives; what is wrong with it, if
    it cannot be parsed."""
    found = {}
    for path in artefacts(folder):
        name = path.relative_to(folder)
        try:
            kept = lasting(Path(*name.parts[1:]).as_posix(), path.read_bytes())
            found[str(name)] = hashlib.sha256(repr(kept).encode()).hexdigest()
        except FileNotFoundError:
            continue  # an orphan has just replaced it
        except ValueError as error:
            found[str(name)] = f"broken: {error}"
    return found


@dataclass
class Campaign:
    """Kills, and what was found wrong after them."""

    project: Project
    expected: dict[str, str]
    """Artefacts of the undisturbed build."""
    dice: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def build_with_kills(self, wanted: int, most: int) -> None:
        """Build once, killing at most `most` times, until `wanted` kills are done in all."""
        for left in range(most, -1, -1):
            enough = self.kills.total() >= wanted or left == 0
            finished = self._start_and_kill(None if enough else self._next_victim())
            if finished:
                break
            self._check_what_is_there()
        else:
            self.faults.append("the build did not finish when it was left alone")
        self._check_the_end()

    def _next_victim(self) -> str:
        """One of those that were killed least often."""
        fewest = min(self.kills[victim] for victim in VICTIMS)
        return self.dice.choice([victim for victim in VICTIMS if self.kills[victim] == fewest])

    def _start_and_kill(self, victim: str | None) -> bool:
        """Type what has to be typed after a crash, kill `victim` at a random moment; whether it finished."""
        with tempfile.TemporaryFile("w+") as output:
            main = subprocess.Popen(
                ["bash", "-c", line_after_a_crash()], cwd=self.project.folder, stdout=output, stderr=output,
                env=self.project.environment | {MARK: str(self.project.folder)},
            )  # fmt: skip
            if victim and self._kill(victim, main):
                self.kills[victim] += 1
                main.wait()
                return False
            if main.wait() == 0:
                return True
            output.seek(0)
            self.faults.append(f"undisturbed, but failed:\n{output.read()[-3000:]}")
            return False

    def _kill(self, victim: str, main: subprocess.Popen[bytes]) -> bool:
        """Kill -9 a process of this kind, a random time after it has shown up; whether there was one.

        Whoever is not killed lives on: trainers as orphans, Snakemake with a job that failed.
        """
        from_start = victim in ("snakemake", "all at once")
        delay = self.dice.uniform(2, 25) if from_start else self.dice.expovariate(1)
        while main.poll() is None:
            for process in self._processes(VICTIMS[victim]):
                end = time.monotonic() + delay
                while time.monotonic() < end and process.is_running() and main.poll() is None:
                    time.sleep(0.01)
                victims = self._processes(VICTIMS[victim]) if victim == "all at once" else [process]
                killed = [_killed(one) for one in victims]
                if not any(killed):
                    break  # it was faster: take the next of its kind
                print(f"killed {victim} after {delay:.2f} s", flush=True)
                return True
            time.sleep(0.01)
        return False

    def _processes(self, words: tuple[str, ...]) -> list[psutil.Process]:
        """The processes of this build, orphans included, with one of these words in their command line."""
        found = []
        for process in psutil.process_iter(["cmdline", "environ"]):
            command = " ".join(process.info["cmdline"] or [])
            ours = (process.info["environ"] or {}).get(MARK) == str(self.project.folder)
            # the shell of a job has the job's command in its own
            meant = "bash" not in command or words == VICTIMS["all at once"]
            if ours and meant and any(word in command for word in words):
                found.append(process)
        return found

    def _check_what_is_there(self) -> None:
        for name, found in digests(self.project.folder / "results").items():
            unfinished = Path(name).name in IN_PROGRESS and not found.startswith("broken")
            if found != self.expected.get(name) and not unfinished:
                self.faults.append(f"after a kill {name} is there, but not what it has to be: {found}")

    def _check_the_end(self) -> None:
        self.end_orphans()
        found = digests(self.project.folder / "results")
        for name in sorted(self.expected.keys() | found.keys()):
            if found.get(name) != self.expected.get(name):
                self.faults.append(f"{name} differs from the undisturbed build's")

    def end_orphans(self) -> None:
        """Kill what a killed Snakemake has left running."""
        for process in self._processes(("-m poselift.",)):
            process.kill()
            process.wait(10)


def _killed(process: psutil.Process) -> bool:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return True


def settled(folder: Path) -> Project:
    """A project with this experiment as its own."""
    project = Project.copied(folder)
    project.settle(EXPERIMENT)
    return project


def built(folder: Path) -> Project:
    """The paper, built without a disturbance."""
    project = settled(folder)
    answer = project.snakemake(experiment=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return project


def campaign(folder: Path, undisturbed: Project, kills: int, seed: int) -> Campaign:
    """Build in `folder` with kills, from nothing after each complete build, until there were `kills` of them,
    and compare with what was built undisturbed."""
    project = settled(folder)
    found = Campaign(project, digests(undisturbed.folder / "results"), random.Random(seed))
    while found.kills.total() < kills and not found.faults:
        shutil.rmtree(project.folder / "results", ignore_errors=True)
        found.build_with_kills(kills, most=12)
        print(f"build complete after {found.kills.total()} kills in all: {dict(found.kills)}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = built(Path(folder, "undisturbed"))
        found = campaign(Path(folder, "disturbed"), undisturbed, given.kills, given.seed)
    print(f"{found.kills.total()} kills ({dict(found.kills)}), {len(found.expected)} artefacts compared")
    for fault in found.faults:
        print(f"FAULT: {fault}")
    sys.exit(bool(found.faults))


if __name__ == "__main__":
    main()
