"""Trainings on the cluster that tests hold still, to disturb them at a known point."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from project import Project

# the profile as it is; for the cluster of the tests, which keeps no accounts, status comes from squeue
PROFILE = (
    "--profile", "workflow/profiles/slurm",
    "--slurm-status-command", "squeue",
    "--slurm-init-seconds-before-status-checks", "1",
    "--latency-wait", "10",
)  # fmt: skip

# one architecture; epochs enough to be interrupted in
EXPERIMENT = """
experiment: {architectures: [baseline]}
ground_truth_2d: null
ablation: []
training: {epochs: 12}
"""
RUN = "baseline-pico-s0"

ODD_NAME = "it's a folder; & näive"
"""Of a folder whose name has to be quoted. (An apostrophe with a $ Snakemake cannot quote for a job.)"""


@dataclass
class Training:
    """A run of the project."""

    project: Project
    run: str = RUN

    @property
    def target(self) -> str:
        """The file to ask Snakemake for."""
        return f"results/tiny/runs/{self.run}/provenance.json"

    @property
    def folder(self) -> Path:
        return self.project.folder / f"results/tiny/runs/{self.run}"

    @property
    def log(self) -> str:
        """What its current attempt has said so far."""
        path = self.project.folder / f"results/tiny/logs/train/{self.run}.log"
        return path.read_text() if path.exists() else ""

    def weights(self) -> dict[str, bytes]:
        """What has to be the same bytes however often the training was interrupted."""
        return {path.name: path.read_bytes() for path in self.folder.glob("*.safetensors")}

    def history(self) -> list[float]:
        """The test error after each epoch."""
        return json.loads((self.folder / "metrics.json").read_text())["epochs"]["mpjpe"]

    def process(self) -> psutil.Process | None:
        """Its process on this machine, None if it does not run."""
        for process in psutil.process_iter(["cmdline", "cwd"]):
            words = process.info["cmdline"] or []
            if process.info["cwd"] == str(self.project.folder) and f"results/tiny/runs/{self.run}" in words:
                return process
        return None

    def hold(self, epoch: int, seconds: float = 600) -> psutil.Process:
        """Its process, stopped (SIGSTOP) when it has done `epoch` epochs, and not all."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            process = self.process()
            while process and process.is_running() and time.monotonic() < end:
                if f"epoch {epoch}/" in self.log:
                    process.suspend()
                    assert "finished" not in self.log, "too late: it needs more epochs"
                    return process
                time.sleep(0.02)
            time.sleep(0.1)
        raise TimeoutError(f"{self.run} did not reach epoch {epoch}: {self.log}")
