"""The jobs of the data stages: their files and options, for each data set of a configuration.

`folder` is what a data set's results lie in below results/, the wildcard `dataset` of the workflow.
"""

import shlex
from pathlib import Path
from typing import Any

from poselift.config.datasets import Dataset, Source, modules
from poselift.config.experiment import Config, FurtherData
from poselift.config.sections import options


class DataJobs:
    """The data sets of a configuration, that of the paper first."""

    def __init__(self, settings: Config) -> None:
        self._settings = settings
        self.sources: dict[str, Source] = {settings.dataset: settings.data}
        for name, further in settings.further_data.items():
            assert isinstance(further, Source)
            self.sources[f"{settings.dataset}/{name}"] = further

    def dataset(self, folder: str) -> Dataset:
        """The data set of a folder."""
        return self._settings.dataset_of(self.sources[folder].dataset)

    def require(self) -> None:
        """Raise `PoseliftError` for a file that is missing."""
        for folder, source in self.sources.items():
            self.dataset(folder).require(source.files())

    def files(self, folder: str) -> dict[str, Path]:
        """The files by key: those of the configuration, or those that synthetic motion is written to."""
        source, store = self.sources[folder], Path("results", folder, "data")
        ending = self.dataset(folder).ending
        return source.files() or {key: store / f"{key}{ending}" for key in source.file_keys()}

    def raw(self, wildcards: Any) -> list[str]:
        """The files as a rule's input."""
        return list(map(str, self.files(wildcards.dataset).values()))

    def digest(self, wildcards: Any) -> str | list[str]:
        """The file that says when synthetic motion has changed; none beside files from outside."""
        synthetic = self.sources[wildcards.dataset].synthetic
        return f"results/{wildcards.dataset}/data/raw.sha256" if synthetic else []

    def named(self, folder: str) -> str:
        """The data set as the option of a command: its name, or the user's file."""
        name = self.sources[folder].dataset
        return f"--dataset {shlex.quote(str(self._settings.datasets.get(name, name)))}"

    def file_options(self, wildcards: Any) -> str:
        """The data set and its files."""
        files = self.files(wildcards.dataset).items()
        words = [f"--{key} {shlex.quote(str(path))}" for key, path in files]
        return " ".join([self.named(wildcards.dataset), *words])

    def check_options(self, wildcards: Any) -> str:
        """What the files are checked against."""
        return options(self.sources[wildcards.dataset], only=("sha256",))

    def synthetic_options(self, folder: str) -> str:
        """The data set and the settings of its synthetic motion."""
        settings = self.sources[folder].synthetic
        return f"{self.named(folder)} {options(settings) if settings else ''}"

    def clip_options(self, wildcards: Any) -> str:
        """The expected numbers of clips, which are known for the data set's own number of frames."""
        source = self.sources[wildcards.dataset]
        n_frames = (source if isinstance(source, FurtherData) else self._settings).n_frames
        expected = source.expected_clips if int(wildcards.n_frames) == n_frames else None
        return " ".join(f"--expect-{split} {count}" for split, count in (expected or {}).items())

    def evaluation_options(self, wildcards: Any) -> str:
        """The data set whose metrics are evaluated."""
        return self.named(wildcards.dataset)

    def code_entries(self, folder: str, part: str = "") -> list[str]:
        """What the code hash of a stage that uses a `part` of the data set (`read`, `synthesise`) starts
        from, beside the stage itself."""
        of = self.dataset(folder)
        own = self._settings.datasets.get(of.name)
        value = f"poselift.datasets.{of.name}"
        return [str(own)] if own else [value, *modules(getattr(of, part) if part else None)]
