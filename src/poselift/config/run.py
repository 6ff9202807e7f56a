"""All that determines one training run, and its way through a command line."""

from argparse import ArgumentParser
from typing import Any, Literal

from pydantic import Field, SerializeAsAny, ValidationInfo, field_validator

from poselift.config.models import ARCHITECTURES, BaselineSettings, model_settings, model_size
from poselift.config.sections import Section, add_options, parse
from poselift.errors import PoseliftError


class TrainingSettings(Section):
    """A training recipe. The defaults are the published one of MotionAGFormer."""

    epochs: int = Field(60, ge=1, description="passes over the training clips")
    batch_size: int = Field(16, ge=1, description="clips an optimiser step")
    lr: float = Field(5e-4, gt=0, description="learning rate of AdamW in the first epoch")
    lr_decay: float = Field(0.99, gt=0, le=1, description="factor on the learning rate after each epoch")
    weight_decay: float = Field(0.01, ge=0, description="weight decay of AdamW")
    n_mpjpe_weight: float = Field(0.5, ge=0, description="weight of the scale-free position loss")
    velocity_weight: float = Field(20.0, ge=0, description="weight of the velocity loss")
    flip: float = Field(0.5, ge=0, le=1, description="probability of mirroring a training clip")


class RunSettings(Section):
    """All that determines one training run, resolved: the run's `config.yaml`."""

    architecture: Literal["baseline", "mamba_gcn", "full"] = Field(description="which model")
    size: str = Field(pattern=r"^[a-z][a-z0-9]*$", description="name of the model's size")
    depth: int = Field(ge=1, description="number of blocks (given by the size)")
    dim: int = Field(ge=8, multiple_of=8, description="channels a token (given by the size)")
    n_frames: int = Field(243, ge=3, description="frames a clip (accelerations need three)")
    seed: int = Field(0, ge=0, description="seed of weights, order and augmentation")
    model: SerializeAsAny[BaselineSettings] = Field(description="hyper-parameters of the architecture")
    training: TrainingSettings

    @property
    def name(self) -> str:
        """The run's name and folder, `<architecture>-<size>-s<seed>`."""
        return f"{self.architecture}-{self.size}-s{self.seed}"

    @field_validator("model", mode="before")
    @classmethod
    def _model_of_architecture(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, dict) and "architecture" in info.data:
            return model_settings(info.data["architecture"]).model_validate(value)
        return value


def add_run_options(parser: ArgumentParser) -> None:
    """Give `parser` an option for every setting of a run, those of all architectures included."""
    add_options(parser, RunSettings, *(model_settings(name) for name in ARCHITECTURES))


def run_from_options(given: dict[str, Any]) -> RunSettings:
    """Gather the flat options of a command line into `RunSettings`, filling in the size's depth and width."""
    architecture = given.get("architecture", "")
    model = model_settings(architecture)
    if not {"depth", "dim"} <= given.keys():
        given = {**model_size(given.get("size", "")).model_dump(), **given}
    nested: dict[str, Any] = {"model": {}, "training": {}}
    for name, value in given.items():
        if name in TrainingSettings.model_fields:
            nested["training"][name] = value
        elif name in RunSettings.model_fields:
            nested[name] = value
        else:
            nested["model"][name] = value
    known = list(model.model_fields)
    for name in nested["model"]:
        if name not in known:
            raise PoseliftError(
                f"--{name.replace('_', '-')} has no meaning for architecture '{architecture}'"
            )
    return parse(RunSettings, nested, "options")
