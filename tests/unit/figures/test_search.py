"""The landscape of the search."""

import itertools

import numpy as np
import pandas as pd
import pytest

from poselift.analysis.trials import DESCRIPTION, read_trials
from poselift.errors import PoseliftError
from poselift.figures import search
from shown import view

VIEW = view()
NAMES = {
    "lr": ["5e-05", "0.0001", "0.0002", "0.0005"],
    "batch_size": ["32", "64", "96"],
    "weight_decay": ["1e-05", "0.001"],
}


def trial(number, final, stage="coarse", status="finished", **searched):
    return {
        "stage": stage, "trial": f"trial-{number}", "status": status, "reason": "", "final": final,
        "best": final - 3 * (number % 3 + 1), "unit": "px", "epochs": "50", "seeds": "1", "gpu_hours": "",
        "architecture": "full", "size": "base",
    } | searched  # fmt: skip


def landscape(*trials):
    return pd.DataFrame(list(trials)).astype({"final": float})


def points(ax):
    """Errors of the trials that are drawn, by the nearest tick; those that failed are NaN."""
    labels = [label.get_text() for label in ax.get_xticklabels()]
    found = {}
    for line in ax.lines:
        if line.get_label() == "lowest finished":
            continue
        for x, y in line.get_xydata():
            found.setdefault(labels[round(x)], []).append(np.nan if line.get_marker() == "x" else y)
    return {label: sorted(values) for label, values in found.items()}


@pytest.fixture
def grid():
    values = itertools.product(*NAMES.values())
    return landscape(
        *(trial(i, 10.0 + i, **dict(zip(NAMES, point, strict=True))) for i, point in enumerate(values))
    )


def test_each_searched_key_has_a_panel_with_every_trial(grid):
    lr, batch_size, weight_decay = search.draw(grid, VIEW).axes
    assert points(lr) == {
        label: [10.0 + 6 * k + i for i in range(6)]
        for k, label in enumerate(("5e-5", "1e-4", "2e-4", "5e-4"))
    }
    assert {label: len(of) for label, of in points(batch_size).items()} == {"32": 8, "64": 8, "96": 8}
    assert list(points(weight_decay)) == ["1e-5", "0.001"]
    assert lr.get_xlabel() == "learning rate"


def test_errors_are_labelled_with_their_unit(grid):
    assert "(px)" in search.draw(grid, VIEW).axes[0].get_ylabel()


def test_colours_and_markers_follow_the_first_key_in_all_panels(grid):
    axes = search.draw(grid, VIEW).axes

    def look_of(ax, error):
        (line,) = [
            one for one in ax.lines if error in one.get_ydata() and one.get_label() != "lowest finished"
        ]
        return line.get_marker(), tuple(line.get_color())

    first = {look_of(axes[0], error) for error in (10.0, 16.0, 22.0, 28.0)}
    assert len(first) == 4
    assert {look_of(axes[2], error) for error in (11.0, 17.0, 23.0, 29.0)} == first


def in_order(ax, tick):
    """The errors of the trials around a tick, from left to right."""
    drawn = [
        point for line in ax.lines if line.get_label() != "lowest finished" for point in line.get_xydata()
    ]
    return [y for x, y in sorted(map(tuple, drawn)) if round(x) == tick]


def test_trials_of_a_value_stand_in_the_order_of_the_first_key_and_of_their_error(grid):
    batch_size = search.draw(grid, VIEW).axes[1]
    assert in_order(batch_size, 0) == [10.0 + 6 * lr + decay for lr in range(4) for decay in range(2)]
    turned = grid.assign(final=40 - grid["final"])  # the later values of the first key are better
    assert in_order(search.draw(turned, VIEW).axes[1], 0)[:2] == [29.0, 30.0]


