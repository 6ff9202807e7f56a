"""What does not fit the results is named with its file and line, and what fits is left alone."""

import shutil
from pathlib import Path

import pytest

from poselift.analysis.remarks import read_remarks
from poselift.errors import PoseliftError
from poselift.evaluation.metrics import METRICS
from poselift.files import write_json, write_text
from poselift.latex import MISSING, Tex, render
from poselift.paper import handover
from poselift.paper.crate import write_crate
from poselift.paper.prose import Known, check, main, parts_in, remarks

SOURCES = Path(__file__).parents[3] / "paper"

MINUS = r"\ensuremath{-}"
NUMBERS = {
    "full.base.mpjpe": "39.5", "full.base.mpjpe.change": MINUS + "0.8",
    "full.base.mpjpe.change.verdict": "significant",
    "small.base.mpjpe": "41.0", "small.base.mpjpe.change": MINUS + "0.1",
    "small.base.mpjpe.change.verdict": "inconclusive",
    "worse.base.mpjpe": "45.0", "worse.base.mpjpe.change": "+4.0",
    "worse.base.mpjpe.change.verdict": "significant",
    "full.base.pck": "90", "full.base.pck.change": "+1", "full.base.pck.change.verdict": "significant",
    "base.base.mpjpe": "42.0", "base.base.mpjpe.change": MISSING,
    "base.base.mpjpe.change.verdict": "not tested",
    "alike.base.mpjpe.change": MINUS + "0.1", "other.base.mpjpe.change": MINUS + "0.3",
    "lone.base.mpjpe": "40.1", "lone.base.mpjpe.change": MINUS + "0.4",
    "lone.base.mpjpe.change.verdict": "not tested",
    "alike.base.mpjpe": "40.2", "alike.base.mpjpe.change.verdict": "equivalent",
    "other.base.mpjpe": "40.3", "other.base.mpjpe.change.verdict": "exploratory",
}  # fmt: skip


@pytest.fixture
def paper(tmp_path):
    """A function that makes a paper folder with this text in its section, from line 1 on, and checks it."""
    switches = {
        "synthetic": True,
        "draft": False,
        "human36m": False,
        "excluded": False,
        "actions": True,
        "ablated": False,
        "architectures": [Tex("full")],
    }
    numbers = [(Tex(key), Tex(value)) for key, value in NUMBERS.items()]
    write_text(tmp_path / "generated/numbers.tex", render("numbers", numbers=numbers, **switches))
    write_text(tmp_path / "generated/tables/main.tex", "\\secondfalse\n\\label{tab:main}\n")
    write_text(tmp_path / "typed_numbers.yaml", "3D: dimensions\nMamba-2: a layer\n")
    write_text(tmp_path / "photo.png", "")
    write_text(tmp_path / "refs.bib", "@article{a2020,\n  title = {A}}\n@book{b2021,\n}\n")
    preamble = "\\documentclass[10pt]{article}\n\\newif\\ifsynthetic\n\\setlength{\\x}{3pt}\n"
    body = "\\begin{document}\n\\input{text}\n\\input{generated/tables/main}\n\\end{document}\n"
    write_text(tmp_path / "main.tex", preamble + body)

    def checked(text: str) -> list[str]:
        write_text(tmp_path / "text.tex", text)
        return list(map(str, check(tmp_path, parts_in(tmp_path))))

    return checked


@pytest.mark.parametrize(
    "text",
    [
        "errs by 39.5\\,mm", "with 3 seeds", "10\\% lower", "of \\num{full.base.mpjpe} or 40\\,mm",
        "\\emph{2 of them}", "in 2020", "$39.5$\\,mm",
        "$39.5\\,\\mathrm{mm}$", "\\(-0.5\\)\\,mm", "$39 \\pm{}$\\,mm",
        "\\textbf{39.5mm}", "a 3D-7 model", "from Table 2", "see Fig.3", "off by .5\\,mm",
        "$41$\\,mm", "$12\\%$ lower",
        "$-1$ mm", "$1.5\\times$ faster", "$2\\times$ faster", "$\\mathbf{41.3}$", "\\[41.3\\]",
        "twelve percent", "forty-one\\,mm", "three seeds", "\\caption[Of 41 mm]{Errors}",
        "a\\footnote{Of 41\\,mm}",
        "\\texorpdfstring{Errors}{Errors of 41 mm}",
    ],
)  # fmt: skip
def test_a_typed_number_is_named_with_its_line(paper, text):
    (found,) = paper(f"Poses in 3D. % 7 in a comment\n\nIt {text}, $n=2$ and\\vspace{{3pt}}.\n")
    assert found.startswith("text.tex, line 3: a typed number, `")


