"""Draw any figure: `python -m poselift.figures.make NAME`, with its caption for the text and for pages."""

import argparse

from poselift.analysis.needs import read_order
from poselift.analysis.stored import FigureContent, write_content
from poselift.figures.style import COLUMN_WIDTH, Animation, save, style
from poselift.files import write_text
from poselift.latex import Tex, render
from poselift.program import run


def main(argv: list[str] | None = None) -> None:
    """Draw a figure, and write beside it what pages say (JSON) and, of what can be printed, its LaTeX."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--caption", required=True, metavar="TEXT", help="what stands below the figure")
    order = read_order("figures", parser, argv)
    out, name, caption = order.arguments.out, order.arguments.name, order.arguments.caption
    with style():
        drawn = order.module.draw(**order.inputs, view=order.view)
        if not isinstance(drawn, Animation):
            wide, label = drawn.get_figwidth() > COLUMN_WIDTH, name.replace("_", "-")
            tex = render("figure", name=Tex(name), label=label, caption=caption, wide=wide)
            write_text(out.with_suffix(".tex"), tex)
        points = save(drawn, out, order.made_from)
    write_content(out.with_suffix(".json"), FigureContent(caption, points))


if __name__ == "__main__":
    run(main)
