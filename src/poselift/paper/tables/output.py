"""Writing a table: as LaTeX for the paper and, beside it, its content for other pages."""

from pathlib import Path

from poselift.files import write_text
from poselift.paper import latex
from poselift.paper.latex import Layout
from poselift.paper.stored import write_content
from poselift.paper.table import Table


def write(out: Path, name: str, content: Table | None, layout: Layout, **switches: bool) -> None:
    r"""Write `out` (LaTeX) and its twin `.json`. Without a table both say that there is none; `switches` tell
    the text what there is (`comparable` becomes \comparabletrue or \comparablefalse)."""
    write_text(out, latex.tabulate(content, layout, f"poselift.paper.tables.{name}", switches))
    write_content(out.with_suffix(".json"), content)
