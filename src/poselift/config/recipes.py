"""Training recipes by name."""

from itertools import product
from typing import Literal, get_args

from poselift.config.architectures import Architecture, known
from poselift.config.run import RunSettings, TrainingSettings
from poselift.config.sections import Section
from poselift.config.sizes import SIZES

RecipeName = Literal["published", "guide", "fast"]


def recipe(name: RecipeName, architecture: Architecture, size: str) -> TrainingSettings:
    """The recipe called `name` for a model.

    `published` is that of MotionAGFormer (Mehraban et al., WACV 2024) for every model. `guide` is slower and
    longer: a smaller learning rate and weight decay, larger batches as far as the model leaves memory: 64
    clips, 32 in size large, and not more than the architecture's `MAX_BATCH_SIZE`. `fast` is `published` in
    bfloat16, compiled, with the fastest kernels: the same seed gives like weights, not the same bits.
    """
    if name == "published":
        return TrainingSettings()
    if name == "fast":
        return TrainingSettings(precision="bf16", compile=True, deterministic=False)
    large = size == "large"
    batch_size = min(32 if large else 64, getattr(architecture.module, "MAX_BATCH_SIZE", 64))
    return TrainingSettings(epochs=300 if large else 200, batch_size=batch_size, lr=1e-4, weight_decay=1e-4)


ADVISED_RANGES: dict[str, tuple[float, float]] = {
    "lr": (1e-5, 1e-3),
    "batch_size": (16, 128),
    "epochs": (200, 500),
    "weight_decay": (1e-6, 1e-3),
}
"""Ranges that trainings of these models do well to keep; values outside are allowed with a warning."""


def advice(training: TrainingSettings) -> list[str]:
    """A line for each value outside its advised range that is not a named recipe's."""
    named = [recipe(*model) for model in product(get_args(RecipeName), known({}).values(), SIZES)]
    return [
        f"{key} = {value} is outside the advised range, {low} to {high}"
        for key, (low, high) in ADVISED_RANGES.items()
        if not low <= (value := getattr(training, key)) <= high
        and value not in [getattr(one, key) for one in named]
    ]


def out_of_range(settings: Section) -> list[str]:
    """A line for each value outside the range that its field is meant for (`meant` in its schema)."""
    fields = {name: (field.json_schema_extra or {}) for name, field in type(settings).model_fields.items()}
    return [
        f"{name} = {value} is outside the range it is meant for, {low} to {high}"
        for name, value in settings
        if isinstance(extra := fields[name], dict) and isinstance(ends := extra.get("meant"), list)
        for low, high in [ends]
        if not low <= value <= high
    ]


def without_effect(training: TrainingSettings) -> list[str]:
    """A line for each setting that another one leaves without effect."""
    share = -(-training.batch_size // training.processes)
    parts = training.gradient_accumulation_steps
    found = {
        f"kernels = triton has no effect: precision is {training.precision}": (
            training.kernels == "triton" and training.precision == "fp32"
        ),
        f"gradient_accumulation_steps = {parts} acts as {share}: a step has {share} clips per process": (
            parts > share
        ),
    }
    return [line for line, is_so in found.items() if is_so]


def unusual(run: RunSettings) -> list[str]:
    """What to say of a run before it is trained: settings without effect, and of a published size the advice
    on its model and its training; of other sizes the ranges say nothing."""
    ranges = [*out_of_range(run.model), *advice(run.training)] if run.size in SIZES else []
    return [*without_effect(run.training), *ranges]