def test_numbers_in_formulas_commands_and_names_are_not_typed(paper):
    text = (
        "\\section{Mamba-2 in 3D}\\label{sec:1}\\cite{a2020}\\includegraphics[width=0.5\\linewidth]{photo}\n"
        "\\begin{equation}x=1\\end{equation} $1$ \\(2\\) \\hspace*{2em}\\cref{sec:1}\\url{http://a/1}\n"
        "\\newcommand{\\x}[1]{a #1} \\begin{tabular}[2]{l}\\end{tabular}\\textcolor{red!70!black}{b}\n"
        "mm$^2$ $10^{-4}$ $p < 0.05$ \\(x = 0.5\\) $L_2$\\,mm\n"
    )
    assert paper(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "a \\\\% an old one: 41.3\\,mm", "\\\\[2pt] a \\tabcolsep=3pt \\looseness=-1 \\penalty-100 b",
        "\\verb|41.3|",
        "\\setlength\\parskip{3mm}\\addtocounter{table}{-1}\\hskip 2em plus 1em b",
        "\\kern-1pt\\dimexpr 0.5\\linewidth - 2pt",
        "\\fcolorbox{red!50}{blue!10}{a}\\cellcolor{gray!25}\\definecolor{a}{rgb}{0.1,0.2,0.3}",
        "\\renewcommand{\\arraystretch}{1.2}\\newcolumntype{C}[1]{>{\\raggedright}p{#1}}\\captionsetup{skip=4pt}",
        "\\specialrule{1pt}{2pt}{3pt}\\addlinespace[2pt]", "\\doi{10.1000/1} mm\\textsuperscript{2}",
        "\\iffalse 41.3\\,mm \\ref{tab:old} \\fi", "\\begin{comment}\n41.3 \\ref{tab:old}\n\\end{comment}",
        "\\begin{verbatim}\n\\ref{tab:old} 41.3\n\\end{verbatim}", "\\end{document}\n41.3 \\ref{tab:old}",
        "three branches, two ways, one of the four", "\\cite[p.~3]{a2020} \\citep[e.g.][12]{a2020,b2021}",
    ],
)  # fmt: skip
def test_what_sets_the_page_or_is_left_out_is_not_typed(paper, text):
    assert paper(f"First. {text}\n") == []


def test_a_number_that_may_be_typed_hides_no_longer_one(paper, tmp_path):
    write_text(tmp_path / "typed_numbers.yaml", "3: a reason\n")
    assert len(paper("There are 3, or 3.5, or 2.3, or 3,000 of 3.\n")) == 3


def test_lengths_and_columns_are_not_typed(paper):
    """Of tables and figures that co-authors set themselves; the cells are."""
    text = (
        "\\begin{tabular}{p{3cm}r@{~}l}\\multicolumn{2}{c}{a}\\cmidrule(lr){2-3}\\cline{1-2} & \n"
        "\\multirow{2}{*}{b}\\begin{tabularx}{0.8\\linewidth}{lX}\\begin{minipage}[t]{0.5\\linewidth}\n"
        "\\parbox{3cm}{a}\\rule{0pt}{12pt}\\resizebox{0.9\\linewidth}{!}{a}\\begin{wrapfigure}{r}{4cm}\n"
        "\\scalebox{0.8}{b}\\vskip 0.1\\textheight\n"
    )
    assert paper(text) == []
    assert len(paper(text.replace("{a}", "{39.5}").replace("{b}", "{40.5}"))) == 5


