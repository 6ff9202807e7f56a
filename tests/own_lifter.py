"""A lifter of the user's own, as a test writes it into a folder: a per-frame MLP in the spirit of Martinez et
al. (ICCV 2017), with a module beside it."""

from pathlib import Path

LIFTER = '''
"""A residual MLP on each frame."""

from typing import TYPE_CHECKING

from layers import WIDTH
from pydantic import Field

from poselift.config.card import Card
from poselift.config.sections import Section

if TYPE_CHECKING:
    from torch import nn

    from poselift.config.sizes import ModelSize

CARD = Card(label="My MLP", components="MLP")


class Settings(Section):
    """The MLP's hyper-parameters."""

    mlp_dropout: float = Field(0.0, ge=0, lt=1, description="dropout in each block")
    mlp_activation: str = Field("relu", description="relu or gelu")


def build(size: "ModelSize", n_frames: int, settings: Settings) -> "nn.Module":
    """The model: depth blocks of WIDTH x dim channels."""
    from torch import nn

    width = WIDTH * size.dim
    activation = {"relu": nn.ReLU, "gelu": nn.GELU}[settings.mlp_activation]

    class Lifter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(51, width)
            self.blocks = nn.ModuleList(
                nn.Sequential(nn.Linear(width, width), activation(), nn.Dropout(settings.mlp_dropout))
                for _ in range(size.depth)
            )
            self.last = nn.Linear(width, 51)

        def forward(self, x):
            y = self.first(x.flatten(2))
            for block in self.blocks:
                y = y + block(y)
            return self.last(y).view_as(x)

    return Lifter()
'''


def write_lifter(folder: Path) -> Path:
    """The lifter `mlp.py`, with `layers.py` beside it, in a folder that may be new."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "layers.py").write_text("WIDTH = 2\n")
    (folder / "mlp.py").write_text(LIFTER)
    return folder / "mlp.py"
