"""One table as a page of its own, for Snakemake's report."""

import argparse
from pathlib import Path

from markupsafe import Markup

from poselift.analysis.stored import read_content
from poselift.files import write_text
from poselift.program import run
from poselift.report import html
from poselift.tables.table import Table


def main(argv: list[str] | None = None) -> None:
    """Write the page of a table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--table", type=Path, required=True, metavar="JSON", help="content of the table")
    parser.add_argument("--out", type=Path, required=True, metavar="HTML", help="file to write")
    given = parser.parse_args(argv)
    content: Table | None = read_content(given.table, Table | None)
    if content:
        page = html.page(content.title, html.table(content), content.notice)
    else:
        page = html.page(given.table.stem, Markup("<p>Not part of this experiment.</p>"))
    write_text(given.out, page)


if __name__ == "__main__":
    run(main)
