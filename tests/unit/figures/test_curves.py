"""Training curves."""

import json

import matplotlib.pyplot as plt
import pytest

from poselift.analysis.runs import read_run
from poselift.analysis.view import Grid
from poselift.config.architectures import find
from poselift.errors import PoseliftError
from poselift.figures import curves
from poselift.figures.style import tooltips
from shown import view


def test_curves_show_mean_and_range_over_seeds():
    _, ax = plt.subplots()
    curves.draw_curve(ax, {0: [10.0, 8.0, 5.0], 1: [12.0, 6.0]}, find("full").card)
    (line,) = ax.lines
    assert line.get_xdata().tolist() == [1, 2]  # as far as both go
    assert line.get_ydata().tolist() == [11.0, 7.0]
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (6.0, 12.0)


def test_a_pointer_is_told_the_value_of_each_seed():
    figure, ax = plt.subplots()
    curves.draw_curve(ax, {4: [10.0, 8.0], 7: [12.0, 6.5]}, find("full").card, "base")
    assert [text for _, _, text in tooltips(figure)] == [
        "Full, base, epoch 1: 11 (seed 4: 10, seed 7: 12)",
        "Full, base, epoch 2: 7.25 (seed 4: 8, seed 7: 6.5)",
    ]
    curves.draw_curve(ax, {0: [3.0] * 1000}, find("full").card, "base")
    assert len(tooltips(figure)) == 2 + curves.MOST_POINTS
    assert tooltips(figure)[-1][2] == "Full, base, epoch 1000: 3 (seed 0)"


def test_epochs_without_an_evaluation_are_passed_over():
    _, ax = plt.subplots()
    curves.draw_curve(ax, {0: [None, 8.0, None, 5.0], 1: [None, 6.0, 3.0, 3.0]}, find("full").card)
    (line,) = ax.lines
    assert line.get_xdata().tolist() == [2, 4]
    assert line.get_ydata().tolist() == [7.0, 4.0]


def test_seeds_that_were_never_evaluated_together_leave_the_panel_empty():
    _, ax = plt.subplots()
    curves.draw_curve(ax, {0: [None, 8.0], 1: [6.0, None]}, find("full").card)
    assert len(ax.lines[0].get_xdata()) == 0


def test_a_panel_shows_the_runs_of_its_size_and_no_variant(make_run):
    def lists(error):
        return {"loss_total": [1.0, 1.0], "mpjpe": [error, error]}

    runs = [make_run("full", size, 0, lists(error)) for size, error in (("base", 50.0), ("xsmall", 70.0))]
    other = make_run("full", "base", 1, lists(999.0))
    for variant in ("gt2d", "no_graph"):
        settings = other.settings.model_copy(update={"variant": variant})
        runs.append(type(other)(settings, other.epochs, other.summary))
    figure = curves.draw(runs, view(Grid(("full",), ("xsmall", "base"), (0,))))
    panels = {(ax.get_title(), ax.get_ylabel()): ax for ax in figure.axes}
    assert panels["base", "test MPJPE (mm)"].lines[0].get_ydata().tolist() == [50, 50]
    assert panels["xsmall", "test MPJPE (mm)"].lines[0].get_ydata().tolist() == [70, 70]
    assert panels["base", "training loss"].lines[0].get_ydata().tolist() == [1, 1]


def test_lines_have_the_look_of_their_architecture_and_the_legend_names_it(make_run):
    grid = Grid(("full", "baseline"), ("base",), (0,))
    runs = [
        make_run(name, "base", 0, {"loss_total": [1.0, 0.5], "mpjpe": [error, error - 1]})
        for name, error in (("baseline", 60.0), ("full", 50.0))
    ]
    figure = curves.draw(runs, view(grid))
    loss, error = figure.axes
    assert loss.get_ylabel() == "training loss"
    (legend,) = figure.legends
    looks = {line.get_label(): (line.get_color(), line.get_linestyle()) for line in legend.legend_handles}
    drawn = {line.get_ydata()[0]: (line.get_color(), line.get_linestyle()) for line in error.lines}
    assert drawn == {50.0: looks["Full"], 60.0: looks["Baseline"]}
    assert looks["Full"] != looks["Baseline"]


def test_a_run_that_was_cut_short_is_named(tmp_path):
    (tmp_path / "metrics.json").write_text('{"epochs": {"mpjpe": [50.0, 4')
    with pytest.raises(PoseliftError, match=r"metrics.json.*train it again"):
        read_run(tmp_path)
    lists = {"mpjpe": [50.0, 49.0], "loss_total": [1.0]}
    (tmp_path / "metrics.json").write_text(json.dumps({"epochs": lists, "summary": {}}))
    with pytest.raises(PoseliftError, match=r"the lists by epoch differ in length"):
        read_run(tmp_path)
