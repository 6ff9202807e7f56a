"""The result of one check of the installation.

The modules of the checks import only the standard library at the top: they have to work without the packages.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Check:
    """One line of the report. Only what is essential can be `missing`."""

    name: str
    state: Literal["ok", "warning", "missing"]
    found: str
    advice: str = ""
