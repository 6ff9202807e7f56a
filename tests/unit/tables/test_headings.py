"""What stands below a heading is what it says: each number beside the one that pandas finds for it."""

from itertools import product

import pandas as pd
import pytest

from made_up import LAST, table
from poselift.analysis.costs import Cost
from poselift.analysis.published import Published, Row
from poselift.analysis.view import AblationEntry, Grid
from poselift.evaluation.metrics import METRICS
from poselift.tables import (
    ablation,
    cost,
    differences,
    ground_truth_2d,
    main,
    overview,
    per_action,
    per_joint,
    published,
    trials,
)
from shown import GRID, view

NAMES = {metric.label: name for name, metric in METRICS.items()}
CHECKPOINTS = {"Last epoch": "last", "Best epoch": "best", "": "last"}
LABELS = {"Baseline": "baseline", "Full": "full"}
GT = {("full", "base", "gt2d", seed): error for seed, error in enumerate((18.0, 19.0, 23.0))}
VARIANT = {("full", "base", "thin", seed): error for seed, error in enumerate((39.0, 41.0, 41.5))}
RESULTS = table(
    {(*model, "", seed): error for model, errors in LAST.items() for seed, error in enumerate(errors)}
    | GT
    | VARIANT
)
MEANS = RESULTS.groupby(
    ["architecture", "size", "variant", "metric", "checkpoint", "group", "name"], observed=True
)["value"].mean()
VIEW = view(ground_truth_2d=Grid(("full",), ("base",), (0, 1, 2), "gt2d"))


def mean(architecture, size, metric="mpjpe", checkpoint="last", variant="", of=("all", "")):
    return pytest.approx(MEANS[architecture, size, variant, metric, checkpoint, *of])


def cells(made):
    """The title of the block, the row and, by heading and group, the cells of each row."""
    headings = [(column.heading, column.group) for column in made.columns]
    for block in made.blocks:
        title = ""
        for row in block.rows:
            title = block.title or title
            yield title, row[0].text, dict(zip(headings, row, strict=False))


def values(made):
    """The numbers by row and heading."""
    return {
        label: {heading: cell.value for (heading, _), cell in row.items()} for _, label, row in cells(made)
    }


def test_main():
    shown = {(size, LABELS.get(label)): row for size, label, row in cells(main.table(RESULTS, VIEW))}
    for size, name in product(GRID.sizes, GRID.architectures):
        for heading, group in product(("MPJPE", "P-MPJPE"), ("Last epoch", "Best epoch")):
            expected = mean(name, size, NAMES[heading], CHECKPOINTS[group])
            assert shown[size, name][heading, group].value == expected


def test_overview():
    shown = {(size, LABELS.get(label)): row for size, label, row in cells(overview.table(RESULTS, VIEW))}
    for size, name, heading in product(GRID.sizes, GRID.architectures, ("MPJPE", "P-MPJPE")):
        assert shown[size, name][heading, ""].value == mean(name, size, NAMES[heading])


@pytest.mark.parametrize(
    ("module", "group", "metrics"),
    [(per_action, "action", {"MPJPE", "P-MPJPE"}), (per_joint, "joint", {"MPJPE"})],
)
def test_by_name(module, group, metrics):
    table = module.table(RESULTS, VIEW)
    assert {(column.heading, column.group) for column in table.columns[1:]} == set(product(LABELS, metrics))
    made = list(cells(table))
    names = RESULTS.loc[RESULTS["group"] == group, "name"].unique()
    assert [label for _, label, _ in made] == [*names, "Mean"]
    for _, label, row in made:
        of = ("all", "") if label == "Mean" else (group, label)
        for (architecture, metric), cell in list(row.items())[1:]:
            assert cell.value == mean(LABELS[architecture], "base", NAMES[metric], of=of)


