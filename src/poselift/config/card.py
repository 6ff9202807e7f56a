"""How an architecture is presented, in every table and figure alike."""

from typing import Literal

from pydantic import Field

from poselift.config.sections import COLOUR, Section, Text


class Card(Section):
    """The label, the look and the components of an architecture."""

    label: Text = Field(description="its name in the paper")
    colour: str = Field("#555555", pattern=COLOUR, description="colour in figures")
    marker: str = Field(
        "v", pattern="^[.,ov^<>1-8spP*hH+xXDd|_]$", description="Matplotlib's marker in figures"
    )
    line: Literal["-", "--", "-.", ":"] = Field(":", description="line in figures")
    components: Text = Field("", description="what its blocks are made of, as the ablation shows it")
