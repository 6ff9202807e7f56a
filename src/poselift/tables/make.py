"""Make any table, `python -m poselift.tables.make NAME`: as LaTeX and, beside it, its content for pages."""

import argparse
from dataclasses import replace

from poselift.analysis.needs import read_order
from poselift.analysis.stored import write_content
from poselift.files import write_text
from poselift.program import run
from poselift.tables.latex import tabulate


def main(argv: list[str] | None = None) -> None:
    """Make a table, as LaTeX and, beside it, its content as JSON."""
    order = read_order("tables", argparse.ArgumentParser(description=main.__doc__), argv)
    view, module = order.view, order.module
    content = module.table(**order.inputs, view=view) if view else None
    if content:
        content = replace(content, name=order.arguments.dataset or order.arguments.name)
    switches = {}
    if names := getattr(module, "SWITCHES", ()):
        there = content is not None
        switches = dict(zip(names, (there, view is not None and view.notice.synthetic), strict=False))
    write_text(order.arguments.out, tabulate(content, module.LAYOUT, switches))
    write_content(order.arguments.out.with_suffix(".json"), content)


if __name__ == "__main__":
    run(main)
