"""The hyper-parameter search: stages of trials, one after the other or from one's winner to the next."""

from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from poselift.config.architectures import Architecture
from poselift.config.run import TrainingSettings
from poselift.config.sections import NAME, Section

GIVEN = ("epochs", "processes")
"""Keys of the training that trials cannot vary: a stage's trials have one length, and a device each."""


def _distinct(values: list[Any]) -> list[Any]:
    if any(value in values[:i] for i, value in enumerate(values)):
        raise ValueError("an entry occurs twice")
    return values


Distinct = AfterValidator(_distinct)
"""Of a list: no entry occurs twice."""


def searchable(architectures: Iterable[Architecture]) -> list[str]:
    """The keys that a trial may change: the model, its hyper-parameters, the training."""
    training = (key for key in TrainingSettings.model_fields if key not in GIVEN)
    model = (key for one in architectures for key in one.settings.model_fields)
    return list(dict.fromkeys(["architecture", "size", *training, *model]))


class Range(Section):
    """Numbers to draw from: whole ones if both ends are."""

    low: int | float = Field(description="smallest value")
    high: int | float = Field(description="largest value")
    log: bool = Field(False, description="draw evenly over the logarithm")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise ValueError("low must be less than high")
        if self.log and self.low <= 0:
            raise ValueError("a logarithmic range must start above 0")
        return self


# told apart by their form, so that a fault is reported for the one that is meant
Choices = Annotated[
    Annotated[list[Any], Tag("values")] | Annotated[Range, Tag("range")],
    Discriminator(lambda values: "range" if isinstance(values, dict | Range) else "values"),
]


class RandomSampling(Section):
    """Trials drawn at random; more samples leave the earlier ones as they are."""

    samples: int = Field(ge=1, le=10_000, description="number of trials")
    seed: int = Field(0, ge=0, description="seed of the draws")
    space: dict[str, Choices] = Field(min_length=1, description="per key: a list of values, or a range")


class Halving(Section):
    """Successive halving (Jamieson and Talwalkar, AISTATS 2016): hopeless trials stop early."""

    epochs: list[int] = Field(min_length=1, description="epochs after which trials are compared")
    keep: float = Field(1 / 3, gt=0, lt=1, description="fraction of the trials that goes on (rounded up)")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.epochs[0] < 1 or sorted(set(self.epochs)) != self.epochs:
            raise ValueError("epochs must rise, from 1 or more")
        return self


class Finalists(Section):
    """The best trials of a stage, which are then trained with further seeds and compared by the mean."""

    count: int = Field(ge=2, description="how many")
    seeds: Annotated[list[Annotated[int, Field(ge=0, lt=2**32)]], Distinct] = Field(
        min_length=1, description="seeds beside that of the search"
    )


class Stage(Section):
    """Trials that are compared with each other."""

    name: str = Field(pattern=NAME, description="folder of its trials")
    start_from: str | None = Field(None, description="an earlier stage, whose winner the trials start from")
    architecture: str | None = Field(None, description="model of the trials (default: that of `start_from`)")
    architectures: Annotated[list[str], Distinct] = Field(
        [],
        description="models that each have these trials, as a stage of their own (default: as `start_from`)",
    )
    size: str | None = Field(None, description="its size (default: that of `start_from`)")
    epochs: int | None = Field(None, ge=1, description="length of a trial (default: that of the recipe)")
    grid: dict[str, list[Any]] = Field({}, description="values of each key, all combinations")
    factors: dict[str, list[float]] = Field(
        {}, description="factors on the winner's value of each key, all combinations (with those of grid)"
    )
    random: RandomSampling | None = Field(None, description="random trials in place of a grid")
    halving: Halving | None = Field(None, description="stop hopeless trials early")
    finalists: Finalists | None = Field(None, description="compare the best trials by several seeds")

    @property
    def keys(self) -> list[str]:
        """The keys that the stage's trials differ in."""
        return [*self.grid, *self.factors, *(self.random.space if self.random else ())]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if bool(self.random) == bool(self.grid or self.factors):
            raise ValueError("give either random, or grid and factors")
        if self.factors and not self.start_from:
            raise ValueError("factors need a stage to start from (start_from)")
        if self.architectures and (self.architecture or "architecture" in self.keys):
            raise ValueError("architectures have stages of their own: they can be named in one way alone")
        space = self.random.space if self.random else {}
        for key in self.keys:
            if self.keys.count(key) > 1:
                raise ValueError(f"'{key}' is both in grid and in factors")
        for key, values in [*self.grid.items(), *self.factors.items(), *space.items()]:
            if isinstance(values, list) and (
                not values or any(value in values[:i] for i, value in enumerate(values))
            ):
                raise ValueError(f"the values of '{key}' are missing or one occurs twice")
        return self


class Tuned(Section):
    """What a search has found the values of an architecture by: what the paper says of it."""

    keys: list[str] = Field(min_length=1, description="the keys that it varied")
    trials: int = Field(ge=1, description="trials of this architecture")
    size: str = Field(description="the size that they had")
    seeds: int = Field(1, ge=1, description="seeds by which the best trial was chosen")
    subject: str = Field(description="training subject that they were judged on")


class Search(Section):
    """The hyper-parameter search (`snakemake search`)."""

    validation_subject: str = Field("S8", description="training subject that trials are judged on, in pixels")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of every trial's training")
    stages: list[Stage] = Field([], description="stages in the order in which they may use each other")
    keep_weights: bool = Field(False, description="keep the weights of finished trials")
    with_paper: bool = Field(False, description="also search whenever the paper is built")
    tuned: dict[str, Tuned] = Field(
        {}, description="by architecture: how its values were found (winner.yaml)"
    )

    @model_validator(mode="after")
    def _chain(self) -> Self:
        names: list[str] = []
        for stage in self.stages:
            if stage.name in names:
                raise ValueError(f"two stages are called '{stage.name}'")
            if stage.start_from is not None and stage.start_from not in names:
                raise ValueError(
                    f"stage '{stage.name}' starts from '{stage.start_from}', which is no earlier stage"
                )
            if stage.finalists and self.seed in stage.finalists.seeds:
                raise ValueError(
                    f"stage '{stage.name}': seed {self.seed} of the finalists is the search's own"
                )
            names.append(stage.name)
        split = [stage.name for stage in self.by_architecture()]
        for name in split:
            if split.count(name) > 1:
                raise ValueError(f"two stages are called '{name}', one of them for one of its architectures")
        return self

    def by_architecture(self) -> list[Stage]:
        """The stages, those of several `architectures` as one for each, `<stage>_<architecture>`: it starts
        from the stage of the same architecture."""
        found: list[Stage] = []
        split: dict[str, list[str]] = {}
        for stage in self.stages:
            of_start = split.get(stage.start_from or "", [])
            varied = stage.architecture or "architecture" in stage.keys
            architectures = stage.architectures or ([] if varied else of_start)
            alone: list[str | None] = [stage.architecture]
            for architecture in architectures or alone:
                changes: dict[str, Any] = {"architectures": [], "architecture": architecture}
                if architectures:
                    changes["name"] = f"{stage.name}_{architecture}"
                if of_start and architecture not in of_start:
                    raise ValueError(
                        f"stage '{stage.name}': '{stage.start_from}', which it starts from, has a winner for "
                        f"each of {', '.join(of_start)}; say which (architecture or architectures)"
                    )
                if of_start:
                    changes["start_from"] = f"{stage.start_from}_{architecture}"
                found.append(stage.model_copy(update=changes))
            if architectures:
                split[stage.name] = architectures
        return found
