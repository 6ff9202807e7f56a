"""What all figures share: marks, size, legibility, bytes that depend on the data alone."""

import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.text import Text

from poselift.analysis.costs import Cost
from poselift.analysis.examples import read_models
from poselift.analysis.view import AblationEntry, Grid
from poselift.config.experiment import Statistics
from poselift.figures import (
    ablation,
    architecture,
    comparison,
    curves,
    equal_cost,
    joints,
    make,
    pareto,
    per_action,
    place,
    qualitative,
    search,
    streaming,
)
from poselift.figures.style import COLUMN_WIDTH, PAGE_WIDTH, save, style
from shown import GRID, REAL, SYNTHETIC, view

COSTS = {(name, size): Cost(27, 10**6, 10**9, 10**9) for name in GRID.architectures for size in GRID.sizes}
ENTRY = AblationEntry(name="shallow", title="", architecture="full", size="base", seeds=(0, 1, 2))
TRIALS = pd.DataFrame(
    {
        "stage": "coarse", "trial": ["a", "b"], "status": "finished", "reason": "", "best": "",
        "final": [9.0, 8.0], "unit": "px", "epochs": "2", "seeds": "1", "gpu_hours": "",
        "lr": ["0.001", "0.01"],
    }
)  # fmt: skip


@pytest.fixture
def draw_all(results, make_run, make_examples, tmp_path):
    make_examples(tmp_path / "full-base-s0-examples.npz")
    examples = read_models([tmp_path / "full-base-s0-examples.npz"])
    runs = [
        make_run(name, size, seed, {"loss_total": [0.3, 0.2], "mpjpe": [80.0, 60.0]})
        for name in GRID.architectures
        for size in GRID.sizes
        for seed in GRID.seeds
    ]

    made = {
        "comparison": (comparison, results),
        "per_action": (per_action, results),
        "joints": (joints, results),
        "place": (place, results),
        "streaming": (streaming, results),
        "pareto": (pareto, results, COSTS, None),
        "equal_cost": (equal_cost, results, COSTS),
        "curves": (curves, runs),
        "ablation": (ablation, results),
        "search": (search, TRIALS),
        "qualitative": (qualitative, examples),
    }

    def draw(notice, grid=GRID, only=tuple(made)):
        shown = view(grid, notice, ablation=(ENTRY,), statistics=Statistics(resamples=100))
        return {name: made[name][0].draw(*made[name][1:], shown) for name in only}

    return draw


@pytest.mark.parametrize("notice", [REAL, SYNTHETIC])
def test_synthetic_data_are_named_in_each_figure(notice, draw_all, words):
    for name, figure in draw_all(notice).items():
        assert any("synthetic data" in line for line in words(figure)) == notice.synthetic, name


def test_missing_runs_are_counted(draw_all, words):
    figures = draw_all(REAL, Grid(GRID.architectures, GRID.sizes, (0, 1, 2, 3)))
    for name, n in {
        "comparison": 4,
        "pareto": 4,
        "equal_cost": 4,
        "curves": 4,
        "per_action": 2,
        "joints": 2,
        "place": 2,
        "streaming": 2,
    }.items():
        assert f"DRAFT: {n} runs missing" in words(figures[name]), name
    assert "DRAFT: 3 runs missing" in words(figures["ablation"])  # the entry's own three


def test_an_architecture_without_runs_leaves_a_named_gap(draw_all, words):
    figures = draw_all(REAL, Grid(("baseline", "mamba_gcn", "full"), GRID.sizes, GRID.seeds))
    for name in ("per_action", "place", "streaming", "curves", "pareto"):
        assert "MambaGCN (missing)" in words(figures[name]), name
    assert words(figures["comparison"]).count("missing") == 4  # two sizes in two panels
    assert words(figures["joints"]).count("missing") == 1


def test_figures_fit_the_page_and_are_legible(draw_all):
    figures = draw_all(SYNTHETIC) | {"architecture": architecture.draw(view())}
    column = {"comparison", "per_action", "place", "streaming", "ablation", "equal_cost", "search"}
    for name, figure in figures.items():
        assert figure.get_figwidth() == (COLUMN_WIDTH if name in column else PAGE_WIDTH), name
        assert min(text.get_fontsize() for text in figure.findobj(Text) if text.get_text()) >= 7, name


def test_nothing_is_cut_off_at_the_edge_of_the_figure(draw_all):
    for name, figure in (draw_all(SYNTHETIC) | {"architecture": architecture.draw(view())}).items():
        figure.draw_without_rendering()
        width, height = figure.get_size_inches()
        drawn = figure.get_tightbbox()
        assert drawn.x0 > -0.02, name
        assert drawn.x1 < width + 0.02, name
        assert drawn.y0 > -0.02, name
        assert drawn.y1 < height + 0.02, name


def test_the_style_ends_with_its_context():
    with mpl.rc_context({"font.size": 30}), style():
        assert mpl.rcParams["font.size"] == 8
        assert mpl.rcParams["pdf.fonttype"] == 42
    assert mpl.rcParams["font.size"] == 8  # that of the fixture


def test_files_are_the_same_bytes_in_another_process(results, tmp_path, monkeypatch):
    results.to_csv(tmp_path / "results.csv", index=False)
    arguments = [
        "joints", "--caption", "So.",
        *("--results", str(tmp_path / "results.csv"), "--seeds", "0", "1", "2", "--sizes", "base"),
        *("--architectures", "baseline", "full", "--per-action-size", "base"),
        *("--dataset-title", "made up", "--synthetic", "--out"),
    ]  # fmt: skip
    make.main([*arguments, str(tmp_path / "here.pdf")])
    monkeypatch.setenv("PYTHONHASHSEED", "123")
    command = [sys.executable, "-m", "poselift.figures.make", *arguments, str(tmp_path / "there.pdf")]
    subprocess.run(command, check=True)
    assert_same(tmp_path)


def assert_same(folder: Path) -> None:
    for suffix in (".pdf", ".svg", ".png"):
        here, there = ((folder / name).with_suffix(suffix).read_bytes() for name in ("here", "there"))
        assert here == there


@pytest.mark.parametrize("name", ["search", "ablation", "pareto", "qualitative"])
def test_files_are_the_same_bytes_twice(name, draw_all, tmp_path):
    save(draw_all(SYNTHETIC, only=[name])[name], tmp_path / "here.pdf")
    save(draw_all(SYNTHETIC, only=[name])[name], tmp_path / "there.pdf")
    assert_same(tmp_path)
