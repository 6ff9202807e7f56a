r"""The form of the paper for LaTeX, `submission.tex`, which main.tex reads before its class.

\paperstyle names the class in `styles/`, \stylefile the publisher's file that this loads, \pagelimit the
pages of the main text; \ifanonymous and \iforigins tell the text what to leave out.
"""

from dataclasses import dataclass
from pathlib import Path

from poselift.config.submission import StyleName, Submission
from poselift.errors import PoseliftError

NO_LIMIT = 9999
"""More pages than a paper has."""


@dataclass(frozen=True)
class Publisher:
    """The file that a publisher's style needs, as a pattern, and where it is to be had."""

    file: str
    source: str


PUBLISHERS: dict[StyleName, Publisher] = {
    "cvpr": Publisher("cvpr.sty", "https://github.com/cvpr-org/author-kit"),
    "wacv": Publisher("wacv.sty", "the author kit on the web site of the year's WACV"),
    "neurips": Publisher("neurips_*.sty", "the call for papers of the year, https://neurips.cc"),
    "ieee": Publisher("IEEEtran.cls", "https://ctan.org/pkg/ieeetran"),
}
"""Of all styles that need one. These files are not ours to hand on."""


def style_file(sources: Path, style: StyleName) -> str:
    """The name, without its ending, of the publisher's file in the folder of the text; of several the last.

    Empty for a style that needs none. Raises `PoseliftError` if it is not there.
    """
    if style not in PUBLISHERS:
        return ""
    needed = PUBLISHERS[style]
    found = sorted(sources.glob(needed.file))
    if not found:
        raise PoseliftError(
            f"paper.style: {style} needs {needed.file}, which is not in {sources}/; put it there (from "
            f"{needed.source}), or set style: article"
        )
    return found[-1].stem


def text(submission: Submission, sources: Path) -> str:
    """`submission.tex` of a text in the folder `sources`."""
    switches = {"anonymous": submission.anonymous, "origins": submission.origins}
    words = {
        "paperstyle": submission.style,
        "stylefile": style_file(sources, submission.style),
        "pagelimit": submission.page_limit or NO_LIMIT,
    }
    lines = ["% Made by poselift.paper.assemble; do not edit."]
    lines += [rf"\newif\if{name}\{name}{str(on).lower()}" for name, on in switches.items()]
    lines += [rf"\newcommand{{\{name}}}{{{word}}}" for name, word in words.items()]
    return "\n".join([*lines, ""])
