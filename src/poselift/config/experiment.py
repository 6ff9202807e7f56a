"""The whole of `config.yaml`: data, the grid of runs, and how the paper shows them."""

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pydantic
from pydantic import Field, SerializeAsAny, ValidationInfo, field_validator, model_validator

from poselift.config import datasets
from poselift.config.architectures import built_in, code_entries, find, known
from poselift.config.card import Card
from poselift.config.datasets import Dataset, InputPath, Source
from poselift.config.faults import raise_all
from poselift.config.presentation import cards
from poselift.config.recipes import RecipeName, recipe
from poselift.config.run import ExecutionSettings, RunSettings, TrainingSettings
from poselift.config.search import Distinct, Search, searchable
from poselift.config.sections import NAME, Section, Text, parse, suggest
from poselift.config.sizes import SIZES, ModelSize, model_size
from poselift.config.submission import Submission
from poselift.errors import PoseliftError, one_line

Name = Annotated[str, Field(pattern=NAME)]
Names = Annotated[list[str], Distinct]
Seeds = Annotated[list[int], Distinct]


class Experiment(Section):
    """The grid of runs: every architecture in every size with every seed of the size."""

    architectures: Names = Field(min_length=1, description="models to train")
    sizes: Names = Field(min_length=1, description="sizes to train them in")
    seeds: Seeds = Field(min_length=1, description="seeds to train each with")
    more_seeds: dict[str, Seeds] = Field(
        {}, description="by size: further seeds, of the grid alone (sizes that are not in it have none)"
    )

    def seeds_of(self, size: str) -> list[int]:
        """The seeds of the models of this size."""
        return list(dict.fromkeys([*self.seeds, *self.more_seeds.get(size, [])]))


class PartOfGrid(Section):
    """Runs like those of the experiment, but for what is set here."""

    architectures: Names = Field([], description="models to train (default: those of the experiment)")
    sizes: Names = Field([], description="sizes to train them in (default: those of the experiment)")
    seeds: Seeds = Field([], description="seeds (default: those of the experiment)")

    def grid(self, experiment: Experiment) -> Experiment:
        """The grid of these runs; seeds that some sizes have more belong to the main one alone."""
        own = {name: getattr(self, name) for name in PartOfGrid.model_fields}
        given = {name: value for name, value in own.items() if value}
        return experiment.model_copy(update={**given, "more_seeds": {}})


class GroundTruth2D(PartOfGrid):
    """Runs that lift the labels' own 2D poses: these models, with the experiment's recipe."""

    sizes: Names = Field(min_length=1, description="sizes to train them in")


class Override(Section):
    """Other training settings for some of the runs: those of these architectures and sizes (empty: all)."""

    architectures: list[str] = Field([], description="for these architectures")
    sizes: list[str] = Field([], description="for these sizes")
    n_frames: int | None = Field(None, ge=3, description="frames per clip")
    recipe: RecipeName | None = Field(None, description="the recipe that the training starts from")
    training: TrainingSettings = Field(TrainingSettings(), description="the keys of `training` that differ")

    def applies(self, architecture: str, size: str) -> bool:
        """Whether the override is meant for runs of this architecture and size."""
        wanted = ((architecture, self.architectures), (size, self.sizes))
        return all(not names or name in names for name, names in wanted)


class Variant(Section):
    """A run of the grid with some keys changed: an entry of an ablation or of a list of experiments."""

    name: str = Field(pattern=NAME, description="part of the names of its runs")
    title: Text = Field("", description="how tables call it (default: its name)")
    architecture: str = Field(description="the model it starts from")
    size: str = Field(description="the model's size")
    seeds: Seeds = Field([], description="seeds to train it with (default: those of the experiment)")
    n_frames: int | None = Field(None, ge=3, description="frames per clip")
    input_2d: Literal["detected", "ground_truth"] = Field("detected", description="2D poses to lift")
    model: dict[str, Any] = Field({}, description="the keys of the architecture's `models` that differ")
    training: TrainingSettings = Field(TrainingSettings(), description="the keys of `training` that differ")


