"""Escaping and numbers as LaTeX."""

import unicodedata

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path

from poselift import latex
from poselift.analysis.results import Estimate
from poselift.config.experiment import Statistics
from poselift.evaluation.statistics import Interval
from poselift.latex import Tex, _operators, escape, unescape
from poselift.tables.caption import intervals_note
from poselift.tables.latex import cell
from poselift.tables.table import changed, estimated, number


def test_typographic_characters_become_latex():
    assert escape("−5\N{NARROW NO-BREAK SPACE}mm/frame², 𝑡, 𝐴 ∥ 𝑀 …") == (
        r"\ensuremath{-}5\,mm/frame\textsuperscript{2}, \ensuremath{t}, "
        r"\ensuremath{A} \ensuremath{\parallel} \ensuremath{M} \dots{}"
    )


def test_specials_are_escaped():
    assert escape(r"50% & #1_a {x} ~^\ $") == (
        r"50\% \& \#1\_a \{x\} \textasciitilde{}\textasciicircum{}\textbackslash{} \$"
    )


@given(st.text(max_size=20) | st.text(alphabet="ab\\{}%&$#_^~<>|+−±×⁻²∥→…𝐴ễ骨", max_size=20))
def test_escaped_text_is_read_back(text):
    assert unescape(escape(text)) == unicodedata.normalize("NFC", text)


@given(st.text(alphabet="ab\\{}%&$#_^~", max_size=20))
def test_escaped_text_is_read_back_as_it_was(text):
    shown = escape(text)
    for word, character in (("textbackslash", "\\"), ("textasciitilde", "~"), ("textasciicircum", "^")):
        shown = shown.replace(f"\\{word}{{}}", f"\0{ord(character)}\0")
    # what remains of backslashes escapes one character each, and no special stands alone
    read, rest = "", shown
    while rest:
        if rest[0] == "\\":
            read, rest = read + rest[1], rest[2:]
        elif rest[0] == "\0":
            code, _, rest = rest[1:].partition("\0")
            read += chr(int(code))
        else:
            assert rest[0] not in "{}%&$#_^~"
            read, rest = read + rest[0], rest[1:]
    assert read == text


@pytest.mark.parametrize(
    ("value", "sign", "expected"),
    [
        (41.25, False, "41.2"),
        (-0.42, False, r"\ensuremath{-}0.4"),
        (0.42, True, r"\ensuremath{+}0.4"),
        (-0.04, True, "0.0"),  # no sign on what is shown as zero
    ],
)
def test_numbers_have_fixed_decimals(value, sign, expected):
    assert escape(number(value, 1, sign)) == expected


def test_cells_are_two_columns():
    assert cell(estimated(Estimate(41.25, 0.31, 3), 1)) == r"41.2&\spread{0.3}"
    assert cell(estimated(Estimate(41.25, None, 1), 2)) == "41.25&"
    assert cell(estimated(None, 1)) == r"\missing&"


def test_bold_and_stars_of_a_cell():
    assert cell(estimated(Estimate(41.25, 0.31, 3), 1, bold=True, star=True)) == (
        r"\textbf{41.2}&\spread{0.3}\significant"
    )


def test_differences_are_two_columns():
    low, high = r"\ensuremath{-}0.6", r"\ensuremath{-}0.2"
    clear = cell(changed(Interval(-0.42, -0.61, -0.2, 3), 0, star=True))  # a decimal more
    assert clear == rf"\ensuremath{{-}}0.4&\interval{{[{low}, {high}]}}\significant"
    unclear = cell(changed(Interval(-0.42, -0.61, 0.2, 3), 0))
    assert unclear == rf"\ensuremath{{-}}0.4&\interval{{[{low}, \ensuremath{{+}}0.2]}}"
    assert cell(changed(Interval(0.42, None, None, 1), 0)) == r"\ensuremath{+}0.4&"
    assert cell(changed(None, 1)) == r"\missing&"


@pytest.mark.parametrize(
    ("low", "shown"), [(-9.876, "9.88"), (-98.76, "98.8"), (-987.6, "988"), (-9876.5, "9876")]
)
def test_a_wide_interval_has_fewer_decimals(low, shown):
    assert rf"[\ensuremath{{-}}{shown}, " in cell(changed(Interval(-0.42, low, 0.5, 3), 1))


def test_the_note_says_what_intervals_cover():
    statistics = Statistics(resamples=10_000, confidence=0.95)
    several = intervals_note(statistics, (0, 1))
    assert escape(several).startswith(r"Intervals: 95\,\%, 10,000 paired resamples")
    assert several.endswith("not corrected.")
    assert "nothing is marked as significant" in intervals_note(statistics, (0,))


def test_templates_escape_strings_but_not_latex(monkeypatch):
    templates = {"note.tex.j2": r"\VAR{plain} \VAR{tex}" + "\n%% for i in range(2)\nrow\n%% endfor\n"}
    monkeypatch.setattr(latex._environment, "loader", jinja2.DictLoader(templates))
    assert latex.render("note", plain="a_b", tex=Tex(r"\bf")) == "a\\_b \\bf\nrow\nrow\n"


def test_a_value_that_a_template_lacks_is_an_error(monkeypatch):
    monkeypatch.setattr(latex._environment, "loader", jinja2.DictLoader({"x.tex.j2": r"\VAR{unknown}"}))
    with pytest.raises(jinja2.UndefinedError, match="unknown"):
        latex.render("x")


def test_outlines_of_fonts_are_the_same_curves_in_a_pdf():
    """PDF has cubic curves alone: controls two thirds of the way from the ends to that of a quadratic one."""
    codes = [Path.MOVETO, Path.CURVE3, Path.CURVE3, Path.LINETO, Path.CLOSEPOLY]
    path = Path([(0, 0), (30, 60), (90, 0), (90, -9), (0, 0)], codes)
    assert _operators(path) == "0 0 m 20 40 50 40 90 0 c 90 -9 l h"
