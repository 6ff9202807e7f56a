"""Training recipes by name."""

from typing import Literal

from poselift.config.run import TrainingSettings

RecipeName = Literal["published", "guide"]


def recipe(name: RecipeName, architecture: str, size: str) -> TrainingSettings:
    """The recipe called `name` for a model.

    `published` is that of MotionAGFormer (Mehraban et al., WACV 2024) for every model. `guide` is slower and
    longer: a smaller learning rate and weight decay, larger batches as far as a large model leaves memory.
    """
    if name == "published":
        return TrainingSettings()
    large = size == "large"
    batch_size = 32 if large else 48 if architecture == "full" else 64
    return TrainingSettings(epochs=300 if large else 200, batch_size=batch_size, lr=1e-4, weight_decay=1e-4)