def test_an_unknown_key_is_named(paper):
    (found,) = paper("One.\nIt has \\num{full.huge.mpjpe}\\,mm and \\num{full.base.mpjpe}\\,mm.\n")
    assert found.startswith("text.tex, line 2: no result is called `full.huge.mpjpe`")


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Small outperforms it with \\num{small.base.mpjpe}\\,mm.", "inconclusive"),
        ("Small changes by \\num{small.base.mpjpe.change}\\,mm, which is significant.", "inconclusive"),
        ("Alike outperforms it with \\num{alike.base.mpjpe}\\,mm.", "equivalent"),
        ("Other outperforms it with \\num{other.base.mpjpe}\\,mm.", "exploratory"),
        ("Small reduces the error by \\num{small.base.mpjpe.change}\\,mm.", "inconclusive"),
        ("An improvement of\n\\num{lone.base.mpjpe.change}\\,mm.", "not tested"),
        ("Worse is better than the baseline: \\num{worse.base.mpjpe}\\,mm.", "became worse"),
        ("Full is worse than the baseline: \\num{full.base.mpjpe}\\,mm.", "became better"),
        ("Small hurts: by \\num{small.base.mpjpe.change}\\,mm.", "inconclusive"),
        ("Small has a lower error than that: \\num{small.base.mpjpe}\\,mm.", "inconclusive"),
        ("Small is the more accurate one: \\num{small.base.mpjpe}\\,mm.", "inconclusive"),
        ("Small is on par with it: \\num{small.base.mpjpe}\\,mm.", "inconclusive"),
        ("Full is equivalent to it: \\num{full.base.mpjpe}\\,mm.", "significant"),
        ("Not surprisingly, it improves: \\num{small.base.mpjpe}\\,mm.", "inconclusive"),
        ("It improves by \\num{small.base.mpjpe.change}, but not in speed.", "inconclusive"),
        ("It not only matches but beats it (\\num{small.base.mpjpe}).", "inconclusive"),
        ("Without training it outperforms it: \\num{small.base.mpjpe}.", "inconclusive"),
    ],
)
def test_words_that_the_results_contradict(paper, sentence, reason):
    (found,) = paper(f"First.\nSecond. {sentence} Third is \\num{{full.base.mpjpe}}.\n")
    assert found.startswith("text.tex, line 2: says `")
    assert found.endswith(reason)


@pytest.mark.parametrize(
    "sentence",
    [
        "Full outperforms it with \\num{full.base.mpjpe}\\,mm.",
        "Full improves the PCK by \\num{full.base.pck.change}.",
        "Worse differs significantly: \\num{worse.base.mpjpe.change}.",
        "Full improves it to \\num{full.base.mpjpe} from the \\num{base.base.mpjpe} of the baseline.",
        "Alike is equivalent to it: \\num{alike.base.mpjpe}.",
        "Small is not equivalent to it, nor is it worse: \\num{small.base.mpjpe}.",
        "The error, of which lower is better, is \\num{small.base.mpjpe}.",
        "Small does it without a significant gain: \\num{small.base.mpjpe}.",
        "Small doesn't improve it (\\num{small.base.mpjpe.change}\\,mm).",
        "Small does not improve it (\\num{small.base.mpjpe.change}\\,mm).",
        "Small improves it by \\num{small.base.mpjpe.change} (\\num{small.base.mpjpe.change.verdict}).",
        "Small has \\num{small.base.mpjpe}. Significant means that zero is left out.",
        "\\ifarchitecture{small}{Small outperforms it: \\num{small.base.mpjpe}.}{}",
        "\\ifsynthetic a \\else Small outperforms it: \\num{small.base.mpjpe}. \\fi b",
    ],
)
def test_words_that_the_results_bear_out_are_left_alone(paper, sentence):
    assert paper(f"First. {sentence} Last.\n") == []


