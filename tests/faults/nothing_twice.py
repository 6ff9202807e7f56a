"""The campaign against work done twice: edits that change no byte of the data, and kills of Snakemake alone.

After each random edit the paper's run is asked for again, and no epoch may be trained. After each kill around
the end of a training no epoch may have been trained twice.

    python tests/faults/nothing_twice.py --edits 20 --kills 20 --seed 1
"""

import argparse
import hashlib
import pickle
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import yaml

sys.path += map(str, Path(__file__).parents[:2])
from campaign import line_after_a_crash

from project import Project

RUN = "baseline-pico-s0"
EPOCHS = 6
EXPERIMENT = f"""
experiment: {{architectures: [baseline]}}
ground_truth_2d: null
ablation: []
training: {{epochs: {EPOCHS}}}
"""
TARGETS = ("results/tiny/evaluation/" + RUN + ".json", f"results/tiny/runs/{RUN}/metrics.json")


@dataclass
class Trial:
    """A project whose raw file is there as if it were a real one, and what was found wrong with it."""

    project: Project
    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)
    planned: int = 0
    """trainings that Snakemake planned after an edit, all of which were linked from those that are kept"""
    faults: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.project.folder

    def configure(self, **data: object) -> None:
        """Set keys of `data` in config.yaml."""
        self._set("data", data)

    def train_with(self, **training: object) -> None:
        """Set keys of `training` in config.yaml."""
        self._set("training", training)

    def _set(self, section: str, keys: dict[str, object]) -> None:
        path = self.folder / "config.yaml"
        config = yaml.safe_load(path.read_text())
        config[section] |= keys
        path.write_text(yaml.safe_dump(config, sort_keys=False))

    def build(self, succeeds: bool = True) -> str:
        """Ask for the run and its evaluation, as after a crash."""
        answer = self.project.snakemake(*TARGETS, "--rerun-incomplete", experiment=False)
        output = answer.stdout + answer.stderr
        if (answer.returncode == 0) != succeeds:
            self.faults.append(f"exit status {answer.returncode}:\n{output[-2000:]}")
        return output

    def trainings(self) -> dict[str, str]:
        """The hash of the history of each training so far, with its times, by the training.s key."""
        histories = (self.folder / "results/tiny/finished").glob("*/history.json")
        return {path.parent.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in histories}


def moved(trial: Trial) -> None:
    (trial.folder / "raw.pkl").rename(trial.folder / "renamed.pkl")
    trial.configure(raw="renamed.pkl")


def through_a_link(trial: Trial) -> None:
    (trial.folder / "link.pkl").symlink_to("raw.pkl")
    trial.configure(raw="link.pkl")


def path_with_dots(trial: Trial) -> None:
    trial.configure(raw="paper/../raw.pkl")


def absolute_path(trial: Trial) -> None:
    trial.configure(raw=str(trial.folder / "raw.pkl"))


def touched(trial: Trial) -> None:
    for path in (trial.folder / "raw.pkl", *(trial.folder / "results/tiny/data").rglob("*.json")):
        path.touch()


def hash_filled_in(trial: Trial) -> None:
    trial.configure(sha256=hashlib.sha256((trial.folder / "raw.pkl").read_bytes()).hexdigest())


def wrong_hash(trial: Trial) -> None:
    trial.configure(sha256="0" * 64)


def counts_filled_in(trial: Trial) -> None:
    manifest = yaml.safe_load((trial.folder / "results/tiny/data/clips-9/manifest.json").read_text())
    trial.configure(expected_clips=manifest["clips"])


def wrong_count(trial: Trial) -> None:
    trial.configure(expected_clips={"train": 1})
    trial.build(succeeds=False)
    trial.configure(expected_clips=None)


def empty_file(trial: Trial) -> None:
    (trial.folder / "faulty.pkl").touch()
    trial.configure(raw="faulty.pkl")
    trial.build(succeeds=False)
    trial.configure(raw="raw.pkl")


