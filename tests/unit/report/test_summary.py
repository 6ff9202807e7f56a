"""The main table for a terminal: hand-made results, expected lines."""

import re

from poselift.analysis.options import Grid, Marks
from poselift.analysis.results import collect
from poselift.config.experiment import Statistics
from poselift.report import summary
from poselift.tables import main


def lines(results, seeds, synthetic=False):
    grid, marks = Grid(("baseline", "full"), ("base",), seeds), Marks("made-up motion", synthetic)
    content = main.table(results, grid, marks, 1, Statistics(resamples=500))
    return summary.as_text(content, marks, seeds).splitlines()


def test_mean_spread_and_star(make_report, make_references):
    # baseline 40, 41, 42; full two less with each seed, so the interval of the difference leaves out zero
    results = collect(
        [
            *make_references(),
            *(make_report("baseline", "base", seed, 40.0 + seed, 39.5 + seed) for seed in range(3)),
            *(make_report("full", "base", seed, 38.0 + seed, 37.5 + seed) for seed in range(3)),
        ]
    )
    table = lines(results, (0, 1, 2))
    assert table[0] == "made-up motion: errors in mm, 3 seeds"
    assert next(line for line in table if "Mean pose" in line).split() == ["Mean", "pose", "221.4", "177.1"]
    baseline = next(line for line in table if "Baseline" in line)
    assert "41.0 ± 1.0" in baseline
    assert "40.5 ± 1.0" in baseline
    assert "*" not in baseline
    full = next(line for line in table if "Full" in line)
    assert re.split(" {2,}", full)[-4:] == ["39.0 ± 1.0**", "31.2 ± 0.8**", "38.5 ± 1.0**", "30.8 ± 0.8**"]
    assert table[-1].startswith("** so do those from all other models")
    assert not any("DRAFT" in line for line in table)


def test_single_seed_synthetic_data_and_a_missing_run_are_said(make_report, make_references):
    results = collect([*make_references(), make_report("baseline", "base", 0, 40.0, 39.5)])
    table = lines(results, (0,), synthetic=True)
    assert table[0].startswith("SYNTHETIC DATA, made-up motion")
    assert "a single seed: no difference is called significant" in table
    assert table[-1] == "Synthetic data. DRAFT: 1 run is missing (full-base-s0)."
    assert next(line for line in table if "Full" in line).split()[-4:] == ["–"] * 4
