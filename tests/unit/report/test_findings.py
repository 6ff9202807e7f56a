"""The five sentences of the page's head, with the numbers worked out from a made-up table of results."""

import re

import numpy as np
import pytest

from made_up import LAST, table
from poselift.analysis.claims import Judgement
from poselift.analysis.costs import Cost
from poselift.analysis.intervals import Model
from poselift.analysis.view import AblationEntry, Grid
from poselift.evaluation.report import Measured
from poselift.findings import Finding, findings, speed_table, speeds
from shown import GRID, view

COSTS = {
    ("baseline", "base"): Cost(27, 10_000_000, 20_000_000_000, 1),
    ("full", "base"): Cost(27, 12_500_000, 30_000_000_000, 1),
}
ENTRIES = [
    AblationEntry(name="small", title="a small change", architecture="full", size="base", seeds=(0, 1, 2)),
    AblationEntry(name="large", title="a large one", architecture="full", size="base", seeds=(0, 1, 2)),
]
CHANGED = {("full", "base", "small"): (38.5, 39.0, 42.5), ("full", "base", "large"): (34.0, 34.5, 38.0)}


def results(seeds: int = 3):
    main = {(*model, ""): errors for model, errors in LAST.items()}
    return table(
        {(*model, seed): errors[seed] for model, errors in (main | CHANGED).items() for seed in range(seeds)}
    )


def judged(verdict, reason="so"):
    return Judgement("It is so.", "mpjpe(full, base) < 40 mm", verdict, reason, "mm", 39.5, 38.0, 41.0, 3)


def test_of_several_models_the_one_of_lowest_error_is_described():
    lower = {("mamba_gcn", "base", "", seed): error for seed, error in enumerate((36.0, 36.5, 40.0))}
    rows = table(
        {(*model, "", seed): errors[seed] for model, errors in LAST.items() for seed in range(3)} | lower
    )
    for order in (("mamba_gcn", "full", "baseline"), ("full", "baseline", "mamba_gcn")):
        first, *_ = findings(rows, {}, {}, (), view(Grid(order, ("base",), (0, 1, 2))))
        assert first.text.startswith("After the last epoch the MPJPE of MambaGCN, base is")
        assert "lower than that of Baseline" in first.text


def texts(seeds=3, measured=None, judgements=(), costs=COSTS, **others) -> dict[str, Finding]:
    shown = view(Grid(GRID.architectures, GRID.sizes, tuple(range(seeds))), **others)
    found = findings(results(seeds), costs, measured or {}, judgements, shown)
    assert len(found) == 5
    for each in found:  # one sentence each: full stops stand in numbers and at the end alone
        assert re.fullmatch(r"([^.]|[.](?=\d))+[.]", each.text), each.text
    return {each.title: each for each in found}


def plain(finding: Finding) -> str:
    return finding.text.replace("\N{NARROW NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(("seeds", "significant"), [(3, True), (2, False)])
def test_improvement_over_the_base_with_its_interval(seeds, significant):
    found = texts(seeds)["Improvement"]
    # the mean over actions of their recordings: the shares of the overall error are 3.1 / 3 and 3.05 / 3
    base, full = (np.mean(LAST[name, "base"][:seeds]) for name in ("baseline", "full"))
    change = full * 3.05 / 3 - base * 3.1 / 3
    share = -100 * change / base
    start = f"After the last epoch the MPJPE of Full, base is {-change:.1f} mm ({share:.1f} %) lower"
    assert plain(found).startswith(f"{start} than that of Baseline (95 % interval ")
    low, high = (float(end.replace("−", "-")) for end in re.findall(r"[−+][\d.]+", found.text))
    assert low < change < high
    assert (high < 0) is significant
    assert ("significant after Holm's correction" in found.text) is significant
    assert ("inconclusive, as 80" in found.text) is not significant
    assert found.table == "differences"


def test_one_seed_decides_nothing():
    found = texts(seeds=1)
    assert "one seed decides nothing" in found["Improvement"].text
    assert "significant" not in found["Improvement"].text
    assert "with one seed per model no difference is called significant" in found["Open"].text


def test_cost_is_a_ratio():
    assert plain(texts()["Cost"]) == (
        "Full, base, has 12.50 million parameters (that of Baseline: 10.00, ratio 1.25) and 30.00 billion "
        "MACs per clip (that of Baseline: 20.00, ratio 1.50)."
    )
    assert texts(costs={})["Cost"].text == "No two models were counted yet."


@pytest.fixture
def reports(make_report):
    """Evaluations that ran at 100 and 300 frames per second (full), and 400 (baseline)."""

    def made(architecture, seed, speed, device="cpu"):
        measured = Measured(frames_per_second=speed, device=device, threads=2)
        return make_report(architecture, "base", seed, 40.0, 39.0).model_copy(update={"volatile": measured})

    return made


def test_speed_is_a_ratio_where_the_machine_is_the_same(reports):
    changed = reports("full", 0, 999).model_copy(update={"variant": "thin"})  # another model
    measured = speeds(
        [reports("full", 0, 100), reports("full", 1, 300), reports("baseline", 0, 400), changed]
    )
    assert measured[Model("full", "base")].frames_per_second == 200
    found = texts(measured=measured)["Speed"]
    assert found.text == (
        "In its evaluation Full, base, took 200 frames per second (CPU, 2 threads), Baseline 400: ratio 0.50."
    )
    assert found.table == "speed"
    rows = [
        [cell.text for cell in row] for block in speed_table(measured, view()).blocks for row in block.rows
    ]
    assert rows == [["Baseline", "400", "CPU, 2 threads"], ["Full", "200", "CPU, 2 threads"]]

    elsewhere = speeds([reports("full", 0, 100), reports("baseline", 0, 400, "A GPU")])
    assert "other machines, so no ratio" in texts(measured=elsewhere)["Speed"].text


def test_the_largest_effect_of_the_ablation():
    found = texts(ablation=tuple(ENTRIES))["Ablation"]
    change = (35.5 - 39.5) * 3.05 / 3
    start = (
        "Of 2 changes of a model, “a large one” has the largest effect: the MPJPE of Full, base, changes by"
    )
    assert plain(found).startswith(f"{start} {change:.1f} mm (95 % interval".replace("-", "−"))
    assert "significant" in found.text
    assert texts()["Ablation"].text == "No change of a model was tried."


def test_what_cannot_be_judged_and_why():
    claims = [
        judged("supported"), judged("refuted"),
        judged("not tested", "missing runs: a"), judged("not tested", "missing runs: a"),
    ]  # fmt: skip
    found = texts(judgements=claims)["Open"]
    assert found.text == (
        "Of 4 claims 1 supported, 1 refuted and 0 inconclusive; 2 not tested (missing runs: a)."
    )
    assert found.table == "claims"
    assert "with 2 seeds per model" in texts(seeds=2)["Open"].text