def file_cut_short(trial: Trial) -> None:
    whole = (trial.folder / "raw.pkl").read_bytes()
    (trial.folder / "raw.pkl").write_bytes(whole[: len(whole) // 2])
    trial.build(succeeds=False)
    (trial.folder / "raw.pkl").write_bytes(whole)


def file_missing(trial: Trial) -> None:
    (trial.folder / "raw.pkl").unlink()


def written_by_another_pickle(trial: Trial) -> None:
    content = pickle.loads((trial.folder / "raw.pkl").read_bytes())
    (trial.folder / "raw.pkl").write_bytes(pickle.dumps(content, protocol=2))


def stage_edited_without_effect(trial: Trial) -> None:
    path = trial.folder / "src/poselift/data/prepare.py"
    path.write_text(path.read_text() + "\n\nEDITED = 1\n")


def comments_everywhere(trial: Trial) -> None:
    for path in (trial.folder / "src").rglob("*.py"):
        path.write_text(path.read_text() + "\n# edited\n")


def model_edited_and_taken_back(trial: Trial) -> None:
    path = trial.folder / "src/poselift/models/blocks.py"
    text = path.read_text()
    path.write_text(text + "\n\nEDITED = 1\n")
    trial.project.snakemake("--dry-run", experiment=False)
    path.write_text(text)


def settings_tried_to_the_end(trial: Trial) -> None:
    trial.train_with(lr=1e-3)
    trial.build()
    trial.train_with(lr=5e-4)


def settings_tried_and_stopped(trial: Trial) -> None:
    trial.train_with(lr=2e-3, epochs=5000)
    with trial.project.start(*TARGETS, experiment=False, stderr=subprocess.DEVNULL) as process:
        state = trial.folder / f"results/tiny/runs/{RUN}/state/progress.json"
        before = state.stat().st_mtime_ns
        while process.poll() is None and (not state.exists() or state.stat().st_mtime_ns == before):
            time.sleep(0.1)
        for child in psutil.Process(process.pid).children(recursive=True):
            if "poselift.training.train" in child.cmdline():
                child.terminate()
    trial.train_with(lr=5e-4, epochs=EPOCHS)


def run_deleted(trial: Trial) -> None:
    shutil.rmtree(trial.folder / f"results/tiny/runs/{RUN}")


def store_deleted(trial: Trial) -> None:
    shutil.rmtree(trial.folder / "results/tiny/data")


EDITS: dict[str, Callable[[Trial], None]] = {
    edit.__name__: edit
    for edit in (
        moved, through_a_link, path_with_dots, absolute_path, touched, hash_filled_in, wrong_hash,
        counts_filled_in, wrong_count, empty_file, file_cut_short, file_missing, written_by_another_pickle,
        stage_edited_without_effect, comments_everywhere, model_edited_and_taken_back,
        settings_tried_to_the_end, settings_tried_and_stopped, run_deleted, store_deleted,
    )
}  # fmt: skip
"""Each leaves data, settings and code as they were, in what they mean."""


def prepared(folder: Path, seed: int) -> Trial:
    """A project with a raw file of its own, whose run is trained and evaluated."""
    project = Project.copied(folder)
    project.settle(EXPERIMENT)
    made = project.snakemake("results/tiny/data/raw.pkl", experiment=False)
    assert made.returncode == 0, made.stdout + made.stderr
    shutil.move(folder / "results/tiny/data/raw.pkl", folder / "raw.pkl")
    shutil.rmtree(folder / "results")
    trial = Trial(project, random.Random(seed))
    trial.configure(raw="raw.pkl", synthetic=None)
    trial.build()
    return trial


def edit(trial: Trial, name: str) -> None:
    """Edit a copy of the project and ask for the run again: nothing may be trained."""
    whole = trial.project
    with tempfile.TemporaryDirectory() as temporary:
        trial.project = Project(Path(temporary, "project"))
        shutil.copytree(whole.folder, trial.folder, symlinks=True)
        before = trial.trainings()
        EDITS[name](trial)
        tried = trial.trainings()
        trial.planned += bool(re.search(r"^train +1$", trial.build(), re.MULTILINE))
        if trial.trainings() != tried or not before.items() <= tried.items():
            trial.faults.append(f"{name}: trained again")
        trial.done[name] += 1
    trial.project = whole


def epochs_done(trial: Trial) -> list[int]:
    """The epochs in the log of the finished training, in their order."""
    (log,) = (trial.folder / "results/tiny/finished").glob("*/training.log")
    return [int(number) for number in re.findall(rf" epoch (\d+)/{EPOCHS}: loss", log.read_text())]


def kill(trial: Trial) -> None:
    """Kill Snakemake, and it alone, around the end of a training; type what the README says."""
    shutil.rmtree(trial.folder / "results/tiny/runs")
    shutil.rmtree(trial.folder / "results/tiny/finished")
    # the epoch that has to be over, and a while after it: up to some time after the end
    epoch, delay = trial.dice.randint(EPOCHS - 2, EPOCHS), trial.dice.expovariate(2)
    main = trial.project.start(
        *TARGETS, experiment=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while main.poll() is None and not any(f" epoch {epoch}/{EPOCHS}: loss" in text for text in logs(trial)):
        time.sleep(0.02)
    time.sleep(delay)
    main.kill()
    main.wait()
    line = line_after_a_crash().replace("snakemake --cores all", f"snakemake --cores 1 {' '.join(TARGETS)}")
    answer = subprocess.run(
        ["bash", "-c", line], cwd=trial.folder, env=trial.project.environment, capture_output=True, text=True
    )
    if answer.returncode != 0:
        trial.faults.append(f"after a kill in epoch {epoch}: {answer.stderr[-2000:]}")
    elif epochs_done(trial) != list(range(1, EPOCHS + 1)):
        trial.faults.append(f"killed {delay:.2f} s after epoch {epoch}: epochs {epochs_done(trial)}")
    trial.done["kill"] += 1


def logs(trial: Trial) -> Iterator[str]:
    """The logs of the run's trainings, finished or not."""
    for log in (trial.folder / "results/tiny/runs" / RUN).glob("**/training.log"):
        yield log.read_text()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edits", type=int, default=len(EDITS))
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trial = prepared(Path(folder, "project"), given.seed)
        names = list(EDITS)
        trial.dice.shuffle(names)
        for name in (names * (given.edits // len(names) + 1))[: given.edits]:
            edit(trial, name)
            print(f"{name}: {'FAULT' if trial.faults else 'nothing trained'}", flush=True)
        for number in range(given.kills):
            kill(trial)
            print(f"kill {number + 1}", flush=True)
    print(f"{trial.done.total()} trials; Snakemake planned {trial.planned} trainings, which were linked")
    for fault in trial.faults:
        print(f"FAULT: {fault}")
    sys.exit(bool(trial.faults))


if __name__ == "__main__":
    main()