def test_differences():
    made = list(cells(differences.table(RESULTS, VIEW)))
    assert [(size, label) for size, label, _ in made] == [(size, "Full − Baseline") for size in GRID.sizes]
    for size, _, row in made:
        for metric in ("MPJPE", "P-MPJPE"):
            full, base = (
                MEANS.loc[name, size, "", NAMES[metric], "last", "sequence"] for name in ("full", "baseline")
            )
            change = full - base
            weights = change.index.str[-16].astype(int)
            by_action = (change * weights).groupby(change.index.str.partition("/").get_level_values(0)).sum()
            assert row[metric, ""].value == pytest.approx(by_action.mean() / 6)


def test_ground_truth_2d():
    ((_, _, full),) = [one for one in cells(ground_truth_2d.table(RESULTS, None, VIEW)) if one[1] == "Full"]
    assert full["MPJPE", "Last epoch"].value == mean("full", "base", variant="gt2d") == 20
    assert full["P-MPJPE", "Last epoch"].value == mean("full", "base", "p_mpjpe", variant="gt2d")
    assert full["MPJPE", "Best epoch"].value == mean("full", "base", "mpjpe", "best", "gt2d")
    assert full["MPJPE", "Detected"].value == mean("full", "base")


COSTS = {("full", "base"): Cost(27, 5 * 10**6, 6 * 10**9, 7 * 10**9)}
COSTS |= {("baseline", "base"): Cost(9, 2 * 10**6, 3 * 10**9, 4 * 10**9)}


def test_cost():
    rows = {label: row for size, label, row in cells(cost.table(COSTS, VIEW)) if size == "base"}
    shown = {heading: cell.value for heading, cell in rows["Full"].items() if heading[0] != "Model"}
    assert shown == {
        ("Frames", ""): 27, ("Par. (M)", ""): 5, ("linear", "MACs (G)"): 6, ("all", "MACs (G)"): 7,
    }  # fmt: skip


def test_ablation():
    entry = AblationEntry(name="thin", title="thinner", architecture="full", size="base", seeds=(0, 1, 2))
    variant_costs = {"full-base-thin": Cost(81, 10**6, 8 * 10**9, 9 * 10**9)}
    made = ablation.table(RESULTS, COSTS, variant_costs, view(ablation=(entry,)))
    rows = {
        label: {heading: cell.value for (heading, _), cell in row.items()} for _, label, row in cells(made)
    }
    thin = rows["thinner"]
    assert (thin["Frames"], thin["Par. (M)"], thin["MACs (G)"]) == (81, 1, 8)
    assert (rows["unchanged"]["Frames"], rows["unchanged"]["Par. (M)"]) == (27, 5)
    assert thin["MPJPE"] == mean("full", "base", variant="thin")
    assert thin["P-MPJPE"] == mean("full", "base", "p_mpjpe", variant="thin")
    share = (0.9 + 0.85 + 1.3) / 3  # of the full model's error on average over the actions
    assert thin["MPJPE change"] == pytest.approx(share * (40.5 - 39.5))
    assert thin["P-MPJPE change"] == pytest.approx(0.8 * share * (40.5 - 39.5))


def test_entries_of_one_base_share_its_block_wherever_they_are_declared():
    def entry(name, architecture):
        return AblationEntry(name=name, title="", architecture=architecture, size="base", seeds=(0, 1, 2))

    declared = (entry("thin", "full"), entry("deep", "baseline"), entry("late", "full"))
    blocks: dict[str, list[str]] = {}
    for title, label, _ in cells(ablation.table(RESULTS, COSTS, {}, view(ablation=declared))):
        blocks.setdefault(title, []).append(label)
    assert list(blocks)[1:] == ["Full, base", "Baseline, base"]
    assert blocks["Full, base"] == ["unchanged", "thin", "late"]
    assert blocks["Baseline, base"] == ["unchanged", "deep"]


