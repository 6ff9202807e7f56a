"""What has to be there for the paper to be built, looked at one by one.

The modules import nothing but the standard library at the top: they have to work where packages are missing.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Check:
    """One line of the answer. Only what is essential can be `missing`."""

    name: str
    state: Literal["ok", "warning", "missing"]
    found: str
    advice: str = ""
