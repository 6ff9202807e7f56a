"""The bibliography: where each entry was read, and that what published results cite is there."""

import re

from poselift.analysis.published import read_published
from project import REPOSITORY

PAPER = REPOSITORY / "paper"
ENTRIES = {
    entry[1]: entry[0]
    for entry in re.finditer(
        r"^@\w+\{([^,]+),.*?^\}", (PAPER / "refs.bib").read_text(), re.MULTILINE | re.DOTALL
    )
}


def test_each_entry_says_where_it_was_read_or_that_it_was_not():
    unsaid = [
        key for key, entry in ENTRIES.items() if not re.search(r"^  checked *= \{\S", entry, re.MULTILINE)
    ]
    assert len(ENTRIES) > 20
    assert unsaid == []


def test_what_published_results_cite_is_there():
    files = sorted(PAPER.glob("published*.yaml"))
    cited = {row.cite for path in files for row in read_published(path).rows if row.cite}
    assert cited
    assert cited <= ENTRIES.keys()
