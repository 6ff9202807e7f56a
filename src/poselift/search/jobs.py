"""The jobs of a search: what each reads and its options, by the wildcards of its rule."""

import json
import shlex
from dataclasses import dataclass
from typing import Any

from poselift.config.experiment import Config
from poselift.config.options import options
from poselift.config.run import RunSettings
from poselift.search.stages import Plan


@dataclass(frozen=True)
class Jobs:
    """The jobs of the planned `stages` with results in `folder`, by the wildcards stage, trial and rung."""

    stages: dict[str, Plan]
    folder: str

    @property
    def last_rankings(self) -> dict[str, str]:
        """The file that says which trial of each stage has won."""
        return {name: self._ranking(name, stage.last_rung) for name, stage in self.stages.items()}

    def base(self, wildcards: Any) -> RunSettings:
        """The run that a trial changes."""
        return self.stages[wildcards.stage].trials[wildcards.trial].base

    def options(self, wildcards: Any) -> str:
        """What a trial is and how far it runs, as options."""
        return self.stages[wildcards.stage].options(wildcards.trial, int(wildcards.rung))

    def previous(self, wildcards: Any) -> list[str]:
        """The ranking after the rung before, by which a trial goes on or stops; none for the first rung."""
        rung = int(wildcards.rung)
        return [self._ranking(wildcards.stage, rung - 1)] if rung else []

    def start(self, wildcards: Any) -> list[str]:
        """The last ranking of the stage whose winner this one starts from; none without such a stage."""
        start_from = self.stages[wildcards.stage].start_from
        return [self.last_rankings[start_from]] if start_from else []

    def outcomes(self, wildcards: Any) -> list[str]:
        """What a rung's trials of a stage wrote."""
        folder, trials = f"{self.folder}/{wildcards.stage}", self.stages[wildcards.stage].trials
        return [f"{folder}/{trial}/rung-{wildcards.rung}.json" for trial in trials]

    def ranking_options(self, wildcards: Any) -> str:
        """Which trials a ranking compares, and how many of them go on, as options.

        Trials by name, not by file: the system takes commands of 128 KiB, which a thousand paths can fill.
        """
        stage = self.stages[wildcards.stage]
        trials = shlex.join(["--trials", *stage.trials])
        if stage.finalists and int(wildcards.rung) == stage.whole_rung:
            return f"{trials} --count {stage.finalists.count}"
        return f"{trials} --keep {stage.halving.keep if stage.halving else 1}"

    def _ranking(self, stage: str, rung: int) -> str:
        return f"{self.folder}/{stage}/ranking-{rung}.json"


def collect_options(config: Config) -> str:
    """The subject that trials are judged on, and the overrides that the winner's settings are added to."""
    stated = [override.model_dump(mode="json", exclude_unset=True) for override in config.overrides]
    subject = options(config.search, only=("validation_subject",))
    return f"--overrides {shlex.quote(json.dumps(stated))} {subject}"
