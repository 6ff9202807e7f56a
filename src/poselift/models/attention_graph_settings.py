"""The hyper-parameters of the attention and graph branches, for the architectures that have them."""

from typing import Literal

from pydantic import Field

from poselift.config.sections import Section


class AttentionGraphSettings(Section):
    """The two branches of a block of MotionAGFormer, and its regression head."""

    spatial_graph: Literal["published", "symmetric"] = Field(
        "published",
        description="edges between joints: the 29 directed ones of published code, or all 32 of the skeleton",
    )
    temporal_graph: Literal["similarity", "chain"] = Field(
        "similarity",
        description="frames that each one is linked to: its most similar ones, or its two neighbours in time",
    )
    without_branch: Literal["none", "attention", "graph"] = Field(
        "none", description="branch that every block is built without"
    )
    dim_rep: int = Field(512, ge=1, description="channels per joint between the last block and the output")
