"""All that determines one training run, and how a machine carries it out."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SerializeAsAny, ValidationInfo, field_validator, model_validator

from poselift.config.architectures import built_in, find
from poselift.config.sections import NAME, Section, Text, Unchecked

Kernels = Literal["auto", "triton", "torch"]


class TrainingSettings(Section):
    """A training recipe: all of it determines the weights. The defaults are the published one of
    MotionAGFormer; `poselift.config.recipes` has the named ones."""

    epochs: int = Field(60, ge=1, description="passes over the training clips")
    batch_size: int = Field(16, ge=1, description="clips per optimiser step, over all processes")
    gradient_accumulation_steps: int = Field(1, ge=1, description="parts that a batch is computed in")
    processes: int = Field(1, ge=1, description="processes that share a batch, a GPU each")
    optimizer: Literal["adamw", "amsgrad"] = Field("adamw", description="AdamW, or Adam with AMSGrad")
    lr: float = Field(5e-4, gt=0, lt=1, description="learning rate before decay")
    weight_decay: float = Field(0.01, ge=0, lt=1, description="weight decay of the optimiser")
    lr_scheduler: Literal["exponential", "cosine", "constant"] = Field(
        "exponential", description="course of the learning rate over the epochs"
    )
    lr_decay: float = Field(0.99, gt=0, le=1, description="factor on lr after each epoch (exponential)")
    warmup_steps: int = Field(0, ge=0, description="first steps, in which the learning rate rises linearly")
    precision: Literal["fp32", "bf16", "fp16"] = Field("fp32", description="arithmetic of the forward pass")
    kernels: Kernels = Field(
        "auto", description="MLPs and similarities of frames in half precision (auto: Triton on a GPU)"
    )
    compile: bool = Field(False, description="compile the model with torch.compile")
    deterministic: bool = Field(True, description="the same bits for the same seed on the same machine")
    n_mpjpe_weight: float = Field(0.5, ge=0, description="weight of the scale-free position loss")
    velocity_weight: float = Field(20.0, ge=0, description="weight of the velocity loss")
    flip: float = Field(0.5, ge=0, le=1, description="probability of mirroring a training clip")
    eval_every: int = Field(1, ge=1, description="epochs between evaluations; the last is always evaluated")


class ExecutionSettings(Section):
    """How a training is carried out on a machine. Nothing of it changes the weights."""

    data_path: Literal["auto", "device", "loader"] = Field(
        "auto", description="frames on the device (auto: if they fit) or read by workers"
    )
    memory: Literal["auto", "keep", "recompute"] = Field(
        "auto", description="parts of the model computed again in the backward pass (auto: if needed to fit)"
    )
    num_workers: int = Field(2, ge=0, description="processes that read batches (loader)")
    pin_memory: bool = Field(True, description="page-locked memory for copies to a GPU (loader)")
    prefetch_factor: int = Field(4, ge=1, description="batches each worker reads ahead (loader)")
    checkpoint_every: int = Field(1000, ge=1, description="steps between saved states, within an epoch")
    keep: int = Field(2, ge=1, description="how many of the last saved states are kept")
    tensorboard: bool = Field(False, description="also write TensorBoard events (needs tensorboard)")


class RunSettings(Section):
    """All that determines one training run, resolved: the run's `config.yaml`."""

    architecture: str = Field(description=f"which model: {', '.join(built_in())}, or one of your own")
    architecture_file: Text | None = Field(None, description="file or module of a lifter of your own")
    size: str = Field(pattern=r"^[a-z][a-z0-9]*$", description="name of the model's size")
    variant: str | None = Field(None, pattern=NAME, description="what sets it apart from the main run")
    depth: int = Field(ge=1, description="number of blocks (given by the size)")
    dim: int = Field(ge=8, multiple_of=8, description="channels per token (given by the size)")
    n_frames: int = Field(243, ge=3, description="frames per clip (accelerations need three)")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of weights, order and augmentation")
    input_2d: Literal["detected", "ground_truth"] = Field(
        "detected", description="2D poses that are lifted: a detector's, or the label's own x, y"
    )
    validation_subject: str | None = Field(
        None,
        description="training subject that is held out and evaluated on, in pixels; "
        "without it the test subjects are, in mm, as published",
    )
    init_from: Path | None = Field(None, description="weights to start from in place of random ones")
    model: SerializeAsAny[Section] = Field(description="hyper-parameters of the architecture")
    training: TrainingSettings

    @property
    def name(self) -> str:
        """The run's name and folder, `<architecture>-<size>[-<variant>]-s<seed>`."""
        parts = (self.architecture, self.size, self.variant, f"s{self.seed}")
        return "-".join(part for part in parts if part)

    @field_validator("model", mode="before")
    @classmethod
    def _model_of_architecture(cls, value: Any, info: ValidationInfo) -> Any:
        if not {"architecture", "architecture_file"} <= info.data.keys() or not isinstance(value, dict):
            return value  # these are at fault
        file = info.data["architecture_file"] or ""
        if file.endswith(".py") and not Path(file).exists():  # moved since the training, which checked it
            return Unchecked.model_validate(value)
        return find(info.data["architecture"], file or None).settings.model_validate(value)

    @model_validator(mode="after")
    def _every_process_has_clips(self) -> Self:
        processes, clips = self.training.processes, self.training.batch_size
        if processes > clips:
            raise ValueError(
                f"training: {processes} processes share a batch of {clips} clips; at most {clips} have any"
            )
        return self
