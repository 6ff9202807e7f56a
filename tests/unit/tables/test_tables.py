"""The tables: hand-made results, expected cells."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from poselift.analysis import results
from poselift.analysis.costs import Cost, read_costs, read_variant_costs
from poselift.analysis.published import Published, Row, comparable
from poselift.analysis.results import collect
from poselift.analysis.view import AblationEntry, DataNotice, Grid
from poselift.config.experiment import Statistics
from poselift.config.submission import Submission
from poselift.errors import PoseliftError
from poselift.evaluation.report import write_reports
from poselift.files import write_text
from poselift.paper import submission
from poselift.paper.compile import compile_paper
from poselift.tables import (
    ablation,
    cost,
    differences,
    equal_cost,
    ground_truth_2d,
    latex,
    main,
    make,
    overview,
    per_action,
    published,
)
from shown import REAL, SYNTHETIC, view


def tex(module: ModuleType, *arguments: Any) -> str:
    """The LaTeX of the table that a module makes of its arguments."""
    content = replace(module.table(*arguments), name=module.__name__)
    return latex.tabulate(content, module.LAYOUT, {})


def rows(table: str) -> list[list[str]]:
    """The cells of each row of a LaTeX table."""
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)&", line.split(r"\\")[0])]
        for line in table.splitlines()
        if line.rstrip().endswith(r"\\")
    ]


def row(table: str, label: str) -> list[str]:
    """The cells of the first row that has this one."""
    return next(cells for cells in rows(table) if label in cells)


@pytest.fixture
def three_seeds(make_report, make_references):
    """Baseline: 40, 41, 42 last, 0.5 less best. Full: 1, 2, 3 less, so changes of -1, -2, -3."""
    return collect(
        [
            *make_references(),
            *(make_report("baseline", "base", seed, 40.0 + seed, 39.5 + seed) for seed in range(3)),
            *(make_report("full", "base", seed, 39.0, 38.5) for seed in range(3)),
        ]
    )


PAPER = Path(__file__).parents[3] / "paper"

GRID = Grid(("baseline", "full"), ("base",), (0, 1, 2))
VIEW = view(GRID)
BASELINE = r"Baseline, \ensuremath{A} \ensuremath{\parallel} \ensuremath{G}"
FULL = BASELINE.replace("Baseline", "Full") + r" \ensuremath{\parallel} \ensuremath{M}"
ALL = ("baseline", "mamba_gcn", "full")


def test_main_table_has_mean_and_spread(three_seeds):
    table = tex(main, three_seeds, VIEW)
    baseline = row(table, "Baseline")
    assert baseline[:4] == ["base", "Baseline", "41.0", r"\spread{1.0}"]  # mean and sample std of 40, 41, 42
    assert baseline[4:6] == ["32.8", r"\spread{0.8}"]  # P-MPJPE: 0.8 of it
    assert baseline[8:10] == ["1.64", r"\spread{0.04}"]  # MPJVE with a decimal more
    assert baseline[12:14] == ["40.5", r"\spread{1.0}"]  # best epoch
    assert len(baseline) == 22
    # below each heading a rule as long as its columns: two of names, then five metrics with their spread
    assert r"\cmidrule(lr){3-12}\cmidrule(lr){13-22}" in table
    assert row(table, "Full")[:4] == ["", "Full", "39.0", r"\spread{0.0}"]
    assert row(table, "Mean pose")[2:4] == ["221.4", ""]
    assert len(row(table, "Mean pose")) == 22
    assert row(table, "Mean pose")[4] == f"{0.8 * 221.4:.1f}"
    assert "Mean over 3 seeds" in table
    assert "15 actions" in table


def test_nothing_is_bold_or_starred_by_being_lowest(three_seeds):
    # changes of -1, -2, -3 over three seeds: the 95 % interval, -2 +- 2.48, holds zero
    table = tex(main, three_seeds, VIEW)
    assert "textbf" not in table
    assert r"\significant" not in table
    assert "Star: a significant difference from Baseline of its size" in table
    assert r"Holm's correction for 1 comparison, family-wise error 5\,\%" in table


def test_the_caption_says_the_settings_of_intervals_and_tests(three_seeds):
    shown = view(GRID, statistics=Statistics(resamples=1234, confidence=0.9))
    caption = main.table(three_seeds, shown).caption
    assert "90\N{NARROW NO-BREAK SPACE}%, 1,234 paired resamples" in caption
    assert "family-wise error 10\N{NARROW NO-BREAK SPACE}%" in caption


@pytest.fixture
def clear_cut(make_report, make_references):
    """Baseline: 40, 41, 42. Full: 2 less with each seed, or nearly, so that intervals leave out zero."""
    return collect(
        [
            *make_references(),
            *(make_report("baseline", "base", seed, 40.0 + seed, 39.5 + seed) for seed in range(3)),
            *(
                make_report("full", "base", seed, 38.0 + seed + 0.02 * (seed - 1), 37.5 + seed)
                for seed in range(3)
            ),
        ]
    )


def test_what_is_significant_is_starred_and_if_lower_than_all_others_bold(clear_cut):
    table = tex(main, clear_cut, VIEW)
    assert row(table, "Full")[2:4] == [r"\textbf{39.0}", r"\spread{1.0}\significant"]
    assert row(table, "Baseline")[2:4] == ["41.0", r"\spread{1.0}"]


def test_the_baseline_is_the_reference_wherever_it_stands(clear_cut):
    table = tex(main, clear_cut, view(Grid(("full", "baseline"), ("base",), (0, 1, 2))))
    assert row(table, "Full")[3] == r"\spread{1.0}\significant"
    assert row(table, "Baseline")[3] == r"\spread{1.0}"


def test_bold_has_to_beat_every_other(clear_cut, make_report):
    rival = collect([make_report("mamba_gcn", "base", seed, 38.0 + seed, 37.5 + seed) for seed in range(3)])
    table = tex(
        main,
        pd.concat([clear_cut, rival]),
        view(Grid(ALL, ("base",), (0, 1, 2))),
    )
    assert "textbf" not in table
    assert row(table, "Full")[3] == row(table, "MambaGCN")[3] == r"\spread{1.0}\significant"


@pytest.mark.parametrize("seeds", [(0, 1), (0, 1, 2)])
def test_what_a_test_could_find_is_said_in_words(clear_cut, make_report, seeds):
    """The ends are those of the column of detectable differences."""
    rival = collect([make_report("mamba_gcn", "base", seed, 40.3 + seed**2, 40.0) for seed in range(3)])
    everything = pd.concat([clear_cut, rival])
    shown = view(Grid(ALL, ("base",), seeds))
    table = differences.table(everything[everything["seed"].isin(seeds)], shown)
    found = sorted(float(row[-1].text) for block in table.blocks for row in block.rows)
    least, most = (f"from {each:.1f}\N{NARROW NO-BREAK SPACE}mm on" for each in (found[0], found[-1]))
    assert f"80\N{NARROW NO-BREAK SPACE}% or more {least}" in table.caption
    assert least == most or f"{most} in its least precise one" in table.caption
    assert ("With two seeds" in table.caption) == (len(seeds) == 2)


def test_what_a_test_could_find_is_of_the_primary_metric(clear_cut):
    shown = [
        view(GRID, statistics=Statistics(resamples=500, primary=name))
        for name in ("mpjpe", "p_mpjpe", "mpjve")
    ]
    tables = [differences.table(clear_cut, each) for each in shown]
    mpjpe, p_mpjpe, mpjve = (table.blocks[0].rows[0][-1] for table in tables)
    assert p_mpjpe.value == pytest.approx(0.8 * mpjpe.value)  # as all P-MPJPE are of the MPJPE
    assert mpjve.text == f"{0.04 * mpjpe.value:.2f}"  # with a decimal more than millimetres
    assert "difference of the P-MPJPE that its test" in tables[1].caption
    for its, unit in ((mpjpe, "mm"), (p_mpjpe, "mm"), (mpjve, "mm/frame")):
        caption = tables[[mpjpe, p_mpjpe, mpjve].index(its)].caption
        assert f"from {its.text}\N{NARROW NO-BREAK SPACE}{unit} on" in caption


def test_differences_have_intervals(clear_cut):
    table = tex(differences, clear_cut, VIEW)
    (full,) = [cells for cells in rows(table) if any("Full" in cell for cell in cells)]
    assert full[:2] == [r"Full \ensuremath{-} Baseline", r"\ensuremath{-}2.00"]
    low, high = (
        -float(bound) for bound in re.findall(r"ensuremath\{-\}([\d.]+)", full[2])
    )  # both are negative
    # the share of seeds, -2 +- t s / sqrt(3) with s = 0.02, and that of recordings: the two of an action have
    # 10 % more and less than -2, so the mean over 15 actions has the standard error 0.2 / sqrt(15)
    half = ((4.303 * 0.02 / 3**0.5) ** 2 + (1.96 * 0.2 / 15**0.5) ** 2) ** 0.5
    assert (low, high) == pytest.approx((-2 - half, -2 + half), abs=0.03)
    assert full[2].endswith(r"\significant")
    assert len(rows(table)) == 3  # heading, size, one pair


def test_the_caption_of_differences_is_about_the_size_of_most_seeds(clear_cut):
    shown = view(Grid(("baseline", "full"), ("base",), (0,), more_seeds={"base": (1, 2)}))
    assert "Star: a significant difference" in differences.table(clear_cut, shown).caption


def test_one_seed_is_never_significant_and_the_caption_says_so(make_report, make_references):
    one = collect(
        [
            *make_references(),
            make_report("full", "base", 0, 20.0, 20.0),
            make_report("baseline", "base", 0, 40.0, 40.0),
        ]
    )
    grid = Grid(("baseline", "full"), ("base",), (0,))
    for table in (
        tex(main, one, view(grid)),
        tex(differences, one, view(grid)),
    ):
        assert "nothing is marked as significant" in table
        assert r"\significant" not in table
        assert "textbf" not in table


def test_a_missing_model_is_a_dash_and_a_draft(three_seeds):
    grid = Grid(("baseline", "mamba_gcn"), ("base",), (0, 1, 2))
    table = tex(main, three_seeds, view(grid))
    assert row(table, "MambaGCN")[2:6] == [r"\missing", "", r"\missing", ""]
    assert r"DRAFT: 3 runs are missing (mamba\_gcn-base-s0, mamba\_gcn-base-s1, mamba\_gcn-base-s2)" in table


def test_a_missing_seed_is_a_draft_too(three_seeds):
    table = tex(main, three_seeds, view(Grid(("full",), ("base",), (0, 1, 2, 3))))
    assert "DRAFT: 1 run is missing (full-base-s3)" in table
    assert "DRAFT" not in tex(main, three_seeds, VIEW)


def test_a_single_seed_has_no_spread_and_the_caption_says_so(make_report, make_references):
    one = collect([*make_references(), make_report("full", "base", 0, 39.0, 38.5)])
    table = tex(main, one, view(Grid(("full",), ("base",), (0,)), decimals=2))
    assert row(table, "Full")[2:4] == ["39.00", ""]
    assert r"\spread" not in table
    assert "One seed a model, hence no spread" in table


def test_synthetic_data_are_named(three_seeds):
    costs = {("baseline", "base"): Cost(27, 10**6, 10**9, 10**9)}
    for notice, expected in ((SYNTHETIC, True), (REAL, False)):
        shown = view(GRID, notice, ground_truth_2d=GRID)
        tables = [
            tex(main, three_seeds, shown),
            tex(per_action, three_seeds, shown),
            tex(ablation, three_seeds, costs, {}, shown),
            tex(differences, three_seeds, shown),
            tex(ground_truth_2d, three_seeds, None, shown),
        ]
        assert [r"\textbf{Synthetic data.}" in table for table in tables] == [expected] * 5


def test_names_from_the_data_are_escaped(make_report, make_references, make_result):
    def on(actions, reports):
        return [
            one.model_copy(
                update={"checkpoints": {name: make_result(40.0, actions) for name in one.checkpoints}}
            )
            for one in reports
        ]

    reports = on(("A&B_1",), [*make_references(), make_report("full", "base", 0, 0.0, 0.0)])
    notice = DataNotice("50% of it", synthetic=False)
    grid = Grid(("full",), ("base",), (0,))
    table = tex(per_action, collect(reports), view(grid, notice))
    assert row(table, r"A\&B\_1")[1] == "40.0"
    assert r"50\% of it" in table


def test_per_action_table_ends_with_the_overall_number(three_seeds):
    table = tex(per_action, three_seeds, VIEW)
    # columns: MPJPE of baseline and full, then P-MPJPE
    assert row(table, "Directions")[1:5] == ["38.1", r"\spread{0.9}", "36.3", r"\spread{0.0}"]  # 0.93 of it
    assert row(table, "Mean")[1:] == [
        "41.0", r"\spread{1.0}", "39.0", r"\spread{0.0}", "32.8", r"\spread{0.8}", "31.2", r"\spread{0.0}",
    ]  # fmt: skip
    assert len(rows(table)) == 15 + 3


def test_ablation_starts_with_the_architectures(three_seeds):
    costs = {("baseline", "base"): Cost(27, 1_500_000, 2 * 10**9, 10**9)}
    table = tex(ablation, three_seeds, costs, {}, VIEW)
    baseline = row(table, BASELINE)
    assert baseline[1:8] == ["27", "1.50", "2.00", "41.0", r"\spread{1.0}", "", ""]
    full = row(table, FULL)
    assert full[1:4] == [r"\missing"] * 3
    # 39 - (40, 41, 42), paired: -2
    assert full[6] == r"\ensuremath{-}2.00"


ENTRIES = (
    AblationEntry(name="no_graph", title="without graph", architecture="full", size="base", seeds=(0, 1)),
    AblationEntry(name="short", title="", architecture="full", size="base", seeds=(0,)),
    AblationEntry(name="chain", title="chain_1", architecture="baseline", size="base", seeds=(0, 1)),
)


def test_ablation_compares_each_entry_with_its_base(three_seeds, make_report):
    runs = collect(
        [make_report("full", "base", seed, 42.0 + seed, 42.0, "no_graph") for seed in (0, 1)]
        + [make_report("full", "base", 0, 45.0, 45.0, "short")]
    )
    results = pd.concat([three_seeds, runs])
    costs = {("full", "base"): Cost(27, 9_000_000, 10**9, 10**9)}
    changed = {"full-base-no_graph": Cost(27, 5_000_000, 10**9, 10**9)}
    table = tex(ablation, results, costs, changed, view(GRID, ablation=ENTRIES))
    no_graph = row(table, "without graph")
    assert no_graph[2] == "5.00"
    assert no_graph[4:7] == ["42.5", r"\spread{0.7}", r"\ensuremath{+}3.50"]  # (42, 43) - (39, 39)
    short = row(table, "short")  # a model that is not changed costs what its base does; one seed
    assert short[2] == "9.00"
    assert short[6] == r"\ensuremath{+}6.00"
    assert not short[7].endswith(r"\significant")
    assert "What has one seed is not tested" in table
    assert row(table, "unchanged")[4:8] == ["39.0", r"\spread{0.0}", "", ""]
    assert row(table, r"chain\_1")[4] == r"\missing"
    assert r"DRAFT: 2 runs are missing (baseline-base-chain-s0, baseline-base-chain-s1)" in table
    turned = view(Grid(("full", "baseline"), ("base",), (0, 1)))  # changes are from the first
    first, second = ablation.table(three_seeds, {}, {}, turned).blocks[0].rows
    assert (first[5].text, second[5].text) == ("", "+2.00")


def test_the_caption_of_an_ablation_is_about_the_model_of_most_seeds(three_seeds):
    one_seed = Grid(("baseline", "full"), ("base",), (0,))
    for entry in ENTRIES[:2]:  # with two seeds, with one
        caption = ablation.table(three_seeds, {}, {}, view(one_seed, ablation=(entry,))).caption
        assert ("One seed: intervals cover" in caption) == (len(entry.seeds) == 1)


def test_an_entry_against_another_model_stands_below_that(three_seeds, make_report):
    runs = [make_report("baseline", "wide", seed, 44.0 + seed, 44.0, "wider") for seed in (0, 1)]
    entry = AblationEntry(
        name="wider", title="", architecture="baseline", size="wide", seeds=(0, 1), against=("full", "base")
    )
    costs = {("full", "base"): Cost(27, 9_000_000, 10**9, 10**9)}
    changed = {"baseline-wide-wider": Cost(27, 9_100_000, 10**9, 10**9)}
    shown = view(GRID, ablation=(ENTRIES[0], entry))
    table = ablation.table(pd.concat([three_seeds, collect(runs)]), costs, changed, shown)
    assert [block.title for block in table.blocks[1:]] == ["Full, base"]
    assert [row[0].text for row in table.blocks[1].rows] == ["unchanged", "without graph", "wider"]
    wider = table.blocks[1].rows[2]
    assert (wider[2].text, wider[4].text, wider[5].text) == ("9.10", "44.5", "+5.5")  # (44, 45) - (39, 39)
    assert table.notice == "DRAFT: 2 runs are missing (full-base-no_graph-s0, full-base-no_graph-s1)."


EQUAL = {
    ("baseline", "small"): 5, ("baseline", "base"): 12, ("baseline", "large"): 19,
    ("full", "small"): 12, ("full", "base"): 18, ("full", "large"): 29,
}  # fmt: skip
EQUAL_COSTS = {model: Cost(27, millions * 10**6, 10**9, 10**9) for model, millions in EQUAL.items()}


def test_each_model_stands_beside_the_smallest_baseline_that_is_no_smaller(make_report, make_references):
    grid = Grid(("baseline", "full"), ("small", "base", "large"), (0,), more_seeds={"base": (1,)})
    reports = [make_report("full", "base", seed, last, 30.0) for seed, last in ((0, 39.0), (1, 50.0))]
    reports += [make_report("baseline", "large", 0, 41.0, 30.0), make_report("full", "small", 0, 45.0, 30.0)]
    table = equal_cost.table(collect([*make_references(), *reports]), EQUAL_COSTS, view(grid))
    names = [[row[0].text for row in block.rows] for block in table.blocks]
    assert names == [
        ["Baseline, base", "Full, small"],
        ["Baseline, large", "Full, base"],
    ]  # none beside full-large
    large, base = table.blocks[1].rows
    assert [cell.text for cell in large] == ["Baseline, large", "27", "19.00", "1.00", "41.0", ""]
    assert [cell.text for cell in base][2:] == [
        "18.00",
        "1.00",
        "44.5",
        "−2.00",
    ]  # over the seed that both have
    assert table.notice.startswith("DRAFT: 4 runs are missing")
    assert "Exploratory" in table.caption
    assert "One seed" not in table.caption  # one size has two
    shown = latex.tabulate(table, equal_cost.LAYOUT, {})
    assert "star" not in shown.replace("starred", "")
    of_one_size = {model: cost for model, cost in EQUAL_COSTS.items() if "base" in model}
    results = collect([*make_references(), *reports])
    assert equal_cost.table(results, of_one_size, view(grid)) is None  # full is the larger one


def test_more_seeds_are_told_and_expected(three_seeds):
    grid = Grid(("baseline", "full"), ("base",), (0, 1), more_seeds={"base": (2, 3)})
    text = tex(main, three_seeds, view(grid))
    assert "DRAFT: 2 runs are missing (baseline-base-s3, full-base-s3)" in text
    assert "Mean over 3 seeds" in text
    assert "Mean over 2 to 3 seeds" in tex(main, three_seeds[three_seeds["run"] != "full-base-s2"], VIEW)
    few = Grid(("baseline", "full"), ("base",), (0,), more_seeds={"base": (1, 2)})
    assert "One seed" not in tex(main, three_seeds, view(few))


def test_ablation_leaves_out_seeds_that_one_side_lacks(make_report, make_references):
    seeds = {0: 38.0, 5: 90.0}  # the baseline has no seed 5
    table = collect(
        [
            *make_references(),
            make_report("baseline", "base", 0, 40.0, 40.0),
            *(make_report("full", "base", seed, last, last) for seed, last in seeds.items()),
        ]
    )
    text = tex(ablation, table, {}, {}, VIEW)
    assert row(text, FULL)[6] == r"\ensuremath{-}2.00"


def test_costs_of_variants_are_named_by_their_files(tmp_path):
    write_text(
        tmp_path / "full-base-no_graph.csv",
        "architecture,size,n_frames,parameters,macs_linear,macs_all\nfull,base,27,5,6,7\n",
    )
    assert read_variant_costs([tmp_path / "full-base-no_graph.csv"]) == {
        "full-base-no_graph": Cost(27, 5, 6, 7)
    }


def test_ground_truth_2d_stands_beside_detections(clear_cut, make_report):
    runs = [make_report("full", "base", seed, 18.0, 17.0 + seed, "gt2d") for seed in range(3)]
    results = pd.concat([clear_cut, collect(runs)])
    theirs = [published_row("Theirs", mpjpe_ground_truth_2d=19.4), published_row("Others")]
    theirs.append(published_row("Unsure", mpjpe_ground_truth_2d=15.5, unsure=["mpjpe_ground_truth_2d"]))
    theirs.append(published_row("Remembered", mpjpe_ground_truth_2d=17.3, sure="C"))
    grid = Grid(("baseline", "full"), ("base",), (0, 1, 2), "gt2d")
    table = tex(ground_truth_2d, results, Published(detector="SH", rows=theirs), view(ground_truth_2d=grid))
    assert row(table, "Full")[2:] == [
        "18.0", r"\spread{0.0}", "14.4", r"\spread{0.0}", "18.0", r"\spread{1.0}", "39.0", r"\spread{1.0}"
    ]  # fmt: skip
    assert row(table, "Baseline")[2:] == [r"\missing", ""] * 3 + ["41.0", r"\spread{1.0}"]
    assert row(table, "Copy 2D")[2] == "120.5"
    assert "19.4" in table
    assert "15.5" not in table
    assert "17.3" not in table
    assert "DRAFT: 3 runs are missing (baseline-base-gt2d-s0" in table


def test_cost_table_counts_both_ways():
    costs = {("full", "base"): Cost(243, 11_723_811, 47_960_000_000, 64_500_000_000)}
    table = tex(cost, costs, VIEW)
    assert row(table, "Full")[2:] == ["243", "11.72", "47.96", "64.50"]
    assert row(table, "Baseline")[2:] == [r"\missing"] * 4


def test_small_costs_are_not_rounded_to_nothing():
    costs = {("full", "tiny"): Cost(27, 4_321, 1_234_567, 2_345_678)}
    table = tex(cost, costs, view(Grid(("full",), ("tiny",), (0,))))
    assert row(table, "Full")[3:] == [
        "0.0043",
        "0.0012",
        "0.0023",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\n1,2\n", "columns"),
        ("architecture,size,n_frames,parameters,macs_linear,macs_all\nfull,base,27,x,1,1\n", "full base"),
        (
            "architecture,size,n_frames,parameters,macs_linear,macs_all\n" + "full,base,27,1,1,1\n" * 2,
            "second row",
        ),
    ],
)
def test_another_file_of_costs_is_refused(tmp_path, text, reason):
    path = tmp_path / "cost.csv"
    path.write_text(text)
    with pytest.raises(PoseliftError, match=f"cost.csv.*{reason}"):
        read_costs([path])


def published_row(method: str, **changes: object) -> Row:
    entries = {
        "method": method,
        "detector": "SH",
        "frames": 243,
        "mpjpe": 38.4,
        "sure": "A",
        "source": "paper",
    }
    return Row.model_validate({**entries, **changes})


def test_only_sure_rows_are_comparable_and_detectors_are_kept_apart():
    listed = [
        published_row("one", detector="CPN"),
        published_row("two"),
        published_row("remembered", sure="C"),
        published_row("unconfirmed", detector=None),
        published_row("three", detector="CPN", sure="B"),
    ]
    groups = {detector: [one.method for one in group] for detector, group in comparable(listed).items()}
    assert groups == {"CPN": ["one", "three"], "SH": ["two"]}


def test_unsure_numbers_are_dashes_and_ours_follow(three_seeds):
    listed = [
        published_row("Theirs", p_mpjpe=32.6, parameters=11.7, unsure=["p_mpjpe"], cite="them"),
        published_row("Others", detector="CPN", sure="B"),
    ]
    costs = {("full", "base"): Cost(27, 1_500_000, 2_000_000_000, 3_000_000_000)}
    table = tex(published, three_seeds, costs, Published(detector="SH", rows=listed), VIEW)
    theirs = [r"Theirs~\cite{them}", "SH", "243", "11.7", r"\missing", "38.4", "", r"\missing", "", "A"]
    assert row(table, "SH") == theirs
    assert row(table, "CPN")[0] == "Others"
    # the best epoch, as theirs: 38.5 for each seed
    ours = [
        "Ours: Full, base",
        "SH",
        "27",
        "1.5",
        "2.0",
        "38.5",
        r"\spread{0.0}",
        "30.8",
        r"\spread{0.0}",
        "",
    ]
    assert row(table, "Ours: Full, base") == ours


@pytest.mark.parametrize(
    ("lowest", "detector", "bold"),
    [
        (41.0, "SH", True),  # ours: 38.5, 38.5, 38.5
        (38.4, "SH", False),
        (38.4, "CPN", True),  # other detections are not comparable
    ],
)
def test_ours_is_bold_if_it_is_below_all_with_our_detector(three_seeds, lowest, detector, bold):
    listed = [published_row("one", mpjpe=42.0), published_row("two", mpjpe=lowest, detector=detector)]
    table = tex(published, three_seeds, {}, Published(detector="SH", rows=listed), VIEW)
    assert row(table, "Ours: Full, base")[5] == (r"\textbf{38.5}" if bold else "38.5")
    # 40.5 +- 2.5: the mean is lower than 41 and 42, the interval is not
    assert row(table, "Ours: Baseline, base")[5] == "40.5"


def test_a_single_seed_is_never_bold_beside_published_results(make_report, make_references):
    one = collect([*make_references(), make_report("full", "base", 0, 20.0, 20.0)])
    table = tex(
        published,
        one,
        {},
        Published(detector="SH", rows=[published_row("one")]),
        view(Grid(("full",), ("base",), (0,))),
    )
    assert row(table, "Ours: Full, base")[5] == "20.0"


@pytest.fixture
def published_arguments(tmp_path, make_report, make_references):
    evaluation = make_report("full", "base", 0, 39.0, 38.5)
    for name, reports in (("run", [evaluation]), ("references", make_references())):
        write_reports(tmp_path / f"{name}.json", reports)
    results.main(
        ["--evaluations", str(tmp_path / "run.json"), "--references", str(tmp_path / "references.json"),
         "--out", str(tmp_path / "results.csv")]
    )  # fmt: skip
    write_text(tmp_path / "cost.csv", "architecture,size,n_frames,parameters,macs_linear,macs_all\n")
    write_text(
        tmp_path / "published.yaml",
        "detector: SH\nrows:\n"
        "- {method: Theirs, detector: SH, frames: 9, mpjpe: 38.4, sure: A, source: paper}\n",
    )
    return [
        "--results", str(tmp_path / "results.csv"), "--costs", str(tmp_path / "cost.csv"),
        "--architectures", "full", "--sizes", "base", "--seeds", "0", "--dataset-title", "some motion",
        "--decimals", "1", "--out", str(tmp_path / "published.tex"),
    ]  # fmt: skip


def without_grid(arguments):
    """The arguments but for the grid, which the table of ground-truth 2D does not have."""
    start, end = arguments.index("--architectures"), arguments.index("--dataset-title")
    return arguments[:start] + arguments[end:]


def test_published_rows_appear_only_when_asked_for(tmp_path, published_arguments):
    make.main(["published", *published_arguments])
    text = (tmp_path / "published.tex").read_text()
    assert r"\comparablefalse" in text
    assert "Theirs" not in text
    make.main(["published", *published_arguments, "--published", str(tmp_path / "published.yaml")])
    text = (tmp_path / "published.tex").read_text()
    assert "Theirs" in text
    assert r"\comparabletrue" in text


def test_without_runs_on_ground_truth_there_is_no_table(tmp_path, published_arguments):
    arguments = ["ground_truth_2d", *without_grid(published_arguments)]
    make.main(arguments)
    assert r"\groundtruthfalse" in (tmp_path / "published.tex").read_text()
    of = {"architectures": ["full"], "sizes": ["base"], "seeds": [0], "variant": "gt2d"}
    make.main([*arguments, "--ground-truth-2d", json.dumps(of)])
    assert r"\groundtruthtrue" in (tmp_path / "published.tex").read_text()


def test_entries_come_as_json(tmp_path, published_arguments):
    entries = [{"name": "chain", "title": "in a chain", "architecture": "full", "size": "base", "seeds": [0]}]
    arguments = ["ablation", *published_arguments, "--per-action-size", "base", "--ablation"]
    make.main([*arguments, json.dumps(entries)])
    assert "in a chain" in (tmp_path / "published.tex").read_text()
    with pytest.raises(PoseliftError, match=r"ablation\.chain\.title: is missing"):
        make.main([*arguments, '[{"name": "chain"}]'])


def test_synthetic_data_are_never_compared_with_published_results(tmp_path, published_arguments):
    with pytest.raises(PoseliftError, match="synthetic"):
        make.main(
            [
                "published",
                *published_arguments,
                "--published",
                str(tmp_path / "published.yaml"),
                "--synthetic",
            ]
        )
    assert not (tmp_path / "published.tex").exists()


@pytest.mark.skipif(shutil.which("latexmk") is None, reason="no LaTeX here")
@pytest.mark.parametrize("decimals", [1, 2, 4])
def test_no_table_is_wider_than_the_page(tmp_path, clear_cut, decimals):
    """In the paper's own layout, with as many decimals as the configuration takes."""
    preamble = (PAPER / "main.tex").read_text().split("\\begin{document}")[0]
    preamble = re.sub(r"\\input\{generated/[np].*?\}|\\ifanonymous.*|\\hypersetup\{.*", "", preamble)
    preamble = preamble.replace("\\num{", "{")
    shutil.copytree(PAPER / "styles", tmp_path / "styles")
    write_text(tmp_path / "generated/submission.tex", submission.text(Submission(), PAPER))
    shown = view(GRID, ground_truth_2d=GRID, decimals=decimals)
    listed = Published(detector="SH", rows=[published_row("A Method of Others", p_mpjpe=32.6)])
    costs = {("full", "base"): Cost(243, 11_723_811, 47_960_000_000, 64_500_000_000)}
    every = {(name, "base"): Cost(243, 17_625_411, 71_960_000_000, 92_400_000_000) for name in ALL}
    tables = [
        tex(main, clear_cut, shown), tex(overview, clear_cut, shown), tex(differences, clear_cut, shown),
        tex(per_action, clear_cut, shown), tex(equal_cost, clear_cut, every, shown),
        tex(ablation, clear_cut, costs, {}, shown), tex(ground_truth_2d, clear_cut, listed, shown),
        tex(published, clear_cut, costs, listed, shown),
    ]  # fmt: skip
    write_text(tmp_path / "main.tex", f"{preamble}\\begin{{document}}{''.join(tables)}\\end{{document}}\n")
    shutil.copyfile(PAPER / "latexmkrc", tmp_path / "latexmkrc")
    assert compile_paper(tmp_path) == []