def test_trials():
    """The twenty of lowest error, and last what has none."""
    errors = [30.0, None, *(9.0 + (7 * i) % 19 for i in range(19))]
    found = pd.DataFrame(
        {
            "stage": "coarse", "trial": [f"t{i}" for i in range(21)], "status": "finished", "reason": "",
            "best": 1.0, "final": errors, "unit": "px", "epochs": "60", "seeds": "3", "gpu_hours": "0.5",
            "lr": [f"{i}e-4" for i in range(21)], "batch_size": "16",
        }
    )  # fmt: skip
    found.loc[1, ["status", "reason"]] = "failed", "diverged"
    made = trials.table(found, VIEW)
    shown = [row for _, _, row in cells(made)]
    assert [row["MPJPE (px)", ""].value for row in shown] == [*map(float, range(9, 28)), 30]
    texts = {heading: cell.text for (heading, _), cell in shown[-1].items()}
    assert texts == {
        "Stage": "coarse", "lr": "0e-4", "batch size": "16", "MPJPE (px)": "30.00", "Epochs": "60",
        "Seeds": "3", "Status": "finished",
    }  # fmt: skip
    assert made.caption.startswith("The best 20 of 21 trials")
    last = [row for _, _, row in cells(trials.table(found[:2], VIEW))][-1]
    assert (last["MPJPE (px)", ""].text, last["Status", ""].text) == ("–", "failed: diverged")


def published_rows(*errors):
    common = {"frames": 243, "sure": "A", "source": "made up"}
    rows = [Row(method=f"T{i}", detector="SH", mpjpe=error, **common) for i, error in enumerate(errors)]
    rows.append(Row(method="other", detector="CPN", mpjpe=1.0, parameters=4.0, macs=9.0, p_mpjpe=2, **common))
    return Published(detector="SH", rows=rows)


def test_published():
    rows = values(published.table(RESULTS, COSTS, published_rows(60.0), VIEW))
    theirs = [rows["other"][name] for name in ("Frames", "Par. (M)", "MACs (G)", "MPJPE", "P-MPJPE")]
    assert theirs == [243, 4, 9, 1, 2]
    ours = rows["Ours: Full, base"]
    assert (ours["Frames"], ours["Par. (M)"], ours["MACs (G)"]) == (27, 5, 6)
    assert ours["MPJPE"] == mean("full", "base", "mpjpe", "best")
    assert ours["P-MPJPE"] == mean("full", "base", "p_mpjpe", "best")


@pytest.mark.parametrize(
    ("errors", "confidence", "bold"),
    # best epochs of 34, 34.2, 37.4 mm, in the recordings 3.05 / 3 of it and 1.83 mm more: 37.62, and one more
    # training up to 47.26 mm at 95 %, 41.84 mm at 80 %
    [((48.0, 60.0), 0.95, True), ((47.0, 60.0), 0.95, False), ((42.0, 60.0), 0.8, True)],
)
def test_ours_is_bold_where_its_interval_lies_below_the_lowest_with_our_detector(errors, confidence, bold):
    shown = view(statistics=VIEW.statistics.model_copy(update={"confidence": confidence}))
    made = published.table(RESULTS, COSTS, published_rows(*errors), shown)
    (ours,) = [row for _, label, row in cells(made) if label == "Ours: Full, base"]
    assert ours["MPJPE", ""].bold == bold
    assert f"the {100 * confidence:g}\N{NARROW NO-BREAK SPACE}% prediction interval" in made.caption


def test_stars_and_bold_belong_to_the_epoch_whose_number_they_mark():
    errors = {("baseline", 0): (40, 39), ("baseline", 1): (41, 39), ("baseline", 2): (42, 39)}
    errors |= {("full", 0): (38, 33), ("full", 1): (39.01, 45), ("full", 2): (40, 39.5)}
    runs = [
        table({(name, "base", "", seed): float(error)}).query(f"checkpoint == '{kept}'").assign(checkpoint=of)
        for (name, seed), both in errors.items()
        for of, kept, error in zip(("last", "best"), ("last", "last"), both, strict=True)
    ]
    shown = view(Grid(("baseline", "full"), ("base",), (0, 1, 2)))
    made = {label: row for _, label, row in cells(main.table(pd.concat(runs), shown))}
    last, best = made["Full"]["MPJPE", "Last epoch"], made["Full"]["MPJPE", "Best epoch"]
    assert (last.star, last.bold) == (True, True)
    assert (best.star, best.bold) == (False, False)
