"""Figures with their captions, as the report shows them."""

import re
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
from markupsafe import Markup

from poselift.errors import PoseliftError
from poselift.report import html

PIXELS_PER_POINT = 1.9
"""How much larger than in print figures are shown."""


def captions(template: Path, names: Iterable[str], config: dict[str, Any]) -> dict[str, str]:
    """The caption of each figure, from the template of Snakemake's report, filled in as Snakemake does.

    Raises `PoseliftError` if the template is missing, faulty or without a caption for one of them.
    """
    try:
        text = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(
            template.read_text(encoding="utf-8")
        )
        rendered = {
            name: text.render(snakemake=SimpleNamespace(output=[f"figures/{name}.svg"], config=config))
            for name in names
        }
    except FileNotFoundError:
        raise PoseliftError(f"{template}: no such file") from None
    except jinja2.TemplateError as error:
        raise PoseliftError(f"{template}: {error}") from None
    found = {name: " ".join(caption.split()) for name, caption in rendered.items()}
    for name, caption in found.items():
        if not caption:
            raise PoseliftError(f"{template}: no caption for figure '{name}'; add one")
    return found


def figure(path: Path, caption: str) -> Markup:
    """An image with its caption. Raises `PoseliftError` if the file is missing or no image."""
    source = html.inlined(path)
    width = re.search(rb'<svg[^>]*\bwidth="([\d.]+)pt"', path.read_bytes())
    return html.render(
        "figure",
        name=path.stem,
        source=source,
        width=round(float(width[1]) * PIXELS_PER_POINT) if width else None,
        caption=caption,
    )