def test_failed_trials_are_crosses_above_the_others(words):
    figure = search.draw(landscape(trial(0, 10.0, lr="1"), trial(1, np.nan, status="failed", lr="2")), VIEW)
    (ax,) = figure.axes
    cross = next(line for line in ax.lines if line.get_marker() == "x")
    assert round(cross.get_xdata()[0]) == 1
    assert 10.0 < cross.get_ydata()[0] < ax.get_ylim()[1]
    assert any("1 failed" in line for line in words(figure))


def test_the_ring_is_the_lowest_that_finished():
    trials = landscape(
        trial(0, 9.0, status="stopped", lr="1"), trial(1, 11.0, lr="2"), trial(2, 10.0, lr="3")
    )
    (ax,) = search.draw(trials, VIEW).axes
    (ring,) = [line for line in ax.lines if line.get_label() == "lowest finished"]
    assert ring.get_xydata().tolist() == [[2, 10]]
    (stopped,) = [line for line in ax.lines if 9.0 in line.get_ydata()]
    assert stopped.get_markerfacecolor() == "white"


def test_a_single_trial_and_a_search_in_which_all_failed_are_drawn(words):
    (ax,) = search.draw(landscape(trial(0, 10.0, lr="1")), VIEW).axes
    assert points(ax) == {"trial-0": [10.0]}
    failed = landscape(*(trial(i, np.nan, status="failed", lr=str(i)) for i in range(2)))
    assert any("2 failed" in line for line in words(search.draw(failed, VIEW)))


def test_stages_are_rows_in_the_order_given(grid):
    grid.loc[0, "epochs"] = "40"  # not all of this stage have the same length
    fine = landscape(*(trial(i, 5.0 + i, "fine", lr=f"0.000{i + 1}", epochs="80") for i in range(2)))
    figure = search.draw(pd.concat([fine, grid], ignore_index=True), view(stages=("coarse", "fine")))
    titles = [title for ax in figure.axes if (title := ax.get_title(loc="left"))]
    assert titles == ["coarse: 24 trials", "fine: 2 trials, 80 epochs"]
    assert len(figure.axes) == 3 + 1


def test_sizes_and_architectures_are_in_their_usual_order():
    models = [("full", "small"), ("baseline", "base"), ("mamba_gcn", "xsmall")]
    trials = landscape(*(trial(i, 9.0 + i, architecture=a, size=s) for i, (a, s) in enumerate(models)))
    labels = [[t.get_text() for t in ax.get_xticklabels()] for ax in search.draw(trials, VIEW).axes]
    assert labels == [["Baseline", "Full", "MambaGCN"], ["xsmall", "small", "base"]]


def test_numbers_of_many_values_are_drawn_on_a_scale():
    values = np.geomspace(1e-5, 1e-2, 12)
    trials = landscape(*(trial(i, 10.0 + i, lr=f"{value:.3g}") for i, value in enumerate(values)))
    (ax,) = search.draw(trials, VIEW).axes
    assert ax.get_xscale() == "log"
    drawn = {y: x for line in ax.lines if line.get_label() != "lowest finished" for x, y in line.get_xydata()}
    assert [drawn[10.0 + i] for i in range(12)] == pytest.approx(values, rel=0.01)


def test_a_table_is_read_and_another_file_refused(tmp_path, grid):
    path = tmp_path / "results.csv"
    grid.to_csv(path, index=False)
    assert read_trials(path)["final"].tolist() == grid["final"].tolist()
    assert (grid["final"] > grid["best"]).all()
    assert set(read_trials(path)["reason"]) == {""}  # an empty cell is no number that is missing
    path.write_text("a,b\n1,2\n")
    with pytest.raises(PoseliftError, match=r"results\.csv: not a table of trials"):
        read_trials(path)
    path.write_text(",".join(DESCRIPTION) + "\n")
    with pytest.raises(PoseliftError, match="no trial"):
        read_trials(path)
    with pytest.raises(PoseliftError, match="no such file"):
        read_trials(tmp_path / "none.csv")
