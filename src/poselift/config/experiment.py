"""The whole of `config.yaml`: data, the grid of runs, and how the paper shows them."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from poselift.config.models import SIZES, Architectures, ModelSize, model_size
from poselift.config.run import RunSettings, TrainingSettings
from poselift.config.sections import Section, parse, suggest


class Synthetic(Section):
    """Procedural motion in place of a licensed file; everything made from it is marked as synthetic."""

    seed: int = Field(0, ge=0, description="seed of the motion")
    train_frames: int = Field(324, ge=2, description="frames a training sequence")
    test_frames: int = Field(260, ge=2, description="frames a test sequence")
    n_actions: int = Field(15, ge=1, le=15, description="how many of the 15 actions")
    n_cameras: int = Field(4, ge=1, le=4, description="how many of the four cameras")


class Data(Section):
    """Where the motion comes from: a raw pickle (`raw`) or a procedure (`synthetic`), one of the two."""

    title: str = Field(description="how the paper calls the data")
    raw: Path | None = Field(None, description="pickle in the schema of h36m_sh_conf_cam_source_final.pkl")
    sha256: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="expected hash of `raw`; a warning if it differs"
    )
    expected_clips: dict[Literal["train", "test"], int] | None = Field(
        None, description="numbers of clips that must come out, for data whose counts are known"
    )
    synthetic: Synthetic | None = Field(None, description="generate motion instead of reading `raw`")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.raw is None) == (self.synthetic is None):
            raise ValueError("give either raw (a file) or synthetic (settings), and set the other to null")
        return self


class Experiment(Section):
    """The grid of runs: every architecture in every size with every seed."""

    architectures: list[Literal["baseline", "mamba_gcn", "full"]] = Field(
        min_length=1, description="models to train"
    )
    sizes: list[str] = Field(min_length=1, description="sizes to train them in")
    seeds: list[int] = Field(min_length=1, description="seeds to train each with")

    @field_validator("architectures", "sizes", "seeds")
    @classmethod
    def _distinct(cls, value: list[Any]) -> list[Any]:
        if len(set(value)) < len(value):
            raise ValueError("an entry occurs twice")
        return value


class Override(Section):
    """Other training settings for some of the runs: those of these architectures and sizes (empty: all)."""

    architectures: list[Literal["baseline", "mamba_gcn", "full"]] = Field(
        [], description="for these architectures"
    )
    sizes: list[str] = Field([], description="for these sizes")
    n_frames: int | None = Field(None, ge=3, description="frames a clip")
    training: dict[str, Any] = Field({}, description="the keys of `training` that differ")

    def applies(self, architecture: str, size: str) -> bool:
        """Whether the override is meant for runs of this architecture and size."""
        return (not self.architectures or architecture in self.architectures) and (
            not self.sizes or size in self.sizes
        )


class Paper(Section):
    """How the paper presents results."""

    title: str = Field(description="title of the paper")
    authors: list[str] = Field(min_length=1, description="names, in order")
    decimals: int = Field(1, ge=0, le=4, description="decimals of millimetres in tables and text")
    per_action_size: str = Field(description="the size whose errors per action and joint are shown")
    published: Path | None = Field(
        None, description="published results to compare with; only for the real Human3.6M and its detections"
    )


class Config(Section):
    """The whole of `config.yaml`."""

    dataset: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="folder below results/")
    data: Data
    n_frames: int = Field(243, ge=3, description="frames a clip (accelerations need three)")
    sizes: dict[str, ModelSize] = Field({}, description="model sizes beside the published ones")
    models: Architectures = Architectures()
    training: TrainingSettings = TrainingSettings()
    overrides: list[Override] = Field([], description="training settings that differ by architecture or size")
    experiment: Experiment
    paper: Paper

    @model_validator(mode="after")
    def _runs_resolve(self) -> Self:
        known = [*SIZES, *self.sizes]
        named = [
            *self.experiment.sizes,
            self.paper.per_action_size,
            *(s for o in self.overrides for s in o.sizes),
        ]
        for size in named:
            if size not in known:
                raise ValueError(f"unknown size '{size}'{suggest(size, known)}")
        if self.paper.per_action_size not in self.experiment.sizes:
            raise ValueError("paper.per_action_size must be one of experiment.sizes")
        self.runs()
        return self

    def run(self, architecture: str, size: str, seed: int) -> RunSettings:
        """The settings of one run: the defaults with the overrides that apply, in their order."""
        model: dict[str, Any] = getattr(self.models, architecture).model_dump()
        training = self.training.model_dump()
        n_frames = self.n_frames
        for override in self.overrides:
            if override.applies(architecture, size):
                training |= override.training
                n_frames = override.n_frames or n_frames
        shape = self.sizes.get(size) or model_size(size)
        return parse(
            RunSettings,
            {
                "architecture": architecture, "size": size, **shape.model_dump(), "n_frames": n_frames,
                "seed": seed, "model": model, "training": training,
            },
            "overrides",
        )  # fmt: skip

    def runs(self) -> dict[str, RunSettings]:
        """All runs of the experiment by name."""
        grid = (
            self.run(architecture, size, seed)
            for architecture in self.experiment.architectures
            for size in self.experiment.sizes
            for seed in self.experiment.seeds
        )
        return {run.name: run for run in grid}
