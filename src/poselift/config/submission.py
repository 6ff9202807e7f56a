"""The form in which the paper is handed in."""

from typing import Literal

from pydantic import Field

from poselift.config.sections import Section

StyleName = Literal["article", "cvpr", "wacv", "neurips", "ieee"]


class Submission(Section):
    """The form of the paper: whose style, for whose eyes, how long."""

    style: StyleName = Field(
        "article", description="layout; of all but article the publisher's file has to lie in paper/"
    )
    anonymous: bool = Field(False, description="no authors and no acknowledgements; for review")
    page_limit: int | None = Field(
        None, ge=1, description="pages that the main text may have, references and supplement not counted"
    )
    origins: bool = Field(True, description="list in the supplement what each part was made from")