@pytest.mark.parametrize("part", ["", ".mean", ".std", ".seeds", ".interval", ".change", ".change.interval"])
def test_words_are_held_against_the_verdict_whatever_is_shown_of_a_number(part):
    numbers = {f"small.base.mpjpe{part}": "1", "small.base.mpjpe.change.verdict": "inconclusive"}
    there = Known(numbers, frozenset(), {}, frozenset(), frozenset(), frozenset())
    (found,) = remarks({"text.tex": f"Small outperforms it: \\num{{small.base.mpjpe{part}}}."}, there, [])
    assert found.text == "says `outperforms`, but the change of small.base.mpjpe is inconclusive"


def test_of_a_switch_that_is_not_known_both_sides_are_looked_at(paper):
    found = paper("\\ifmine\\ref{a}\\else\\ref{b}\\fi\n\\ifsecond\\ref{c}\\else\\ref{d}\\fi\n")
    assert [line[-3:] for line in found] == ["`a`", "`b`", "`d`"]


@pytest.mark.parametrize("metric", METRICS)
def test_a_change_for_the_worse_is_one_in_the_direction_of_its_metric(metric):
    better = "+" if METRICS[metric].higher_is_better else MINUS
    key = f"full.base.{metric}.change"
    for sign in ("+", MINUS):
        numbers = {key: f"{sign}0.5", f"{key}.verdict": "significant"}
        there = Known(numbers, frozenset(), {}, frozenset(), frozenset(), frozenset())
        found = remarks({"text.tex": f"Full improves it by \\num{{{key}}}."}, there, [])
        assert [each.text.endswith("became worse") for each in found] == [True] * (sign != better)


def test_what_is_referred_to_and_is_not_there(paper):
    found = paper(
        "\\label{sec:a}\n\\cref{tab:main,tab:gone} and \\ref{sec:a}.\n\\includegraphics[width=1cm]{plot}\n"
        "\\input{generated/tables/old}\n\\includegraphics{photo}\\ifsecond\\ref{tab:other}\\fi\n"
    )
    assert found == [
        "text.tex, line 2: nothing has the label `tab:gone`",
        "text.tex, line 3: there is no file plot",
        "text.tex, line 4: there is no file generated/tables/old",
    ]


@pytest.mark.parametrize(
    "reference",
    [
        "\\hyperref[tab:gone]{it}", "\\crefrange{tab:gone}{tab:main}", "\\crefrange{tab:main}{tab:gone}",
        "\\vref{tab:gone}", "\\labelcref{tab:main,tab:gone}", "\\ref {tab:gone}", "\\Cref*{tab:gone}",
        "\\subref{tab:gone}",
    ],
)  # fmt: skip
def test_every_kind_of_reference_is_followed(paper, reference):
    assert paper(f"One.\nSee {reference}.\n") == ["text.tex, line 2: nothing has the label `tab:gone`"]
    assert paper(f"See {reference.replace('tab:gone', 'tab:main')}.\n") == []


@pytest.mark.parametrize(
    "text",
    ["\\newcommand{\\figref}[1]{Fig.~\\ref{#1}}", "\\begin{lstlisting}[label=a]\n\\end{lstlisting}\\ref{a}"],
)
def test_labels_of_macros_and_listings_are_no_fault(paper, text):
    assert paper(text) == []


def test_a_key_is_found_however_it_is_written(paper):
    found = paper("\\num {gone.a}\n\\csname num:gone.b\\endcsname \\csname num:full.base.mpjpe\\endcsname\n")
    assert [line.partition(";")[0] for line in found] == [
        "text.tex, line 1: no result is called `gone.a`",
        "text.tex, line 2: no result is called `gone.b`",
    ]


def test_a_citation_needs_an_entry(paper):
    found = paper(
        "As \\citet*{a2020}, \\citep[see][p.~3]{b2021,\n gone} and \\nocite{old}.\\bibliography{refs}\n"
    )
    assert found == [
        "text.tex, line 1: nothing in the bibliography is `gone`",
        "text.tex, line 2: nothing in the bibliography is `old`",
    ]


