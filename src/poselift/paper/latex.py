"""Text and numbers as LaTeX, and the Jinja templates of the tables."""

import re
from collections.abc import Sequence
from typing import Any

import jinja2

from poselift.config.experiment import Statistics
from poselift.evaluation.statistics import Interval
from poselift.paper.options import Marks
from poselift.paper.results import Estimate

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    **{character: "\\" + character for character in "&%$#_{}"},
}
_SPECIAL_PATTERN = re.compile("[" + re.escape("".join(_SPECIAL)) + "]")


class Tex(str):
    """A string that is LaTeX already: templates print it as it is and escape every other."""


MISSING = Tex(r"\missing")
"""The dash of a number that is not there."""


def escape(text: str) -> Tex:
    """`text` so that LaTeX prints it literally."""
    return Tex(_SPECIAL_PATTERN.sub(lambda match: _SPECIAL[match.group()], text))


def fixed(value: float, decimals: int, sign: bool = False) -> Tex:
    """A number with this many decimals and a true minus; with `sign`, a plus too."""
    digits = f"{abs(value):.{decimals}f}"
    if value < 0 and float(digits) != 0:
        return Tex(r"\ensuremath{-}" + digits)
    return Tex((r"\ensuremath{+}" if sign and float(digits) != 0 else "") + digits)


def cell(
    estimate: Estimate | None, decimals: int, sign: bool = False, bold: bool = False, star: bool = False
) -> Tex:
    """Two columns of a table: the mean, and the spread if there is one; a dash for a missing number."""
    if estimate is None:
        return Tex(MISSING + "&")
    mean = fixed(estimate.mean, decimals, sign)
    spread = "" if estimate.std is None else rf"\spread{{{fixed(estimate.std, decimals)}}}"
    return Tex((rf"\textbf{{{mean}}}" if bold else mean) + "&" + spread + (r"\significant" if star else ""))


def difference_cell(interval: Interval | None, decimals: int) -> Tex:
    """Two columns of a table: the difference, and its interval if there is one; a star if it is significant.

    A decimal more than other numbers have, as differences are small; fewer where an interval is wide.
    """
    if interval is None:
        return Tex(MISSING + "&")
    numbers = (interval.estimate, interval.low, interval.high)
    widest = max(abs(number) for number in numbers if number is not None)
    places = max(0, decimals + 2 - len(str(int(widest))))
    bounds = interval_text(interval, places)
    shown = "" if bounds == MISSING else rf"\interval{{{bounds}}}"
    star = r"\significant" if interval.significant else ""
    return Tex(f"{fixed(interval.estimate, places, sign=True)}&{shown}{star}")


def interval_text(interval: Interval | None, decimals: int) -> Tex:
    """`[-0.6, -0.2]`; a dash where there is none."""
    if interval is None or interval.low is None or interval.high is None:
        return MISSING
    low, high = (fixed(bound, decimals, sign=True) for bound in (interval.low, interval.high))
    return Tex(f"[{low}, {high}]")


def listing(words: Sequence[str]) -> Tex:
    """`a`, `a and b`, `a, b and c`, escaped."""
    *front, last = [escape(word) for word in words]
    return Tex(f"{', '.join(front)} and {last}" if front else last)


def spread_note(estimates: Sequence[Estimate | None]) -> Tex:
    """The sentence of a caption that says what stands behind each number."""
    counts = sorted({estimate.n for estimate in estimates if estimate is not None})
    if not counts:
        return Tex("")
    if counts == [1]:
        return Tex("One seed a model, hence no spread.")
    n = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return Tex(f"Mean over {n} seeds, in small print its standard deviation.")


def significance_note(statistics: Statistics, seeds: Sequence[int], marked: str) -> Tex:
    """The sentences of a caption that say what is marked where an interval leaves out zero, and what an
    interval covers. Of a single seed nothing is marked."""
    of_recordings = (
        rf"{100 * statistics.confidence:g}\,\%, {statistics.resamples:,} paired resamples of the test "
        "recordings within their actions"
    )
    if len(seeds) > 1:
        return Tex(f"{marked} Intervals: {of_recordings}, and Student's $t$ over seeds.")
    return Tex(
        f"One seed: intervals cover the test recordings alone ({of_recordings}), not the training, "
        "and nothing is marked as significant."
    )


def caption_marks(marks: Marks, missing: Sequence[str] = ()) -> Tex:
    """What a caption ends with where it matters: that the data are synthetic, that runs are missing."""
    text = r" \textbf{Synthetic data.}" if marks.synthetic else ""
    if missing:
        listed = ", ".join(escape(name) for name in missing[:3]) + (", \\dots" if len(missing) > 3 else "")
        verb = "run is" if len(missing) == 1 else "runs are"
        text += rf" \textbf{{DRAFT: {len(missing)} {verb} missing ({listed}).}}"
    return Tex(text)


def _escape_unless_tex(value: Any) -> str:
    return value if isinstance(value, Tex) else escape(str(value))


_environment = jinja2.Environment(
    loader=jinja2.PackageLoader("poselift.paper", "templates"),
    undefined=jinja2.StrictUndefined,
    # braces and percent signs belong to LaTeX
    block_start_string=r"\BLOCK{",
    block_end_string="}",
    variable_start_string=r"\VAR{",
    variable_end_string="}",
    comment_start_string=r"\REMARK{",
    comment_end_string="}",
    line_statement_prefix="%%",
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    finalize=_escape_unless_tex,
)


def render(template: str, **values: Any) -> str:
    """Fill in `templates/<template>.tex.j2`; strings are escaped unless they are `Tex`."""
    return _environment.get_template(f"{template}.tex.j2").render(values)
