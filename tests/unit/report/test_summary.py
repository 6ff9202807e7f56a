"""The main table for a terminal: hand-made results, expected lines."""

import re

from poselift.analysis.results import collect
from poselift.analysis.stored import write_content
from poselift.analysis.view import DataNotice, Grid
from poselift.files import write_json
from poselift.report import summary
from poselift.tables import main
from shown import told, view


def lines(results, seeds, synthetic=False, **more):
    grid = Grid(("baseline", "full"), ("base",), seeds, **more)
    shown = view(grid, DataNotice("made-up motion", synthetic))
    return summary.as_text(main.table(results, shown), shown.notice, shown.grid).splitlines()


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
    assert lines(results, (0,), more_seeds={"base": (1, 2)}) == table
    assert next(line for line in table if "Mean pose" in line).split() == ["Mean", "pose", "221.4", "177.1"]
    baseline = next(line for line in table if "Baseline" in line)
    assert "41.0 ± 1.0" in baseline
    assert "40.5 ± 1.0" in baseline
    assert "*" not in baseline
    full = next(line for line in table if "Full" in line)
    assert re.split(" {2,}", full)[-4:] == ["39.0 ± 1.0**", "31.2 ± 0.8", "38.5 ± 1.0", "30.8 ± 0.8"]
    assert table[-1].startswith("** and is better than all other models")
    assert not any("DRAFT" in line for line in table)


def test_another_version_than_the_pinned_one_is_said(tmp_path, make_report, make_references):
    said = "torch 2.1 instead of 2.0"
    parts = ["tables/main.tex", "numbers.tex"]
    record = {"hash": "f", "core": {"parts": parts}, "outputs": {}, "mixed": {}}
    results = collect([*make_references(), make_report("baseline", "base", 0, 40.0, 39.5)])
    shown = view(Grid(("baseline", "full"), ("base",), (0,)))
    write_content(tmp_path / "main.json", main.table(results, shown))
    for unpinned, lines in ((dict.fromkeys(parts, said), 1), ({}, 0)):
        write_json(tmp_path / "record.json", record | {"unpinned": unpinned})
        summary.main(
            ["--table", str(tmp_path / "main.json"), *told(summary, shown), "--pdf", "main.pdf",
             "--record", str(tmp_path / "record.json"), "--out", str(tmp_path / "summary.txt")]
        )  # fmt: skip
        text = (tmp_path / "summary.txt").read_text(encoding="utf-8")
        assert text.count(f"\nMade with {said}, the pinned version.\n") == lines


def test_single_seed_synthetic_data_and_a_missing_run_are_said(make_report, make_references):
    results = collect([*make_references(), make_report("baseline", "base", 0, 40.0, 39.5)])
    table = lines(results, (0,), synthetic=True)
    assert table[0].startswith("SYNTHETIC DATA, made-up motion")
    assert "a single seed: no difference is called significant" in table
    assert table[-1] == "Synthetic data. DRAFT: 1 run is missing (full-base-s0)."
    assert next(line for line in table if "Full" in line).split()[-4:] == ["–"] * 4
