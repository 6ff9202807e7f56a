"""The second data set, MPI-INF-3DHP: where it lies and what is trained on it."""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from poselift.config.models import model_size
from poselift.config.run import RunSettings, TrainingSettings
from poselift.config.sections import InputPath, Section, parse

if TYPE_CHECKING:
    from poselift.config.experiment import Config, Experiment

PUBLISHED_TRAINING = TrainingSettings(epochs=90, optimizer="amsgrad", lr=5e-4, weight_decay=0, lr_decay=0.99)
"""MotionAGFormer's recipe for these data; what it does not say is as for Human3.6M."""


class SyntheticMPIInf3DHP(Section):
    """Procedural motion in the two files' schema; everything made from it is marked as synthetic."""

    seed: int = Field(0, ge=0, description="seed of the motion")
    train_frames: int = Field(200, ge=2, description="frames a training sequence (there are 16, in 8 views)")
    test_frames: int = Field(200, ge=2, description="frames a test sequence (there are 6)")


def dataset_title(synthetic: bool) -> str:
    """How the paper calls the second data set, or the synthetic motion that stands in for it."""
    return f"{'synthetic motion in the form of ' if synthetic else ''}MPI-INF-3DHP"


class MPIInf3DHP(Section):
    """A second data set through the same stages: two files (`train`, `test`) or a procedure (`synthetic`)."""

    train: InputPath | None = Field(None, description="data_train_3dhp.npz")
    test: InputPath | None = Field(None, description="data_test_3dhp.npz")
    synthetic: SyntheticMPIInf3DHP | None = Field(
        None, description="generate motion instead of reading the files"
    )
    n_frames: int = Field(81, ge=3, description="frames a clip")
    architectures: list[Literal["baseline", "mamba_gcn", "full"]] = Field(
        [], description="models to train (default: those of the experiment)"
    )
    sizes: list[str] = Field([], description="sizes to train them in (default: those of the experiment)")
    seeds: list[int] = Field([], description="seeds (default: those of the experiment)")
    training: TrainingSettings = Field(
        TrainingSettings(), description="keys that differ from the published recipe for these data"
    )
    published: InputPath | None = Field(
        None, description="published results to compare with; only for the real data"
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        files = self.train is not None and self.test is not None
        if files == (self.synthetic is not None) or (self.train is None) != (self.test is None):
            raise ValueError("give either train and test (files) or synthetic (settings), the other null")
        if self.synthetic and self.published:
            raise ValueError("published results cannot be compared with synthetic data; set published: null")
        return self

    def grid(self, experiment: "Experiment") -> "Experiment":
        """The grid of runs on these data: that of the experiment but for what is set here."""
        own = {name: getattr(self, name) for name in ("architectures", "sizes", "seeds")}
        return experiment.model_copy(update={name: value for name, value in own.items() if value})

    def runs(self, config: "Config") -> dict[str, RunSettings]:
        """The runs on these data by name: models and sizes as in `config`, and a recipe of their own."""
        training = PUBLISHED_TRAINING.model_dump() | self.training.model_dump(exclude_unset=True)
        grid = self.grid(config.experiment)
        runs = {}
        for architecture in grid.architectures:
            for size in grid.sizes:
                shape = config.sizes.get(size) or model_size(size)
                for seed in grid.seeds:
                    run = parse(
                        RunSettings,
                        {
                            "architecture": architecture, "size": size, **shape.model_dump(),
                            "n_frames": self.n_frames, "seed": seed,
                            "model": getattr(config.models, architecture).model_dump(), "training": training,
                        },
                        f"mpi_inf_3dhp: {architecture}, size {size}",
                    )  # fmt: skip
                    runs[run.name] = run
        return runs
