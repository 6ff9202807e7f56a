"""Data sets: what each says of itself, and where it is found.

A data set is a module of `poselift.datasets`, or a Python file of one's own, with a value `DATASET`. None is
imported before it is asked for, and none imports PyTorch.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast, get_args

from pydantic import AfterValidator, Field, model_validator

from poselift.config import plugins
from poselift.config.run import TrainingSettings
from poselift.config.sections import HASH, NAME, Section, Text, literal, suggest
from poselift.errors import PoseliftError, one_line

PACKAGE = "poselift.datasets"

InputPath = Annotated[Path, AfterValidator(literal)]
"""A file that the workflow reads."""

FOLDERS = (
    "benchmarks", "code", "cost", "data", "evaluation", "figures", "handover", "logs", "paper",
    "receipts", "runs", "search", "table_pages", "tables",
)  # fmt: skip
"""What lies in the folder of the main data set, beside those of further ones."""


class Source(Section):
    """Where the motion of a data set comes from: its files, or a procedure that imitates them.

    A data set adds a key for each of its files, and says what `synthetic` is, where it has that.
    """

    dataset: str = Field("human36m", pattern=NAME, description="which data set, by name")
    title: Text = Field("", description="how the paper calls the data (default: the data set's own title)")
    sha256: str | None = Field(None, pattern=HASH, description="of the only file; a warning if it differs")
    expected_clips: dict[Literal["train", "test"], Annotated[int, Field(ge=1)]] | None = Field(
        None, description="numbers of clips that must come out, for data whose counts are known"
    )
    synthetic: Section | None = Field(None, description="generate motion instead of reading files")

    @classmethod
    def file_keys(cls) -> list[str]:
        """The keys that name files: those that the data set adds."""
        of_data_set = [each for each in cls.__mro__ if issubclass(each, Source)][-2:-1] or [cls]
        return [name for name in of_data_set[0].model_fields if name not in Source.model_fields]

    def files(self) -> dict[str, Path]:
        """The files by key; empty for synthetic motion."""
        paths = {key: getattr(self, key) for key in self.file_keys()}
        return {key: path for key, path in paths.items() if path is not None}

    @classmethod
    def synthetic_settings(cls) -> type[Section]:
        """The section `synthetic`."""
        (settings,) = set(get_args(cls.model_fields["synthetic"].annotation)) - {type(None)}
        return cast(type[Section], settings)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        keys, given = self.file_keys(), self.files()
        if len(given) not in (0, len(keys)) or bool(given) == (self.synthetic is not None):
            kind = "a file" if len(keys) == 1 else "files"
            raise ValueError(
                f"give either {' and '.join(keys)} ({kind}) or synthetic (settings), "
                "and set the other to null"
            )
        if self.sha256 and self.synthetic:
            raise ValueError("sha256 is that of a file, which synthetic motion has not; set sha256: null")
        return self


Lazy = Callable[..., Any] | str
"""A function, or `module:name` of one that is imported only when it is called."""


@dataclass(frozen=True)
class Dataset:
    """A data set."""

    name: str
    title: str
    source: type[Source]
    """the keys of its section in config.yaml"""
    read: Lazy
    """reads and checks its files: {key: path} -> {split: `poselift.data.frames.Frames`}"""
    ending: str = ".npz"
    """of the names of its files"""
    origin: str = ""
    """a sentence on where its files come from, for who has none"""
    licence: str = ""
    """what its licence lets people use it for"""
    metrics: tuple[str, ...] = ("mpjpe", "p_mpjpe", "n_mpjpe", "mpjve", "acceleration")
    """names in `poselift.evaluation.metrics`"""
    evaluates: Literal["every frame", "centre frame"] = "every frame"
    """of a test clip; `centre frame`: each valid frame has a clip around it"""
    also_published_scale: bool = False
    """whether results are also given as published code scales predictions: by half the width of the image, as
    if each frame's factor were one"""
    stride: int | None = None
    """frames between the starts of two training clips; None for a third of their length"""
    n_frames: int = 243
    """frames per clip, unless the configuration has another number"""
    inputs: Literal["detected", "annotated"] = "detected"
    """what the 2D poses are"""
    mm_per_unit: float | None = None
    """mm that a model's unit stands for; None where poses are in half widths of the image"""
    recipe: TrainingSettings | None = None
    """how models are trained on it; None for the recipe that config.yaml names"""
    synthesise: Lazy | None = None
    """writes synthetic files: (settings, {key: path}); None without synthetic motion"""

    def require(self, files: Mapping[str, Path]) -> None:
        """Raise `PoseliftError` for a file that is missing, with where it belongs and where it comes from, or
        that is a folder."""
        for key, path in files.items():
            if not path.exists():
                raise PoseliftError(
                    f"{path}: no such file. It belongs there, or set its key `{key}` in config.yaml "
                    f"(--{key}) to where it lies.\n{self.origin}".rstrip()
                )
            if path.is_dir():
                raise PoseliftError(f"{path}: is a folder; set its key `{key}` (--{key}) to the file in it")


def function(part: Lazy) -> Callable[..., Any]:
    """The function itself."""
    return part if callable(part) else cast(Callable[..., Any], pkgutil.resolve_name(part))


def modules(*parts: Lazy | None) -> list[str]:
    """The project's modules that these functions are in, for a hash of their code."""
    named = [part.__module__ if callable(part) else part.partition(":")[0] for part in parts if part]
    return [name for name in named if name.startswith("poselift.")]


@cache
def known() -> tuple[str, ...]:
    """The names of the project's own data sets."""
    package = importlib.import_module(PACKAGE)
    return tuple(sorted(module.name for module in pkgutil.iter_modules(package.__path__)))


def built_in(name: str) -> Dataset | None:
    """The project's own data set of this name; None for one of the user's, whose file only they can name."""
    return dataset(name) if name in known() else None


def dataset(name: str, files: Mapping[str, Path] | None = None) -> Dataset:
    """The data set of this name, or in this Python file.

    `files` are data sets of the user's own, a file by name. Raises `PoseliftError` for an unknown name, and
    for a file that is missing, does not run or holds no data set of that name.
    """
    if name.endswith(".py"):
        return _from_file(Path(name))
    own = known()
    if files and name in files:
        found = _from_file(files[name])
        if name in (*own, *FOLDERS) or found.name != name:
            taken = "is the name of another data set or of a folder of results"
            reason = taken if name in (*own, *FOLDERS) else f"calls itself '{found.name}'"
            raise PoseliftError(f"datasets: {name}: {files[name]} {reason}; give it a name of its own")
        return found
    if name not in own:
        raise PoseliftError(f"unknown data set '{one_line(name)}'{suggest(name, [*own, *(files or ())])}")
    return cast(Dataset, pkgutil.resolve_name(f"{PACKAGE}.{name}:DATASET"))


@cache  # asked for by every run of a configuration; the user's code runs once
def _from_file(path: Path) -> Dataset:
    value = getattr(plugins.load(str(path)), "DATASET", None)
    if not isinstance(value, Dataset):
        found = "no such value" if value is None else type(value).__name__
        raise PoseliftError(f"{path}: DATASET: expected a Dataset of poselift.config.datasets, found {found}")
    return value