def test_files_are_looked_for_as_latex_does(paper, tmp_path):
    for name in ("figs/plot.PNG", "my plot.pdf", "a b/c.tex", "part.tikz", "code.py", "part.tex"):
        write_text(tmp_path / name, "")
    there = (
        "\\graphicspath{{figs/}{other/}}\\includegraphics*{plot}\\includegraphics[1,1][2,2]{plot.PNG}\n"
        '\\includegraphics{"my plot"}\\input{a b/c}\\input{part.tikz}\\input part \\include{part}\n'
        "\\input{./a b/../part}\\lstinputlisting[firstline=2]{code.py}\\bibliography{refs}\n"
    )
    assert paper(there) == []
    gone = "\\input gone \n\\include{part.tex}\n\\includegraphics*[x]{gone.pdf}\n"
    gone += "\\bibliography{refs,gone}\\includepdf{gone}\n"
    assert [line.partition(", ")[2] for line in paper(gone)] == [
        "line 1: there is no file gone",
        "line 2: there is no file part.tex",
        "line 3: there is no file gone.pdf",
        "line 4: there is no file gone",
        "line 4: there is no file gone",
    ]


def test_authors_are_named_in_an_anonymous_paper(paper, tmp_path):
    paper(
        "We follow Ada~Lovelace.\n\\ifanonymous\\else Thanks to Lovelace.\\fi\nAs Noether did, noetherian.\n"
        "% Ada Lovelace\n"
    )
    found = list(map(str, check(tmp_path, parts_in(tmp_path), ["Ada Lovelace", "", "Emmy Noether"])))
    assert [line.partition(" is named")[0] for line in found] == [
        "text.tex, line 1: the author Ada Lovelace",
        "text.tex, line 3: the author Emmy Noether",
    ]
    assert check(tmp_path, parts_in(tmp_path)) == []


def test_strict_fails_and_the_remarks_are_kept(paper, tmp_path, capsys):
    paper("It has 3 seeds.\n")
    kept = tmp_path / "kept.json"
    main([str(tmp_path), "--out", str(kept)])
    assert "warning: text.tex, line 1: a typed number" in capsys.readouterr().err
    (remark,) = read_remarks(kept)
    for path in (kept, tmp_path):
        with pytest.raises(PoseliftError, match="1 remark on the text"):
            main([str(path), "--strict"])
    assert (remark.file, remark.line) == ("text.tex", 1)
    paper("It has seeds.\n")
    main([str(tmp_path), "--strict"])


def test_what_may_be_typed_needs_a_reason(paper, tmp_path):
    write_text(tmp_path / "typed_numbers.yaml", "3D: dimensions\n40 mm:\n")
    with pytest.raises(PoseliftError, match=r"typed_numbers.yaml: '40 mm' needs a reason"):
        paper("Text.\n")


def test_the_project_has_no_typed_number():
    found = check(SOURCES, {})
    assert [remark for remark in found if "typed number" in remark.text] == []


def test_what_came_back_is_checked_before_it_is_written(paper, tmp_path, capsys):
    paper("It works.\n")
    job = {"rule": "x", "code": "abc", "inputs": [], "outputs": []}
    record = {
        "hash": "0" * 64, "core": {"parts": [], "sources": {}, "jobs": {"x": job}}, "outputs": {}, "code": {},
        "frozen": {}, "volatile": {"jobs": {"x": {"ended": "2026-01-01T00:00:00+00:00"}}},
    }  # fmt: skip
    write_json(tmp_path / "generated/provenance.json", record)
    write_crate(tmp_path)
    home = tmp_path.parent / f"{tmp_path.name}-home"
    shutil.copytree(tmp_path, home, ignore=shutil.ignore_patterns("generated"))
    (tmp_path / "text.tex").write_text("It works.\nBy 3\\,mm.\n")
    merge = ["merge", str(tmp_path), "--into", str(home), "--apply"]
    with pytest.raises(PoseliftError, match="1 remark"):
        handover.main([*merge, "--strict"])
    assert (home / "text.tex").read_text() == "It works.\n"
    handover.main(merge)
    assert "warning: text.tex, line 2: a typed number, `By 3" in capsys.readouterr().err
    assert (home / "text.tex").read_text() == "It works.\nBy 3\\,mm.\n"
