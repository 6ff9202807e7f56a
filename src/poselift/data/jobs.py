"""The jobs of the data stages: their files and options, for each data set of a configuration.

`folder` is what a data set's results lie in below results/, the wildcard `dataset` of the workflow.
"""

import json
import shlex
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from poselift.config.datasets import Dataset, Source, modules
from poselift.config.experiment import Config, FurtherData
from poselift.config.options import options
from poselift.data.clip_counts import require_counts
from poselift.data.outside import used
from poselift.errors import PoseliftError


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

    def require(self, folder: str, held: Collection[str]) -> None:
        """Raise `PoseliftError` for a missing file, unless `held` knows what it held when it was used."""
        if any("@missing:" in each for each in held):
            self.dataset(folder).require(self.sources[folder].files())

    def doubts(self, folder: str, held: Collection[str]) -> Iterator[str]:
        """What is odd about the files of a data set, which hold what `held` says
        (`poselift.data.outside`): a sentence for each."""
        source = self.sources[folder]
        try:
            self.require(folder, held)
        except PoseliftError as error:
            yield str(error)
        if held and source.sha256 and "@sha256:" in next(iter(held)):
            found = next(iter(held)).rpartition(":")[2]
            if found != source.sha256:
                yield (
                    f"{next(iter(source.files().values()))}: sha256 {found[:12]}…, expected "
                    f"{source.sha256[:12]}…: another file than the published results were computed on"
                )

    def require_expected(self, folder: str, held: Collection[str]) -> None:
        """Raise `PoseliftError` if there are other numbers of clips than expected, made from files that hold
        what the present ones do: what is made from others is made again and looked at then."""
        results, expected = Path("results", folder), self.sources[folder].expected_clips
        clips = results / "data" / f"clips-{self._n_frames(folder)}"
        if expected and list(held) == used(results) and (manifest := clips / "manifest.json").is_file():
            require_counts(clips, json.loads(manifest.read_text(encoding="utf-8"))["clips"], expected)

    def files(self, folder: str) -> dict[str, Path]:
        """The files by key: those of the configuration, or those that synthetic motion is written to."""
        source, store = self.sources[folder], Path("results", folder, "data")
        ending = self.dataset(folder).ending
        return source.files() or {key: store / f"{key}{ending}" for key in source.file_keys()}

    def synthetic(self, wildcards: Any) -> list[str]:
        """The files of synthetic motion as a rule's input; those from outside may be moved and are none."""
        made = self.sources[wildcards.dataset].synthetic
        return list(map(str, self.files(wildcards.dataset).values())) if made else []

    def digest(self, wildcards: Any) -> str | list[str]:
        """The file that says when synthetic motion has changed; none beside files from outside."""
        synthetic = self.sources[wildcards.dataset].synthetic
        return f"results/{wildcards.dataset}/data/raw.sha256" if synthetic else []

    def option(self, wildcards: Any) -> str:
        """The data set as the option of a command: its name, or the user's file, wherever that lies."""
        return self.named(wildcards.dataset)

    def named(self, folder: str) -> str:
        """As `option`, of the data set of a folder."""
        name = self.sources[folder].dataset
        return f"--dataset {shlex.quote(str(self._settings.datasets.get(name, name)))}"

    def file_options(self, wildcards: Any) -> str:
        """The data set and its files."""
        files = self.files(wildcards.dataset).items()
        words = [f"--{key} {shlex.quote(str(path))}" for key, path in files]
        return " ".join([self.named(wildcards.dataset), *words])

    def synthetic_options(self, folder: str) -> str:
        """The settings of a data set's synthetic motion."""
        settings = self.sources[folder].synthetic
        return options(settings) if settings else ""

    def expected(self, wildcards: Any) -> str:
        """The expected numbers of clips, which are known for the data set's own number of frames.

        The same for clips of other lengths: jobs that share a place in a cluster's queue must not differ in
        a resource.
        """
        expected = self.sources[wildcards.dataset].expected_clips
        words = [f"--expect-{split} {count}" for split, count in (expected or {}).items()]
        return " ".join([*words, f"--expect-at {self._n_frames(wildcards.dataset)}"]) if words else ""

    def _n_frames(self, folder: str) -> int:
        source = self.sources[folder]
        return (source if isinstance(source, FurtherData) else self._settings).n_frames

    def code_entries(self, folder: str, part: str = "") -> list[str]:
        """What the code hash of a stage that uses a `part` of the data set (`read`, `synthesise`) starts
        from, beside the stage itself."""
        of = self.dataset(folder)
        own = self._settings.datasets.get(of.name)
        value = f"poselift.datasets.{of.name}"
        return [str(own)] if own else [value, *modules(getattr(of, part) if part else None)]
