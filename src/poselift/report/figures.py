"""Figures with their captions, as the report shows them."""

import re
from pathlib import Path

from markupsafe import Markup

from poselift.analysis.stored import read_content
from poselift.report import html

PIXELS_PER_POINT = 1.9
"""How much larger than in print figures are shown."""


def figure(path: Path) -> Markup:
    """An image with the caption beside it, `<name>.json`. Raises `PoseliftError` if one is missing or another
    file."""
    caption: str = read_content(path.with_suffix(".json"), str)
    source = html.inlined(path)
    width = re.search(rb'<svg[^>]*\bwidth="([\d.]+)pt"', path.read_bytes())
    return html.render(
        "figure",
        name=path.stem,
        source=source,
        width=round(float(width[1]) * PIXELS_PER_POINT) if width else None,
        caption=caption,
    )
