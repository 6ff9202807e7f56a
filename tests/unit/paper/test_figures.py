"""The figures: what they show, not how they look."""

import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text

from poselift.errors import PoseliftError
from poselift.paper.figures import architecture, comparison, curves, per_action, qualitative
from poselift.paper.figures.style import COLUMN_WIDTH, PAGE_WIDTH, save, style
from poselift.paper.options import Grid, Marks
from poselift.paper.results import collect
from poselift.paper.runs import read_run

REAL = Marks("measured motion", synthetic=False)
SYNTHETIC = Marks("made-up motion", synthetic=True)
GRID = Grid(("baseline", "full"), ("xsmall", "base"), (0, 1, 2))


@pytest.fixture(autouse=True)
def _styled():
    with style():
        yield
    plt.close("all")


@pytest.fixture
def table(make_report, make_references):
    reports = [
        make_report(name, size, seed, 40.0 + seed, 39.0)
        for name in GRID.architectures
        for size in GRID.sizes
        for seed in GRID.seeds
    ]
    return collect([*make_references(), *reports])


@pytest.fixture
def examples(tmp_path, make_inputs):
    make_inputs(tmp_path, sizes=("base",), seeds=(0,))
    return qualitative.read_examples(tmp_path / "evaluation" / "full-base-s0-examples.npz")


@pytest.fixture
def runs(tmp_path, make_inputs):
    return [read_run(folder) for folder in make_inputs(tmp_path, seeds=(0, 1)).runs]


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.mark.parametrize("marks", [REAL, SYNTHETIC])
def test_synthetic_data_are_named_in_each_figure(marks, table, runs, examples):
    grid = Grid(("baseline", "mamba_gcn", "full"), ("xsmall", "base"), (0, 1))
    figures = [
        comparison.draw(table, GRID, marks),
        per_action.draw(table, GRID, "base", marks),
        curves.draw(runs, grid, marks),
        qualitative.draw(examples, "full", marks),
    ]
    for figure in figures:
        assert ("synthetic data" in words(figure)) == marks.synthetic


def test_missing_runs_are_named(table, runs):
    more = Grid(GRID.architectures, GRID.sizes, (0, 1, 2, 3))
    assert "DRAFT: 4 runs missing" in words(comparison.draw(table, more, REAL))
    assert "DRAFT: 2 runs missing" in words(per_action.draw(table, more, "base", REAL))
    assert any("DRAFT" in word for word in words(curves.draw(runs, more, REAL)))


def test_figures_fit_the_page_and_are_legible(table, runs, examples):
    grid = Grid(("baseline", "mamba_gcn", "full"), ("xsmall", "base"), (0, 1))
    widths = {
        comparison.draw(table, GRID, SYNTHETIC): COLUMN_WIDTH,
        per_action.draw(table, GRID, "base", SYNTHETIC): COLUMN_WIDTH,
        curves.draw(runs, grid, SYNTHETIC): PAGE_WIDTH,
        qualitative.draw(examples, "full", SYNTHETIC): PAGE_WIDTH,
        architecture.draw(): PAGE_WIDTH,
    }
    for figure, width in widths.items():
        assert figure.get_figwidth() == width
        assert min(text.get_fontsize() for text in figure.findobj(Text) if text.get_text()) >= 7


def test_comparison_shows_mean_and_standard_deviation(table):
    ax = comparison.draw(table, GRID, REAL).axes[0]
    assert len(ax.containers) == 4  # two architectures in two sizes
    point, _caps, (bar,) = ax.containers[0].lines
    (segment,) = bar.get_segments()
    assert point.get_xdata()[0] == pytest.approx(41.0)  # of 40, 41, 42
    assert segment[:, 0] == pytest.approx([40.0, 42.0])


def test_a_single_seed_has_no_bar(make_report, make_references):
    one = collect([*make_references(), make_report("full", "base", 0, 40.0, 39.0)])
    ax = comparison.draw(one, Grid(("full",), ("base",), (0,)), REAL).axes[0]
    assert len(ax.containers[0].lines[2]) == 0


def test_actions_are_sorted_by_error_with_the_mean_below(table):
    ax = per_action.draw(table, GRID, "base", REAL).axes[0]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[0] == "WalkTogether"  # conftest: the last action has the largest error
    assert labels[-2:] == ["Directions", "Mean"]


def test_curves_show_mean_and_range_over_seeds():
    _, ax = plt.subplots()
    curves.draw_curve(ax, [[10.0, 8.0, 5.0], [12.0, 6.0]], "full")
    (line,) = ax.lines
    assert line.get_xdata().tolist() == [1, 2]  # as far as both go
    assert line.get_ydata().tolist() == [11.0, 7.0]
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (6.0, 12.0)


def test_projection_keeps_up_up_and_turns_depth_sideways():
    root, above, behind = qualitative.project(np.array([[0.0, 0, 0], [0, -1, 0], [0, 0, 1]]))
    assert root.tolist() == [0, 0]
    assert above[0] == pytest.approx(0)
    assert above[1] > 0.9  # y points down in camera space
    assert behind[0] > 0.5


def test_projection_is_a_view_of_a_rotated_body():
    rng = np.random.default_rng(0)
    basis = qualitative.project(np.eye(3)[:, None])[:, 0]  # (3, 2): images of the unit vectors
    # rows of a rotation matrix: orthonormal
    assert basis.T @ basis == pytest.approx(np.eye(2), abs=1e-12)
    pose = rng.normal(size=(4, 17, 3))
    assert qualitative.project(pose) == pytest.approx(pose @ basis)


def test_examples_that_are_none_are_refused(tmp_path):
    path = tmp_path / "x-examples.npz"
    np.savez(path, other=[1])
    with pytest.raises(PoseliftError, match=r"x-examples\.npz"):
        qualitative.read_examples(path)
    with pytest.raises(PoseliftError, match="no such file"):
        qualitative.read_examples(tmp_path / "none.npz")


def test_the_model_of_examples_is_read_from_their_name(tmp_path):
    assert qualitative.model_of(tmp_path / "mamba_gcn-base-s2-examples.npz") == "MambaGCN, base, seed 2"


def test_the_style_ends_with_its_context(tmp_path):
    with style():
        assert mpl.rcParams["pdf.fonttype"] == 42
    with mpl.rc_context({"font.size": 30}), style():
        assert mpl.rcParams["font.size"] == 8
    assert mpl.rcParams["font.size"] != 30


def test_files_are_the_same_bytes_in_another_process(tmp_path, monkeypatch):
    save(architecture.draw(), tmp_path / "here.pdf")
    command = [
        sys.executable,
        "-m",
        "poselift.paper.figures.architecture",
        "--out",
        str(tmp_path / "there.pdf"),
    ]
    monkeypatch.setenv("PYTHONHASHSEED", "123")
    subprocess.run(command, check=True)
    for suffix in (".pdf", ".png"):
        here, there = ((tmp_path / name).with_suffix(suffix).read_bytes() for name in ("here", "there"))
        assert here == there


def test_a_run_that_was_cut_short_is_named(tmp_path, make_inputs):
    folder = make_inputs(tmp_path, sizes=("base",), seeds=(0,)).runs[0]
    path = folder / "metrics.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(PoseliftError, match=r"metrics.json.*train it again"):
        read_run(folder)