class AblationVariant(Variant):
    """An entry of the ablation: a variant, and the model of the grid that it is compared with."""

    against: tuple[str, str] | None = Field(
        None, description="architecture and size of that model (default: those that it starts from)"
    )

    @property
    def base(self) -> tuple[str, str]:
        """Architecture and size of the model that it is compared with."""
        return self.against or (self.architecture, self.size)


class Reproduction(Variant):
    """Trainings that are to give a published number again: by the published recipe and hyper-parameters,
    whatever the paper's own are."""

    n_frames: int = Field(ge=3, description="frames per clip, as published")
    published: Text = Field(description="the method in `paper.published` whose MPJPE is to come out")
    input_2d: Literal["detected"] = Field("detected", description="2D poses, as published")
    tolerance: float = Field(0.5, gt=0, description="mm by which it may differ")


NOT_COMPARABLE = "published results cannot be compared with synthetic data; set published: null"


class FurtherData(PartOfGrid):
    """A data set beside the main one, through the same stages, with runs of its own: the keys of its source
    and these."""

    n_frames: int = Field(ge=3, description="frames per clip (default: the data set's own number)")
    training: TrainingSettings = Field(TrainingSettings(), description="keys that differ from their recipe")
    published: InputPath | None = Field(
        None, description="published results to compare with, of the real data"
    )

    @model_validator(mode="after")
    def _published_is_real(self) -> Self:
        if self.published and getattr(self, "synthetic", None):
            raise ValueError(NOT_COMPARABLE)
        return self


def further_section(of: Dataset) -> type[FurtherData]:
    """The section of a further data set."""
    bases: Any = (FurtherData, of.source)
    return pydantic.create_model(f"Further{of.source.__name__}", __base__=bases)


GROUND_TRUTH_2D = "gt2d"
"""The variant's name of runs on ground-truth 2D."""


FamilyName = Literal["grid", "ablation", "ground_truth_2d", "further_data"]


class Statistics(Section):
    """How differences between models are judged."""

    primary: str = Field(
        "mpjpe", pattern=NAME, description="metric whose differences after the last epoch are tested"
    )
    families: list[FamilyName] = Field(
        ["grid", "ablation", "ground_truth_2d", "further_data"],
        description="parts of the study whose differences are tested, each corrected as one family (further "
        "data: each set); all others are exploratory, without stars",
    )

    equivalence_margin: float = Field(
        0.5, gt=0, description="difference of the primary metric, in its unit, that would not matter"
    )
    resamples: int = Field(10_000, ge=100, description="bootstrap resamples of the test sequences")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="confidence level of intervals")
    seed: int = Field(0, ge=0, description="seed of the resampling")


class Paper(Submission):
    """How the paper presents results, and its form."""

    title: Text = Field(min_length=1, description="title of the paper")
    authors: list[Annotated[Text, Field(min_length=1)]] = Field(min_length=1, description="names, in order")
    decimals: int = Field(1, ge=0, le=4, description="decimals of millimetres in tables and text")
    per_action_size: str = Field(description="the size whose errors per action and joint are shown")
    published: InputPath | None = Field(
        None, description="published results to compare with, of the real data"
    )
    streaming: bool = Field(False, description="draw the error by look-ahead, of models that answer live")

    def as_shown(self) -> Self:
        """With the authors that a reader sees."""
        return self.model_copy(update={"authors": ["Anonymous authors"]}) if self.anonymous else self


class Cluster(Section):
    """What the workflow has to know of a cluster; the cluster's profile says it."""

    gpus_per_node: int | None = Field(
        None, ge=2, description="GPUs per node: more processes take several nodes"
    )


class Certificate(Section):
    """What `snakemake certificate` compares with what it makes again."""

    paper: InputPath | None = Field(
        None, description="folder or zip of the paper that is checked (default: the one that was built)"
    )
    taken: Literal["nothing", "data", "weights", "evaluations"] = Field(
        "weights", description="the stage up to which files are taken as given and not made again"
    )


