"""A copy of the project with a tiny experiment, which tests build, change and break."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from snakemake.utils import update_config

import warm

REPOSITORY = Path(__file__).parents[1]
PARTS = ("Snakefile", "config.yaml", "workflow", "envs", "paper", "src")

TINY = """
dataset: tiny
data:
  title: Synthetic motion
  raw: null
  sha256: null
  expected_clips: null
  synthetic: {n_actions: 2, n_cameras: 1, train_frames: 30, test_frames: 30}
n_frames: 9
sizes: {pico: {depth: 1, dim: 8}}
experiment: {sizes: [pico], seeds: [0]}
training: {epochs: 1, batch_size: 32}
models: {mamba_gcn: {mamba_gcn_dim: 16, mamba_gcn_layers: 1}, full: {mamba_gcn_dim: 16}}
paper: {per_action_size: pico, published: null, streaming: true}
"""


@dataclass
class Project:
    """A checkout in a folder of its own."""

    folder: Path
    machine: tuple[str, ...] = ("--cores", "2")
    """Options that say where jobs run."""
    prefix: tuple[str, ...] = ()
    """The command that starts Snakemake, as somebody else for instance."""

    @classmethod
    def copied(cls, folder: Path, machine: tuple[str, ...] = ("--cores", "2")) -> "Project":
        folder.mkdir(parents=True)
        for part in PARTS:
            source = REPOSITORY / part
            if source.is_dir():
                shutil.copytree(
                    source, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
                )
            else:
                shutil.copy(source, folder)
        (folder / "tiny.yaml").write_text(TINY)
        return cls(folder, machine)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of commands in which this folder's code runs."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return os.environ | {"PYTHONPATH": str(self.folder / "src"), "PATH": path}

    def settle(self, changes: str) -> None:
        """Make the tiny experiment with `changes` the project's own, which needs no `--configfile`."""
        path = self.folder / "config.yaml"
        config = yaml.safe_load(path.read_text())
        for text in (TINY, changes):
            update_config(config, yaml.safe_load(text))
        path.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))

    def arguments(self, *arguments: str, changes: str = "", experiment: bool = True) -> list[str]:
        """Of Snakemake, in this folder; `changes` is YAML laid over the tiny experiment."""
        (self.folder / "changes.yaml").write_text(changes or "{}")
        files = ("--configfile", "tiny.yaml", "changes.yaml") if experiment else ()
        return [*self.machine, *arguments, *files]

    def start(self, *arguments: str, env: Mapping[str, str] = {}, **options: Any) -> subprocess.Popen[str]:
        """Start Snakemake here, with this folder's code. Options are of `arguments` or of the process."""
        about = {name: options.pop(name) for name in ("changes", "experiment") if name in options}
        command = [*self.prefix, sys.executable, "-m", "snakemake", *self.arguments(*arguments, **about)]
        return subprocess.Popen(command, cwd=self.folder, env=self.environment | env, text=True, **options)

    def snakemake(
        self, *arguments: str, env: Mapping[str, str] = {}, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """As `start`, and wait for the end. A dry run, which tests do by the hundred, is started faster."""
        if "--dry-run" in arguments and not self.prefix:
            return warm.snakemake(self.folder, self.arguments(*arguments, **options), self.environment | env)
        with self.start(
            *arguments, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
        ) as process:
            stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def stale(self, changes: str = "") -> dict[str, int]:
        """What Snakemake would run after `changes` of the configuration: number of jobs by rule."""
        answer = self.snakemake("--dry-run", changes=changes)
        assert answer.returncode == 0, answer.stderr
        table = answer.stdout.partition("Job stats:")[2].partition("\n\n")[0]
        jobs = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}
        return {rule: count for rule, count in jobs.items() if rule not in ("all", "total")}

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace `old`, which has to be there, by `new`."""
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