def _each(sections: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """`value`, whose keys are sections; `sections` says their types and defaults by name."""
    return dict(pydantic.create_model("Sections", __base__=Section, **sections).model_validate(value))


@dataclass(frozen=True)
class _Described:
    """In the JSON schema: the sections of what the project has itself, by name, and any of the user's."""

    sections: Callable[[], dict[str, type[Section]]]
    is_one: bool = False
    """one of these sections, in place of a section by name"""

    def __get_pydantic_json_schema__(self, _: Any, handler: Any) -> dict[str, Any]:
        own = {name: handler(one.__pydantic_core_schema__) for name, one in self.sections().items()}
        if self.is_one:
            return {"anyOf": list(own.values())}
        return {"type": "object", "properties": own, "additionalProperties": {"type": "object"}}


def _own_datasets() -> list[Dataset]:
    return [datasets.dataset(name) for name in datasets.known()]


SOURCES = _Described(lambda: {of.name: of.source for of in _own_datasets()}, is_one=True)
FURTHER = _Described(lambda: {of.name: further_section(of) for of in _own_datasets()})
MODELS = _Described(lambda: {name: one.settings for name, one in known({}).items()})


class Config(Section):
    """The whole of `config.yaml`."""

    dataset: str = Field(pattern=NAME, description="folder below results/")
    datasets: dict[Name, InputPath] = Field({}, description="data sets of your own: a Python file by name")
    data: Annotated[SerializeAsAny[Source], SOURCES] = Field(description="the main data set")
    further_data: Annotated[dict[str, SerializeAsAny[FurtherData]], FURTHER] = Field(
        {}, description="further data sets by name, with runs of their own"
    )
    n_frames: int = Field(243, ge=3, description="frames per clip (accelerations need three)")
    sizes: dict[str, ModelSize] = Field({}, description="model sizes beside the published ones")
    architectures: dict[str, Text] = Field(
        {}, description="lifters of your own: a Python file or module by name"
    )
    models: Annotated[dict[str, SerializeAsAny[Section]], MODELS] = Field(
        {}, validate_default=True, description="hyper-parameters of each architecture"
    )
    recipe: RecipeName = Field("published", description="the recipe that the trainings start from")
    training: TrainingSettings = Field(TrainingSettings(), description="keys that differ from the recipe")
    execution: ExecutionSettings = ExecutionSettings()
    cluster: Cluster = Cluster()
    overrides: list[Override] = Field([], description="training settings that differ by architecture or size")
    experiment: Experiment
    ground_truth_2d: GroundTruth2D | None = Field(
        None, description="runs on ground-truth 2D poses, of those sizes that are in the experiment"
    )
    ablation: list[AblationVariant] = Field(
        [], description="runs of the ablation study, compared with models in the experiment"
    )
    experiments: list[Variant] = Field([], description="runs outside the paper")
    reproduction: list[Reproduction] = Field(
        [], description="published numbers that `snakemake reproduction` trains again, outside the paper"
    )
    frozen: list[str] = Field([], description="finished runs that no edit of the code trains again")
    draft: bool = Field(False, description="build the paper from the runs that are there, marked as a draft")
    search: Search = Search()
    statistics: Statistics = Statistics()
    paper: Paper
    certificate: Certificate = Certificate()

    @field_validator("datasets")
    @classmethod
    def _data_sets_can_be_read(cls, own: dict[str, Path]) -> dict[str, Path]:
        for name in own:
            _dataset(name, own)
        return own

    @field_validator("data", mode="before")
    @classmethod
    def _data_of_its_data_set(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, Mapping):
            return value
        of = _dataset(str(value.get("dataset", "human36m")), info.data.get("datasets", {}))
        return of.source.model_validate(_titled(value, of))

    @field_validator("further_data", mode="before")
    @classmethod
    def _further_of_their_data_sets(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, Mapping):
            return value
        given = {str(name): section for name, section in value.items() if section is not None}
        found = {name: _dataset(name, info.data.get("datasets", {})) for name in given}
        for name, of in found.items():
            if isinstance(given[name], Mapping):
                if (other := given[name].get("dataset", name)) != name:
                    raise ValueError(f"{name}.dataset: expected {name}, found {one_line(other)}")
                given[name] = {"dataset": name, "n_frames": of.n_frames, **_titled(given[name], of)}
        return _each({name: (further_section(of), ...) for name, of in found.items()}, given)

    @field_validator("architectures")
    @classmethod
    def _lifters_can_be_built(cls, own: dict[str, str]) -> dict[str, str]:
        try:
            known(own)
        except PoseliftError as error:
            raise ValueError(error) from None
        return own

    @field_validator("models", mode="before")
    @classmethod
    def _settings_of_each(cls, value: Any, info: ValidationInfo) -> Any:
        architectures = known(info.data.get("architectures", {}))
        fields = {name: (one.settings, one.settings()) for name, one in architectures.items()}
        return _each(fields, value) if isinstance(value, dict) else value

    def _named(self, key: str) -> Iterator[tuple[str, str]]:
        """Each key of the configuration that names an architecture (a size), with the name."""
        lists: dict[str, Section | None] = {
            "experiment": self.experiment,
            "ground_truth_2d": self.ground_truth_2d,
            **{f"further_data.{name}": data for name, data in self.further_data.items()},
            **{f"overrides.{i}": override for i, override in enumerate(self.overrides)},
        }
        for where, section in lists.items():
            yield from ((f"{where}.{key}s", name) for name in getattr(section, f"{key}s", ()))
        single: dict[str, list[Any]] = {
            "ablation": self.ablation, "experiments": self.experiments, "reproduction": self.reproduction,
            "search": self.search.stages,
        }  # fmt: skip
        if key == "architecture":
            for stage in self.search.stages:
                yield from ((f"search.{stage.name}.architectures", name) for name in stage.architectures)
        else:
            yield "paper.per_action_size", self.paper.per_action_size
            yield from (("experiment.more_seeds", name) for name in self.experiment.more_seeds)
        for where, entries in single.items():
            yield from ((f"{where}.{one.name}.{key}", name) for one in entries if (name := getattr(one, key)))
        place = ("architecture", "size").index(key)
        yield from (
            (f"ablation.{one.name}.against", one.against[place]) for one in self.ablation if one.against
        )

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        there = {"architecture": [*built_in(), *self.architectures], "size": [*SIZES, *self.sizes]}
        keys = searchable(known(self.architectures).values())
        found = (
            [
                f"search.tuned: unknown architecture '{name}'{suggest(name, there['architecture'])}"
                for name in self.search.tuned
                if name not in there["architecture"]
            ]
            + [
                f"{where}: unknown {key} '{name}'{suggest(name, names)}"
                for key, names in there.items()
                for where, name in self._named(key)
                if name not in names
            ]
            + [
                f"search stage '{stage.name}': '{key}' cannot be searched{suggest(key, keys)}"
                for stage in self.search.stages
                for key in stage.keys
                if key not in keys
            ]
        )
        raise_all(found)
        return self

    @model_validator(mode="after")
    def _runs_resolve(self) -> Self:
        if self.paper.published and self.data.synthetic:
            raise ValueError(f"paper: {NOT_COMPARABLE}")
        if self.paper.per_action_size not in self.experiment.sizes:
            raise ValueError("paper.per_action_size must be one of experiment.sizes")
        self._ablation_is_paired()
        names = [variant.name for variant in [*self.ablation, *self.experiments, *self.reproduction]]
        for name in names:
            if names.count(name) > 1 or name == GROUND_TRUTH_2D:
                raise ValueError(f"the name '{name}' of an ablation or experiment is taken")
        runs = self.all_runs()
        for name in self.frozen:
            if name not in runs:
                raise ValueError(f"frozen: no run '{name}'{suggest(name, runs)}")
        for name, run in runs.items():
            if run.training.deterministic and getattr(run.model, "ssm_backend", "") == "mamba_ssm":
                raise ValueError(
                    f"{name}: the kernels of mamba_ssm are not deterministic; set deterministic: false, or "
                    "another ssm_backend"
                )
        self.runs_by_folder()
        return self

    def _ablation_is_paired(self) -> None:
        """Raise `ValueError` for a seed of an entry that the model it is compared with does not have."""
        models = set(product(self.experiment.architectures, self.experiment.sizes))
        for variant in self.ablation:
            there = self.experiment.seeds_of(variant.base[1])
            alone = [seed for seed in variant.seeds if seed not in there]
            if alone and variant.base in models:
                raise ValueError(
                    f"ablation.{variant.name}.seeds: {' in size '.join(variant.base)}, which it is compared "
                    f"with, has no seed {alone[0]}, only {', '.join(map(str, there))}"
                )

    @model_validator(mode="after")
    def _primary_is_measured(self) -> Self:
        primary, tested = self.statistics.primary, [self.data.dataset]
        if "further_data" in self.statistics.families:
            tested += self.further_data
        for name in tested:
            if primary not in (metrics := self.dataset_of(name).metrics):
                raise ValueError(
                    f"statistics.primary: no metric '{primary}' of {name}{suggest(primary, metrics)}"
                )
        return self

    def dataset_of(self, name: str) -> Dataset:
        """The data set of this name, one of the user's own included."""
        return datasets.dataset(name, self.datasets)

    def run(
        self,
        architecture: str,
        size: str,
        seed: int,
        variant: Variant | None = None,
        further: str | None = None,
    ) -> RunSettings:
        """The settings of one run: the recipe, the keys set in `training`, the overrides that apply, in their
        order, and then what the variant changes; on further data the recipe and the keys for these. Of a
        reproduction the published recipe and hyper-parameters, and what it says itself."""
        as_architecture, as_size = self._trained_as(architecture, size, variant)
        model = find(as_architecture, self.architectures.get(as_architecture))
        as_published = isinstance(variant, Reproduction)
        hyperparameters = {} if as_published else self._hyperparameters(architecture, as_architecture)
        hyperparameters |= variant.model if variant else {}
        overrides = [o for o in self.overrides if o.applies(as_architecture, as_size)]
        name = next((o.recipe for o in reversed(overrides) if o.recipe), self.recipe)
        own = self.dataset_of(further or self.data.dataset).recipe
        name = "published" if further or as_published else name
        training = (own or recipe(name, model, as_size)).model_dump()
        changes: list[Any] = [self.further_data[further]] if further else [self, *overrides]
        changes = [] if as_published else changes
        changes += [variant] if variant else []
        for change in changes:
            training |= change.training.model_dump(exclude_unset=True)
        n_frames = next(change.n_frames for change in reversed(changes) if change.n_frames)
        shape = (None if as_published else self.sizes.get(size)) or model_size(size)
        special = {} if variant is None else {"variant": variant.name, "input_2d": variant.input_2d}
        return parse(
            RunSettings,
            {
                "architecture": architecture, "architecture_file": self.architectures.get(architecture),
                "size": size, **special, **shape.model_dump(),
                "n_frames": n_frames, "seed": seed,
                "model": hyperparameters, "training": training,
            },
            f"{variant.name if variant else further or ''} {architecture}, size {size}".strip(),
        )  # fmt: skip

    def _trained_as(self, architecture: str, size: str, variant: Variant | None) -> tuple[str, str]:
        """The model whose recipe and hyper-parameters a run has: its own, but of an architecture or a size
        that only the ablation has, those of the model that it is compared with."""
        against = variant.against if isinstance(variant, AblationVariant) else None
        if against is None:
            return architecture, size
        is_in_grid = architecture in self.experiment.architectures, size in self.experiment.sizes
        return (architecture if is_in_grid[0] else against[0], size if is_in_grid[1] else against[1])

    def _hyperparameters(self, architecture: str, taken_from: str) -> dict[str, Any]:
        """The hyper-parameters of an architecture: of those that `models` does not say of it, the values of
        another one, as far as both have them."""
        own, others = self.models[architecture], self.models[taken_from]
        known = type(own).model_fields
        shared = {name: value for name, value in others.model_dump().items() if name in known}
        return own.model_dump() | shared | own.model_dump(exclude_unset=True)

    def code_entries(self, architecture: str) -> tuple[str, ...]:
        """What the code hash of a stage that builds this architecture starts from, beside the stage."""
        return code_entries(architecture, self.architectures.get(architecture))

    def file_option(self, architecture: str) -> str:
        """Where a lifter of the user's own lies, as an option. Its path decides nothing: its code counts."""
        file = self.architectures.get(architecture)
        return f"--architecture-file {shlex.quote(file)}" if file else ""

    def cards(self) -> dict[str, Card]:
        """How the architectures of the experiment are presented, by name."""
        return cards(dict.fromkeys(name for _, name in self._named("architecture")), self.architectures)

    def runs(self, further: str | None = None) -> dict[str, RunSettings]:
        """The main runs of the experiment by name, or those on a further data set."""
        grid = self.further_data[further].grid(self.experiment) if further else self.experiment
        models = product(grid.architectures, grid.sizes)
        return _by_name(
            self.run(*model, seed, further=further) for model in models for seed in grid.seeds_of(model[1])
        )

    def in_experiment(self) -> Self:
        """The configuration without what belongs to models that the experiment does not have: entries of
        the ablation, and sizes on ground-truth 2D; and without the reproduction of published results where
        there are none. So a smaller experiment needs no other change."""
        grid, wanted = self.experiment, self.ground_truth_2d
        sizes = [size for size in wanted.sizes if size in grid.sizes] if wanted else []
        models = set(product(grid.architectures, grid.sizes))
        ablation = [variant for variant in self.ablation if variant.base in models]
        ground_truth = wanted.model_copy(update={"sizes": sizes}) if wanted and sizes else None
        again = self.reproduction if self.paper.published else []
        known = {"ablation": ablation, "ground_truth_2d": ground_truth, "reproduction": again}
        return self.model_copy(update=known)

    def ground_truth_runs(self) -> dict[str, RunSettings]:
        """The runs on ground-truth 2D by name."""
        if self.ground_truth_2d is None:
            return {}
        grid = self.ground_truth_2d.grid(self.experiment)
        variant = {"name": GROUND_TRUTH_2D, "seeds": grid.seeds, "input_2d": "ground_truth"}
        models = product(grid.architectures, grid.sizes)
        return self.variant_runs([Variant(architecture=a, size=size, **variant) for a, size in models])

    def variant_runs(self, variants: Sequence[Variant]) -> dict[str, RunSettings]:
        """The runs of some variants by name."""
        return _by_name(
            self.run(variant.architecture, variant.size, seed, variant)
            for variant in variants
            for seed in variant.seeds or self.experiment.seeds
        )

    def all_runs(self) -> dict[str, RunSettings]:
        """Every run by name: the main ones, those on ground-truth 2D, the ablation, the experiments."""
        variants = [*self.ablation, *self.experiments]
        return self.runs() | self.ground_truth_runs() | self.variant_runs(variants)

    def doubts(self) -> list[str]:
        """What is odd about the runs: a sentence for each entry that trains a model of the grid once more."""
        grid, seed = self.experiment, self.experiment.seeds[0]
        return [
            f"{variant.name}: changes nothing of {variant.architecture} in size {variant.size}, "
            "which is trained once more for it"
            for variant in [*self.ablation, *self.experiments]
            if variant.architecture in grid.architectures
            and variant.size in grid.sizes
            and self.run(variant.architecture, variant.size, seed, variant).model_copy(
                update={"variant": None}
            )
            == self.run(variant.architecture, variant.size, seed)
        ]

    def runs_by_folder(self) -> dict[str, dict[str, RunSettings]]:
        """All runs by the folder below results/ that they lie in, that of the main data set first, where
        those of the reproduction are, too; further data have folders of their own in it, and runs that may be
        called like others."""
        further = {f"{self.dataset}/{name}": self.runs(name) for name in self.further_data}
        return {self.dataset: self.all_runs() | self.variant_runs(self.reproduction), **further}


def _by_name(runs: Iterable[RunSettings]) -> dict[str, RunSettings]:
    return {run.name: run for run in runs}


def _dataset(name: str, own: Mapping[str, Path]) -> Dataset:
    try:
        return datasets.dataset(name, own)
    except PoseliftError as error:
        raise ValueError(error) from None


def _titled(section: Mapping[str, Any], of: Dataset) -> dict[str, Any]:
    """The section with the title that data have by default."""
    imitated = section.get("synthetic") is not None
    return {"title": f"synthetic motion in the form of {of.title}" if imitated else of.title, **section}
